package preflight

import (
	"encoding/json"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// Edits maps an object to who has edited it since it was applied.
type Edits map[Edited]string

// Edited identifies an object by its Pulumi type and its own name.
type Edited struct{ Type, Name string }

// guarded are the fields that grant permissions or allow traffic. The Kubernetes provider
// compares only as many entries of a list as it has set, so it does not notice entries that
// someone adds. Each of these fields is applied as a whole: an update restores it.
var guarded = map[string]string{
	"Role":          "rules",
	"RoleBinding":   "subjects",
	"NetworkPolicy": "spec",
}

// note records who has edited the guarded field of an object, if anyone has.
func (e Edits) note(planned plan.Object, found metav1.PartialObjectMetadata) {
	field, is := guarded[planned.Kind]
	if !is {
		return
	}
	apiVersion, _ := planned.ToAPIVersionAndKind()
	e[Edited{"kubernetes:" + apiVersion + ":" + planned.Kind, planned.Name}] = editedBy(field, found)
}

// editedBy returns who else has set a field, and when; empty if no one has. It repeats the
// value of the annotation, so that the object is updated only once.
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
