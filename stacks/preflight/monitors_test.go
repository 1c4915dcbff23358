package preflight

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// monitored is a cluster with one Prometheus per specification, in the namespace monitoring, and a
// namespace sim with the label team=sim.
type monitored struct {
	cluster.Cluster
	specs map[string]map[string]any
	// err is that of a list, and getErr that of reading one.
	err, getErr error
}

func (m monitored) List(context.Context, schema.GroupVersionResource, string) (list []metav1.PartialObjectMetadata, err error) {
	for name := range m.specs {
		list = append(list, metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "monitoring"}})
	}
	return list, m.err
}

func (m monitored) Get(_ context.Context, _ schema.GroupVersionResource, _, name string) (*unstructured.Unstructured, error) {
	return &unstructured.Unstructured{Object: map[string]any{"spec": m.specs[name]}}, m.getErr
}

func (m monitored) Namespace(_ context.Context, name string) (*metav1.PartialObjectMetadata, error) {
	return &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"team": name}}}, nil
}

func TestMonitorsThatNoPrometheusSelectsAreReported(t *testing.T) {
	t.Parallel()
	forbidden := apierrors.NewForbidden(prometheuses.GroupResource(), "", nil)
	everything := map[string]any{}
	release := func(name string) map[string]any {
		return map[string]any{"matchLabels": map[string]any{"release": name}}
	}
	team := func(name string) map[string]any { return map[string]any{"matchLabels": map[string]any{"team": name}} }
	pods := func(selector, namespaces any) map[string]any {
		return map[string]any{"podMonitorSelector": selector, "podMonitorNamespaceSelector": namespaces}
	}
	for name, test := range map[string]struct {
		specs map[string]map[string]any
		err   error
		// getErr is that of reading one.
		getErr error
		want   string
	}{
		"there is none":             {},
		"they may not be listed":    {err: forbidden},
		"they may not be read":      {specs: map[string]map[string]any{"k8s": pods(release("other"), everything)}, getErr: forbidden},
		"all":                       {specs: map[string]map[string]any{"k8s": pods(everything, everything)}},
		"by the label":              {specs: map[string]map[string]any{"k8s": pods(release("kps"), everything)}},
		"by an expression":          {specs: map[string]map[string]any{"k8s": pods(map[string]any{"matchExpressions": []any{map[string]any{"key": "release", "operator": "Exists"}}}, everything)}},
		"by the namespace":          {specs: map[string]map[string]any{"k8s": pods(everything, team("sim"))}},
		"one of two":                {specs: map[string]map[string]any{"k8s": pods(release("no"), everything), "b": pods(release("kps"), everything)}},
		"one of two stages":         {specs: map[string]map[string]any{"k8s": pods(map[string]any{"matchLabels": map[string]any{"name": "decode"}}, everything)}, want: "those with name=decode"},
		"another release":           {specs: map[string]map[string]any{"k8s": pods(release("other"), everything)}, want: "k8s in namespace monitoring selects those with release=other, in all namespaces"},
		"another team's namespaces": {specs: map[string]map[string]any{"k8s": pods(everything, team("other"))}, want: "selects all, in those with team=other"},
		"no selector":               {specs: map[string]map[string]any{"k8s": {"podMonitorNamespaceSelector": everything}}, want: "selects none, in all namespaces"},
		"no namespace selector":     {specs: map[string]map[string]any{"k8s": {"podMonitorSelector": everything}}, want: "selects all, in its own namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			monitor := func(name string) plan.Object {
				return plan.Object{
					GroupVersionKind: schema.GroupVersionKind{Group: prometheuses.Group, Version: "v1", Kind: "PodMonitor"}, Namespace: "sim",
					Manifest: map[string]any{"metadata": map[string]any{"labels": map[string]any{"release": "kps", "name": name}}},
				}
			}
			monitors := []plan.Object{monitor("decode"), monitor("prefill")}
			c := &checker{
				Stack: Stack{Plan: plan.Plan{Parts: []plan.Part{{Objects: monitors}}}, Namespace: "sim"},
				live:  monitored{specs: test.specs, err: test.err, getErr: test.getErr},
			}
			warnings, err := c.unselectedMonitors(t.Context())
			require.NoError(t, err)
			if test.want == "" {
				require.Empty(t, warnings)
				return
			}
			require.Len(t, warnings, 1)
			require.Contains(t, warnings[0], "no Prometheus selects the PodMonitors of this stack: ")
			require.Contains(t, warnings[0], test.want)
		})
	}
}
