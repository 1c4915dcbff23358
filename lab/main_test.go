package main

import (
	"os/exec"
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

func TestWhatEnvPrintsIsSafeToEvaluate(t *testing.T) {
	t.Parallel()
	const hard = `a 'quoted' "$HOME" \ and $(more)`
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+shellQuote(hard)).Output()
	require.NoError(t, err)
	require.Equal(t, hard, string(out))
}
