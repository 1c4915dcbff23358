package lock

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAWaitForALockIsReportedOnceAndCanBeInterrupted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "folder", "lock")
	never := func() { t.Error("nobody else has the lock") }
	unlock, err := Take(t.Context(), path, never)
	require.NoError(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	reports := 0
	_, err = Take(ctx, path, func() { reports++ })
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, 1, reports)

	unlock()
	unlock, err = Take(t.Context(), path, never)
	require.NoError(t, err)
	unlock()
}
