package version_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/version"

	current "github.com/llm-d-sim/llm-d-sim/internal/version"
)

func TestVersionIsSemantic(t *testing.T) {
	t.Parallel()
	parsed, err := version.ParseSemantic(current.String())
	require.NoError(t, err)
	require.Equal(t, parsed.String(), current.String())
}

// A release has a section of its own; changes between two releases are unreleased.
func TestChangelogHasSectionForVersion(t *testing.T) {
	t.Parallel()
	changelog, err := os.ReadFile("../../CHANGELOG.md")
	require.NoError(t, err)
	section := "\n## [" + current.String() + "] - "
	if strings.HasSuffix(current.String(), "-dev") {
		section = "\n## [Unreleased]\n"
	}
	require.Contains(t, string(changelog), section)
}
