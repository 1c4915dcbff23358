package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/internal/configgen"
)

// TestGeneratedBadConfigurationsChangeNothing previews many mistakes at a time: one of each value,
// then the next. A mistake that hides another is made first. A unit test makes each of them alone.
func TestGeneratedBadConfigurationsChangeNothing(t *testing.T) {
	t.Parallel()
	before := lab.Dev(t).Objects()
	s := lab.NewStack(t, "bad", nil)
	mistakes := configgen.Mistakes()
	previews := 0
	for left := mistakes; len(left) > 0; previews++ {
		values, tried := map[string]any{}, map[string]bool{}
		for _, m := range left {
			if !tried[m.Path] {
				configgen.Set(values, m.Path, m.Value)
				tried[m.Path] = true
			}
		}
		s.Configure(values)
		out, err := s.Pulumi("preview")
		require.Error(t, err)
		require.Contains(t, out, "nothing was changed")
		require.Contains(t, out, "fix: pulumi config")
		require.NotContains(t, out, "panic")
		count := len(left)
		left = slices.DeleteFunc(slices.Clone(left), func(m configgen.Mistake) bool {
			reported := regexp.MustCompile(`\n *` + regexp.QuoteMeta(m.Reported) + " = ")
			if !tried[m.Path] || !reported.MatchString(out) {
				return false
			}
			delete(tried, m.Path)
			return true
		})
		require.Less(t, len(left), count, "not reported: %v\n%s", left, out)
	}
	require.False(t, s.NamespaceExists())
	require.Equal(t, before, lab.Dev(t).Objects(), "no resourceVersion changed")
	fmt.Printf("%d generated mistakes refused in %d previews, nothing changed\n", len(mistakes), previews)
	require.Greater(t, len(mistakes), 500)
}
