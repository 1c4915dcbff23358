package spelling

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"queue-scorer", "max-score-picker", "prefix-cache-affinity-filter", "prefix-cache-scorer"}
	for word, want := range map[string]string{
		"queue-scorers": "queue-scorer",
		"Queue-Scorer":  "queue-scorer",
		"prefix-cache":  "prefix-cache-scorer",
		"max":           "",
		"":              "",
		"decision-tree": "",
	} {
		require.Equal(t, want, Nearest(word, known), word)
	}
}
