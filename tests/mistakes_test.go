package tests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/internal/configgen"
)

func TestGeneratedMistakesAreRefused(t *testing.T) {
	t.Parallel()
	for _, m := range configgen.Mistakes() {
		values := map[string]any{}
		configgen.Set(values, m.Path, m.Value)
		require.Contains(t, problemsOf(t, values), m.Reported, "%s = %v", m.Path, m.Value)
	}
}

// problemsOf returns the paths of what is wrong with a configuration.
func problemsOf(t *testing.T, values map[string]any) (paths []string) {
	t.Helper()
	_, err := load(plainKeys(t, values))
	var bad *config.Error
	require.ErrorAs(t, err, &bad)
	for _, p := range bad.Problems {
		require.Regexp(t, "^pulumi config ", p.Fix, p.Path)
		paths = append(paths, p.Path)
	}
	return paths
}
