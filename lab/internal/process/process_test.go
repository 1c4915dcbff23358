package process

import (
	"bufio"
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// worker counts the interrupts that it receives, and takes its time to end.
const worker = `n=0; trap 'n=$((n+1))' INT; echo ready
i=0; while [ $i -lt 60 ]; do sleep 0.05; i=$((i+1)); [ $n -gt 0 ] && [ $i -lt 50 ] && i=50; done; echo "interrupts: $n"`

func TestAnInterruptedCommandGetsOneSignalAndTimeToEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cmd := Graceful(ctx, "sh", "-c", worker)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.Equal(t, "ready", lines.Text())
	cancel(Signal{syscall.SIGTERM})
	require.True(t, lines.Scan(), "it was killed before it could wind down")
	require.Equal(t, "interrupts: 1", lines.Text())
	_ = cmd.Wait()
}

func TestACommandAwayFromATerminalIsInAGroupOfItsOwn(t *testing.T) {
	t.Parallel()
	if foreground() {
		t.Skip("these tests run at a terminal, whose Ctrl-C reaches their commands")
	}
	out, err := Graceful(t.Context(), "sh", "-c", "ps -o pgid= -p $$; echo $$").Output()
	require.NoError(t, err)
	fields := strings.Fields(string(out))
	require.Len(t, fields, 2)
	require.Equal(t, fields[1], fields[0])
}

//nolint:paralleltest // The signal is the process's.
func TestASignalIsTheCauseOfItsContext(t *testing.T) {
	ctx, stop := Context()
	defer stop()
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGINT))
	select {
	case <-ctx.Done():
	case <-time.After(5 * time.Second):
		require.Fail(t, "the signal did not end the context")
	}
	require.Equal(t, Signal{os.Interrupt}, context.Cause(ctx))
}
