package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsTypedWrongIsToldBeforeAnythingRuns(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "usage: lab COMMAND"},
		{[]string{"upp"}, `unknown command "upp"`},
		{[]string{"start", "--crds", "istoi"}, `unknown CRDs "istoi": known are all, none, gateway, inference, istio`},
		{[]string{"up", "--stack", "ful"}, "neither Pulumi.ful.yaml nor examples/Pulumi.ful.yaml"},
		{[]string{"up", "--repository", "..", "--cluster", "mine"}, `unknown cluster "mine": known are lab and current`},
	} {
		require.ErrorContains(t, run(t.Context(), test.args), test.want)
	}
}

func TestALinkLeadsToTheFileBehindARelativeLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "real"), []byte("tool"), 0o600))
	installed := filepath.Join(dir, "installed")
	require.NoError(t, os.Symlink("real", installed))
	path := filepath.Join(dir, "lab", "bin", "tool")
	for range 2 { // The second replaces the first.
		require.NoError(t, link(installed, path))
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "tool", string(content))
	}
}

func TestALabIsNotFoundOnThePath(t *testing.T) {
	t.Parallel()
	l := &lab{cache: "/cache", name: "dev"}
	require.Equal(t, "/bin:/cache/labels/bin", l.withoutLabs(l.bin()+":/bin:/cache/labels/bin:/cache/lab/other/bin"))
}

func TestWhatEnvPrintsIsSafeToEvaluate(t *testing.T) {
	t.Parallel()
	const hard = `a 'quoted' "$HOME" \ and $(more)`
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+shellQuote(hard)).Output()
	require.NoError(t, err)
	require.Equal(t, hard, string(out))
}
