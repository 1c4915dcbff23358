package stacks

import (
	"encoding/json"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// rulings are the fields that decide who may do what, or reach whom. The Kubernetes provider
// compares as many entries of a list as it has set, and so is blind to one that somebody
// adds. Each of these is applied as a whole: an update sets it right.
var rulings = map[schema.GroupVersionResource]struct{ kind, field string }{
	roles:           {"Role", "rules"},
	roleBindings:    {"RoleBinding", "subjects"},
	networkPolicies: {"NetworkPolicy", "spec"},
}

// editedBy says who else has set such a field, and when; empty if nobody has. What it said
// before it says again, so that the object is updated once.
func editedBy(field string, o metav1.PartialObjectMetadata) string {
	for _, entry := range o.ManagedFields {
		var fields map[string]json.RawMessage
		if strings.HasPrefix(entry.Manager, "pulumi") || entry.FieldsV1 == nil ||
			json.Unmarshal(entry.FieldsV1.Raw, &fields) != nil {
			continue
		}
		if _, set := fields["f:"+field]; set && entry.Time != nil {
			return entry.Manager + " " + entry.Time.UTC().Format(time.RFC3339)
		}
	}
	return o.Annotations[llmd.EditedByAnnotation]
}
