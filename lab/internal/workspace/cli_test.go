package workspace

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/process"
)

func TestAnInterruptedPulumiWindsDown(t *testing.T) {
	t.Parallel()
	w, calls := newWorkspace(t, `log=$(dirname "$0")/calls
trap 'sleep 0.3; echo wound down >>"$log"; exit 1' INT
echo ready >>"$log"; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2; done`)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx, "up") }()
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(filepath.Dir(w.Dir), "calls"))
		return err == nil && len(calls()) == 2
	}, 5*time.Second, 10*time.Millisecond)
	cancel(process.Signal{Signal: syscall.SIGTERM})
	err := <-done
	require.EqualError(t, err, "pulumi up: stopped by signal: terminated")
	require.Equal(t, []string{"up --stack dev", "ready", "wound down"}, calls())
}

func TestOutputsOfAStackThatIsNotDeployed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, script, want string }{
		{"no outputs", "echo '{}'", "stack dev is not deployed: run make up"},
		{"no stack", "echo no stack named dev >&2; exit 255", "no stack named dev"},
		{"no JSON", "echo hello", "reading the outputs of stack dev"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, _ := newWorkspace(t, test.script)
			_, err := w.Namespace(t.Context())
			require.ErrorContains(t, err, test.want)
		})
	}
	w, _ := newWorkspace(t, `echo '{"namespace": "ns"}'`)
	namespace, err := w.Namespace(t.Context())
	require.NoError(t, err)
	require.Equal(t, "ns", namespace)
}
