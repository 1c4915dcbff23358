package traffic

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// TestComparison runs a comparison as `make compare` does, and a second time until an interrupt.
func TestComparison(t *testing.T) {
	t.Parallel()
	compare := labtest.Build(t, "../../compare")
	file, err := filepath.Abs("testdata/compare.yaml")
	require.NoError(t, err)
	out := t.TempDir()
	start := func(interruptAt string) (string, error) {
		args := []string{"--file", file, "--out", out}
		for key, image := range lab.LLMD() {
			args = append(args, "--image", key+"="+image)
		}
		cmd := lab.Command(compare, args...)
		log, err := cmd.StdoutPipe()
		require.NoError(t, err)
		cmd.Stderr = os.Stderr
		require.NoError(t, cmd.Start())
		var all strings.Builder
		for lines := bufio.NewScanner(log); lines.Scan(); {
			all.WriteString(lines.Text() + "\n")
			if interruptAt != "" && strings.Contains(lines.Text(), interruptAt) {
				require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
			}
		}
		return all.String(), cmd.Wait()
	}
	nothingIsLeft := func() {
		t.Helper()
		require.NotContains(t, lab.Kubectl(t, "get", "namespaces"), "llm-d-sim-compare-")
	}

	log, err := start("")
	require.Error(t, err, "a candidate is missing")
	require.Contains(t, log, "candidate broken cannot be deployed")
	require.Contains(t, log, "ErrImagePull", "the reason")
	require.Contains(t, log, "hitRate(epp) > hitRate(roundRobin): met")
	require.Contains(t, log, "errors(epp) == 0: met")
	nothingIsLeft()
	page, err := os.ReadFile(filepath.Join(out, "report.html"))
	require.NoError(t, err)
	require.Contains(t, string(page), "candidate broken cannot be deployed")

	log, err = start("repetition 1 of 2, epp")
	require.Error(t, err)
	require.Contains(t, log, "interrupted after 2 of 4 runs")
	nothingIsLeft()
}
