package construct

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumbersThatAreNoneHaveAPath(t *testing.T) {
	t.Parallel()
	for path, value := range map[string]any{
		"":                     map[string]any{"enabled": true, "args": []any{"--v", 2.0}},
		"decode":               math.NaN(),
		"decode.replicas":      map[string]any{"args": []any{}, "replicas": math.Inf(1)},
		"decode.args[1].limit": map[string]any{"args": []any{"a", map[string]any{"limit": math.NaN()}}},
	} {
		require.Equal(t, path, notANumber("decode", value))
	}
}
