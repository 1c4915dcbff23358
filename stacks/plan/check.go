package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Problem is something in a plan that no cluster accepts.
type Problem struct {
	// Path is the configuration key that causes it, and Value its value.
	Path  string
	Value any
	// Detail says what is wrong.
	Detail string
	// Fix is a command that solves the problem.
	Fix string
}

// Check reports what could never be deployed, whatever the cluster: two objects of one kind
// and name, and names and labels that no API server accepts.
func (p Plan) Check() []Problem { return append(p.duplicates(), p.invalidNames()...) }

// identity is what no two objects have in common.
type identity struct {
	schema.GroupKind
	name string
}

func (p Plan) duplicates() []Problem {
	var problems []Problem
	owners := map[identity]Part{}
	for _, part := range p.Parts {
		for _, o := range slices.Concat(part.Objects, part.Implied) {
			id := identity{o.GroupKind(), o.Name}
			owner, taken := owners[id]
			if !taken {
				owners[id] = part
				continue
			}
			renamed, other := part, owner
			if renamed.NameKey == "" {
				renamed, other = owner, part
			}
			problems = append(problems, renamed.problem("clashes with %s: both need the %s %s", other.title(), o.Kind, o.Name))
		}
	}
	return problems
}

// title names a part by the key that switches it on.
func (p Part) title() string {
	if p.Key != "" {
		return p.Key
	}
	return "the " + p.Name + " part"
}

// problem is one that another name solves, or else to do without the part.
func (p Part) problem(format string, args ...any) Problem {
	problem := Problem{Path: p.NameKey, Value: p.NameValue, Detail: fmt.Sprintf(format, args...)}
	other := p.OtherName
	if p.NameKey == "" {
		problem.Path, problem.Value, problem.Fix = p.Key, any(true), Without(p.Key)
		if !IsSwitch(p.Key) {
			problem.Value = p.Name
		}
		return problem
	}
	problem.Fix = "pulumi config set "
	if strings.Contains(problem.Path, ".") {
		problem.Fix += "--path "
	}
	problem.Fix += problem.Path + " " + other
	return problem
}

// Without returns the command that does without the part that a key enables.
func Without(key string) string {
	switch {
	case !IsSwitch(key) && strings.Contains(key, "."):
		return "pulumi config rm --path " + key
	case !IsSwitch(key):
		return "pulumi config rm " + key
	case strings.Contains(key, "."):
		return "pulumi config set --path " + key + " false"
	}
	return "pulumi config set " + key + " false"
}

// IsSwitch reports whether a key is true or false.
func IsSwitch(key string) bool {
	return slices.Contains([]string{"createNamespace", "monitoring.operator"}, key) || strings.HasSuffix(key, ".enabled")
}

func (p Plan) invalidNames() []Problem {
	var problems []Problem
	for _, part := range p.Parts {
		for _, o := range slices.Concat(part.Objects, part.Implied) {
			reasons := nameProblems(o)
			labels := o.Labels()
			for _, key := range slices.Sorted(maps.Keys(labels)) {
				for _, reason := range validation.IsValidLabelValue(labels[key]) {
					reasons = append(reasons, fmt.Sprintf("label %s: %s", key, reason))
				}
			}
			if len(reasons) > 0 {
				problems = append(problems, part.problem("makes the %s %s invalid: %s", o.Kind, o.Name, strings.Join(reasons, "; ")))
			}
		}
	}
	return problems
}

func nameProblems(o Object) []string {
	if o.Kind == "Service" {
		return validation.IsDNS1035Label(o.Name)
	}
	return validation.IsDNS1123Subdomain(o.Name)
}
