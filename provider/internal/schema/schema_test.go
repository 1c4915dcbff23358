package schema

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the schema")

const (
	root      = "../../.."
	committed = "../../schema.json"
)

// TestSchemaMatchesTheCode keeps what other languages see in step with the types, their
// comments and the version.
func TestSchemaMatchesTheCode(t *testing.T) {
	t.Parallel()
	generated, err := Generate(root)
	require.NoError(t, err)
	raw, err := json.MarshalIndent(generated, "", "  ")
	require.NoError(t, err)
	raw = append(raw, '\n')
	if *update {
		require.NoError(t, os.WriteFile(committed, raw, 0o600))
	}
	was, err := os.ReadFile(committed)
	require.NoError(t, err)
	require.Equal(t, string(was), string(raw), "run cd provider && go test ./internal/schema -update")
}
