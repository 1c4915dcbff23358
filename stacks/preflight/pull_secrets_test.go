package preflight

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// secrets is a cluster with Secrets of these names in the namespace sim.
type secrets struct {
	cluster.Cluster
	names []string
}

func (s secrets) List(
	_ context.Context, resource schema.GroupVersionResource, namespace string,
) ([]metav1.PartialObjectMetadata, error) {
	var list []metav1.PartialObjectMetadata
	if resource.Resource == "secrets" && namespace == "sim" {
		for _, name := range s.names {
			list = append(list, metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: name}})
		}
	}
	return list, nil
}

func TestMissingPullSecretsAreNamed(t *testing.T) {
	t.Parallel()
	deployment := plan.Object{Manifest: map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
		"imagePullSecrets": []any{map[string]any{"name": "one"}, map[string]any{"name": "two"}},
	}}}}}
	service := plan.Object{Manifest: map[string]any{"spec": map[string]any{}}}
	pulled := plan.Plan{Parts: []plan.Part{{Objects: []plan.Object{deployment, service}}, {Objects: []plan.Object{deployment}}}}
	for name, test := range map[string]struct {
		plan            plan.Plan
		exist           []string
		createNamespace bool
		want            []string
	}{
		"none is used": {plan: plan.Plan{Parts: []plan.Part{{Objects: []plan.Object{service}}}}},
		"both exist":   {plan: pulled, exist: []string{"two", "one"}},
		"one of two":   {plan: pulled, exist: []string{"one"}, want: []string{"Secret two does not exist in namespace sim, so images that need it cannot be pulled. Create it: "}},
		"a namespace that the stack makes": {plan: pulled, createNamespace: true, want: []string{
			"Create it (as soon as this stack has created the namespace): kubectl create secret docker-registry one -n sim",
			"Create it (as soon as this stack has created the namespace): kubectl create secret docker-registry two -n sim",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &checker{
				Stack: Stack{Plan: test.plan, Namespace: "sim", CreateNamespace: test.createNamespace},
				live:  secrets{names: test.exist},
			}
			warnings, err := c.missingPullSecrets(t.Context())
			require.NoError(t, err)
			require.Len(t, warnings, len(test.want))
			for i, want := range test.want {
				require.Contains(t, warnings[i], want)
				require.Contains(t, warnings[i], "kubectl create secret docker-registry")
			}
		})
	}
}
