package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Check reports what no cluster could deploy: two objects with the same kind and name, and
// names and labels that no API server accepts.
func (p Plan) Check() error {
	return errors.Join(append(p.duplicates(), p.invalidNames()...)...)
}

// identity identifies an object.
type identity struct {
	schema.GroupKind
	name string
}

func (p Plan) duplicates() []error {
	var errs []error
	owners := map[identity]Part{}
	for _, part := range p.Parts {
		for _, o := range slices.Concat(part.Objects, part.Implied) {
			id := identity{o.GroupKind(), o.Name}
			owner, taken := owners[id]
			if !taken {
				owners[id] = part
				continue
			}
			errs = append(errs, fmt.Errorf("%s %s is needed twice, by %s and by %s: choose another name: %s",
				o.Kind, o.Name, owner.title(), part.title(), part.rename(owner)))
		}
	}
	return errs
}

// title names a part by the key that enables it.
func (p Part) title() string {
	if p.Key != "" {
		return p.Key
	}
	return "the " + p.Name + " part"
}

// rename returns the command that renames one of two parts.
func (p Part) rename(other Part) string {
	key := p.NameKey
	if key == "" {
		key = other.NameKey
	}
	if key == "" {
		return "pulumi config set --path " + p.Key + " false"
	}
	return fmt.Sprintf("pulumi config set --path %s NAME", key)
}

func (p Plan) invalidNames() []error {
	var errs []error
	for _, part := range p.Parts {
		for _, o := range slices.Concat(part.Objects, part.Implied) {
			problems := nameProblems(o)
			labels, _ := o.Field("metadata", "labels").(map[string]any)
			for _, key := range slices.Sorted(maps.Keys(labels)) {
				value, _ := labels[key].(string)
				for _, problem := range validation.IsValidLabelValue(value) {
					problems = append(problems, fmt.Sprintf("label %s: %s", key, problem))
				}
			}
			if len(problems) > 0 {
				errs = append(errs, fmt.Errorf("%s %s of %s: %s: %s",
					o.Kind, o.Name, part.title(), strings.Join(problems, "; "), part.rename(part)))
			}
		}
	}
	return errs
}

func nameProblems(o Object) []string {
	if o.Kind == "Service" {
		return validation.IsDNS1035Label(o.Name)
	}
	return validation.IsDNS1123Subdomain(o.Name)
}
