package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/compare/comparison"
)

func TestCandidatesTakeTurns(t *testing.T) {
	t.Parallel()
	require.Equal(t, []int{0, 1, 2}, turns(3, 0))
	require.Equal(t, []int{2, 1, 0}, turns(3, 1))
}

func TestAUsersClusterIsChangedOnlyAfterAYes(t *testing.T) {
	t.Parallel()
	c := &comparison.Comparison{Candidates: []comparison.Candidate{{Name: "roundRobin"}, {Name: "epp"}}}
	for answer, want := range map[string]bool{"yes\n": true, "no\n": false, "": false} {
		var out strings.Builder
		require.Equal(t, want, agreed(strings.NewReader(answer), &out, "prod", c))
		require.Contains(t, out.String(), "2 namespaces in kube context prod")
		require.Contains(t, out.String(), "llm-d-sim-compare-roundrobin")
	}
}

func TestImagesAreGivenByTheirKeys(t *testing.T) {
	t.Parallel()
	i := images{}
	require.NoError(t, i.Set("epp.image=registry.example/epp:v1"))
	require.Equal(t, images{"epp.image": "registry.example/epp:v1"}, i)
	require.Error(t, i.Set("epp"))
}
