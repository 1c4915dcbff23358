package construct

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

var constructor = regexp.MustCompile(`(?m)^func New(\w+)\(\n?\s*ctx \*pulumi\.Context`)

func TestEveryComponentIsOffered(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../components/*.go")
	require.NoError(t, err)
	var components, offered []string
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range constructor.FindAllSubmatch(source, -1) {
			components = append(components, "llm-d-sim:index:"+string(match[1]))
		}
	}
	for _, p := range Parts {
		offered = append(offered, p.Token())
	}
	require.ElementsMatch(t, components, offered)
}
