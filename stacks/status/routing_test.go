package status

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// routed holds a Gateway and an HTTPRoute, both of generation 2.
type routed struct {
	cluster.Cluster
	gateway, route map[string]any
}

func (c *routed) Get(_ context.Context, resource schema.GroupVersionResource, _, _ string) (*unstructured.Unstructured, error) {
	status := c.gateway
	if resource.Resource == "httproutes" {
		status = c.route
	}
	if status == nil {
		return nil, nil
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"generation": int64(2)}, "status": status,
	}}, nil
}

// conditions returns these types of conditions, which hold as of a generation.
func conditions(generation int64, types ...string) map[string]any {
	var list []any
	for _, t := range types {
		list = append(list, map[string]any{"type": t, "status": "True", "observedGeneration": generation})
	}
	return map[string]any{"conditions": list}
}

// parent returns a parent of a route that refuses it for some reason, unless that is empty.
func parent(controller, reason, message string) map[string]any {
	p := conditions(2, "Accepted", "ResolvedRefs")
	if reason != "" {
		accepted := p["conditions"].([]any)[0].(map[string]any)
		accepted["status"], accepted["reason"], accepted["message"] = "False", reason, message
	}
	p["controllerName"] = controller
	return p
}

func TestRoutingNeedsEveryConditionOfEveryParent(t *testing.T) {
	t.Parallel()
	parents := func(list ...any) map[string]any { return map[string]any{"parents": list} }
	good, gateway := parents(parent("a", "", "")), conditions(2, "Accepted", "Programmed")
	listener := conditions(2, "Accepted", "Programmed")
	unresolved := conditions(2)
	unresolved["name"] = "http"
	unresolved["conditions"] = []any{map[string]any{"type": "ResolvedRefs", "status": "False", "reason": "InvalidRouteKinds", "message": "m"}}
	listener["listeners"] = []any{unresolved}
	for name, test := range map[string]struct {
		gateway, route map[string]any
		want           string
	}{
		"all is well":             {gateway, good, ""},
		"the route does not work": {gateway, parents(parent("a", "UnsupportedValue", "timeouts are not supported")), "HTTPRoute r, to a: Accepted is False, UnsupportedValue: timeouts are not supported"},
		"one parent of two":       {gateway, parents(parent("a", "", ""), parent("b", "NotAllowedByListeners", "")), "HTTPRoute r, to b: Accepted is False, NotAllowedByListeners"},
		"no parent":               {gateway, parents(), "HTTPRoute r: Accepted is Unknown, Pending: no controller has looked at it"},
		"no route":                {gateway, nil, "HTTPRoute r: Accepted is Unknown, NotFound"},
		"half of the conditions":  {conditions(2, "Programmed"), good, "Gateway r: Accepted is Unknown, Pending: no controller has set it"},
		"an earlier generation":   {conditions(1, "Accepted", "Programmed"), good, "Gateway r: Accepted is Unknown, Pending: the controller has not seen the latest change"},
		"a listener":              {listener, good, "Gateway r, listener http: ResolvedRefs is False, InvalidRouteKinds: m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gvk := func(kind string) schema.GroupVersionKind {
				return schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: kind}
			}
			reader := Reader{
				Cluster:        &routed{gateway: test.gateway, route: test.route},
				Routing:        []plan.Object{{GroupVersionKind: gvk("Gateway"), Name: "r"}, {GroupVersionKind: gvk("HTTPRoute"), Name: "r"}},
				RoutingTimeout: time.Millisecond,
			}
			err := reader.routed(t.Context())
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
		})
	}
}
