package preflight

import (
	"encoding/json"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// Edits says of an object who has edited it since it was applied.
type Edits map[Edited]string

// Edited is an object by its Pulumi type and its own name.
type Edited struct{ Type, Name string }

// guarded are the fields that decide who may do what, or reach whom. The Kubernetes provider
// only compares as many entries of a list as it has set, so it does not see one that
// somebody adds. Each of these is applied as a whole: an update sets it right.
var guarded = map[string]string{
	"Role":          "rules",
	"RoleBinding":   "subjects",
	"NetworkPolicy": "spec",
}

// note remembers who has edited the guarded field of an object, if anybody has.
func (e Edits) note(planned plan.Object, found metav1.PartialObjectMetadata) {
	field, is := guarded[planned.Kind]
	if !is {
		return
	}
	apiVersion, _ := planned.GroupVersionKind.ToAPIVersionAndKind()
	e[Edited{"kubernetes:" + apiVersion + ":" + planned.Kind, planned.Name}] = editedBy(field, found)
}

// editedBy says who else has set a field, and when; empty if nobody has. It repeats what
// the annotation said before, so that the object is updated only once.
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
