package shell

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAQuotedWordIsTakenLiterally(t *testing.T) {
	t.Parallel()
	const hard = `a 'quoted' "$HOME" \ and $(more)`
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+Quote(hard)).Output()
	require.NoError(t, err)
	require.Equal(t, hard, string(out))
}
