package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// TestStatesOfOneNameAreIsolated has two people with local state who follow the same
// instructions on one cluster.
func TestStatesOfOneNameAreIsolated(t *testing.T) {
	t.Parallel()
	first := lab.NewStack(t, "twins", map[string]any{"name": "twins"})
	first.Up()
	before := first.Objects()

	second := first.Twin()
	out, _ := second.UpFails()
	require.Contains(t, out, "namespace ns-twins exists already and belongs to another Pulumi stack, organization/llm-d-sim/twins")
	second.Must("destroy", "--yes", "--skip-preview")

	require.Equal(t, before, first.Objects())
	require.Contains(t, first.Up(), "unchanged")
}

func TestRenamedStackKeepsItsObjects(t *testing.T) {
	t.Parallel()
	s := lab.NewStack(t, "renamed", map[string]any{"name": "renamed"})
	s.Up()
	uid := s.Get("deployment", "ms-sim-renamed-decode").GetUID()
	s.Must("stack", "rename", "renamed-again")
	s.Name = "renamed-again"

	summary := s.Up()
	require.NotRegexp(t, "created|deleted|replaced", summary)
	require.Equal(t, uid, s.Get("deployment", "ms-sim-renamed-decode").GetUID())

	// Giving the namespace up would delete it.
	s.Set("createNamespace", "false")
	out, _ := s.UpFails()
	require.Contains(t, out, "would delete it with everything in it")
	require.True(t, s.NamespaceExists())
	s.Set("createNamespace", "true")
}

// TestChangeOfModeKeepsADeploymentOfTheSameName has a name with which single mode and the
// decode stage call their Deployments alike.
func TestChangeOfModeKeepsADeploymentOfTheSameName(t *testing.T) {
	t.Parallel()
	s := lab.NewStack(t, "modes", map[string]any{"name": "llm-d-modelservice"})
	s.Up()
	uid := s.Get("deployment", llmd.DecodeName).GetUID()
	for _, enabled := range []string{"true", "false"} {
		s.Set("decode.enabled", enabled)
		s.Up()
		require.Equal(t, uid, s.Get("deployment", llmd.DecodeName).GetUID())
		require.EqualValues(t, 2, s.Outputs()["readyReplicas"])
	}
}
