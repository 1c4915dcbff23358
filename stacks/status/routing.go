package status

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// routed waits until the controllers have put all Gateways and HTTPRoutes to work as they are
// now. The provider's own wait is content with any one parent, and with conditions of an
// earlier spec.
func (r Reader) routed(ctx context.Context) error {
	for until := time.Now().Add(r.RoutingTimeout); ; time.Sleep(interval) {
		var missing []string
		for _, o := range r.Routing {
			unmet, err := unmetConditions(ctx, r.Cluster, o)
			if err != nil {
				return err
			}
			for _, c := range unmet {
				missing = append(missing, c.String())
			}
		}
		if len(missing) == 0 {
			return nil
		}
		if !time.Now().Before(until) {
			return fmt.Errorf("requests are not routed, readyTimeout is over:\n%s", strings.Join(missing, "\n"))
		}
	}
}

// unmet is a condition that an object needs for its part in routing, and lacks.
type unmet struct {
	object, condition, status, reason, message string
}

func (u unmet) String() string {
	return fmt.Sprintf("%s: %s is %s, %s: %s", u.object, u.condition, u.status, u.reason, u.message)
}

// unmetConditions returns the conditions of a Gateway or HTTPRoute that do not hold.
func unmetConditions(ctx context.Context, live cluster.Cluster, o plan.Object) ([]unmet, error) {
	found, err := live.Get(ctx, o.Resource(), o.Namespace, o.Name)
	if err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", o.Kind, o.Name, err)
	}
	name := o.Kind + " " + o.Name
	if found == nil {
		return []unmet{{name, "Accepted", "Unknown", "NotFound", "it does not exist"}}, nil
	}
	if o.Kind == "Gateway" {
		list := lacking(found, name, found.Object["status"], "Accepted", "Programmed")
		// Listeners have conditions of their own: a Gateway may be accepted without any.
		for _, listener := range children(found, "listeners") {
			list = append(list, lacking(found, fmt.Sprintf("%s, listener %s", name, listener["name"]), listener, "ResolvedRefs")...)
		}
		return list, nil
	}
	parents := children(found, "parents")
	if len(parents) == 0 {
		return []unmet{{name, "Accepted", "Unknown", "Pending", "no controller has looked at it"}}, nil
	}
	var list []unmet
	for _, parent := range parents {
		list = append(list, lacking(found, fmt.Sprintf("%s, to %s", name, parent["controllerName"]), parent, "Accepted", "ResolvedRefs")...)
	}
	return list, nil
}

// children returns the entries of a list in an object's status.
func children(o *unstructured.Unstructured, list string) []map[string]any {
	entries, _, _ := unstructured.NestedSlice(o.Object, "status", list)
	var maps []map[string]any
	for _, e := range entries {
		if m, is := e.(map[string]any); is {
			maps = append(maps, m)
		}
	}
	return maps
}

// lacking returns which of the types of conditions do not hold, for the object's current spec.
func lacking(o *unstructured.Unstructured, name string, status any, types ...string) []unmet {
	holder, _ := status.(map[string]any)
	conditions, _, _ := unstructured.NestedSlice(holder, "conditions")
	var list []unmet
	for _, wanted := range types {
		is := unmet{name, wanted, "Unknown", "Pending", "no controller has set it"}
		for _, c := range conditions {
			condition, _ := c.(map[string]any)
			if condition["type"] != wanted {
				continue
			}
			is.status, _ = condition["status"].(string)
			is.reason, _ = condition["reason"].(string)
			is.message, _ = condition["message"].(string)
			if seen, set := condition["observedGeneration"].(int64); set && seen < o.GetGeneration() {
				is = unmet{name, wanted, "Unknown", "Pending", "the controller has not seen the latest change"}
			}
		}
		if is.status != "True" {
			list = append(list, is)
		}
	}
	return list
}
