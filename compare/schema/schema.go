// Package schema describes stack files and comparisons to editors, which then complete keys, show
// what they mean, and mark those that do not exist.
package schema

import (
	"fmt"
	"maps"
	"path"
	"reflect"
	"time"

	"github.com/invopop/jsonschema"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/compare/comparison"
	"github.com/llm-d-sim/llm-d-sim/compare/workload"
	"github.com/llm-d-sim/llm-d-sim/config"
)

// The path of this package, and the repository from its folder, which has to be the working
// directory: the comments of the types become the descriptions.
const (
	here = "github.com/llm-d-sim/llm-d-sim/compare/schema"
	root = "../.."
)

// Where the schemas are in the repository.
const (
	StackFile      = "config/schema.json"
	ComparisonFile = "compare/comparison/schema.json"
)

// Stack returns the schema of a stack file: Pulumi.NAME.yaml.
func Stack() (*jsonschema.Schema, error) {
	keys, definitions, err := stackKeys(config.Namespace + ":")
	if err != nil {
		return nil, err
	}
	// Pulumi and its providers have keys of their own.
	known := &jsonschema.Schema{}
	for pair := keys.Properties.Oldest(); pair != nil; pair = pair.Next() {
		known.Enum = append(known.Enum, pair.Key)
	}
	others := &jsonschema.Schema{Not: &jsonschema.Schema{Pattern: "^" + config.Namespace + ":"}}
	keys.AdditionalProperties, keys.PropertyNames = nil, &jsonschema.Schema{AnyOf: []*jsonschema.Schema{known, others}}
	s := &jsonschema.Schema{
		Version: jsonschema.Version, Title: "Stack of llm-d-sim", Type: "object",
		Properties: jsonschema.NewProperties(), Definitions: definitions,
	}
	s.Properties.Set("config", keys)
	return s, nil
}

// Comparison returns the schema of the file of a comparison.
func Comparison() (*jsonschema.Schema, error) {
	stack, definitions, err := stackKeys("")
	if err != nil {
		return nil, err
	}
	stack.PatternProperties = map[string]*jsonschema.Schema{":": jsonschema.TrueSchema} // kubernetes:context, for example.
	r, err := reflector("yaml", "compare/comparison", "compare/workload")
	if err != nil {
		return nil, err
	}
	s := r.Reflect(comparison.Comparison{})
	s.Title = "Comparison of llm-d-sim"
	for _, holder := range []*jsonschema.Schema{s, s.Definitions["Candidate"]} {
		p, found := holder.Properties.Get("stack")
		if !found {
			return nil, fmt.Errorf("%s has no key stack", holder.Title)
		}
		*p = jsonschema.Schema{Ref: "#/$defs/Stack", Description: p.Description}
	}
	definitions["Stack"] = stack
	for name := range s.Definitions {
		if definitions[name] != nil {
			return nil, fmt.Errorf("two types are called %s", name)
		}
	}
	maps.Copy(s.Definitions, definitions)
	return s, nil
}

// stackKeys describes the keys of the configuration, and the types that they use.
func stackKeys(prefix string) (*jsonschema.Schema, jsonschema.Definitions, error) {
	r, err := reflector("json", "config")
	if err != nil {
		return nil, nil, err
	}
	spec := r.Reflect(config.Spec{})
	keys := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
	for pair := spec.Properties.Oldest(); pair != nil; pair = pair.Next() {
		key := *pair.Value
		if key.Type != "string" { // `pulumi config set` writes strings.
			key = jsonschema.Schema{Description: key.Description, AnyOf: []*jsonschema.Schema{pair.Value, {Type: "string"}}}
			pair.Value.Description = ""
		}
		keys.Properties.Set(prefix+pair.Key, &key)
	}
	return keys, spec.Definitions, nil
}

// reflector describes types whose fields have a tag, with the comments of some packages.
func reflector(tag string, packages ...string) (*jsonschema.Reflector, error) {
	r := &jsonschema.Reflector{
		Anonymous: true, ExpandedStruct: true, RequiredFromJSONSchemaTags: true, FieldNameTag: tag, Mapper: special,
	}
	for _, p := range packages {
		if err := r.AddGoComments(here, path.Join(root, p)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// special describes the types that are written otherwise than their kind.
func special(of reflect.Type) *jsonschema.Schema {
	switch of {
	case reflect.TypeFor[metav1.Duration](), reflect.TypeFor[time.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^(0|([0-9.]+(ns|us|µs|ms|s|m|h))+)$`}
	case reflect.TypeFor[corev1.ResourceRequirements]():
		s := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
		for _, name := range []string{"requests", "limits"} {
			s.Properties.Set(name, &jsonschema.Schema{Type: "object", AdditionalProperties: either("string", "number")})
		}
		return s
	case reflect.TypeFor[workload.Lengths]():
		s := either("integer", "array")
		s.AnyOf[1].Items = &jsonschema.Schema{Type: "integer"}
		return s
	case reflect.TypeFor[map[string]any]():
		return either("object", "string")
	}
	if values := config.Enum(of); values != nil {
		s := &jsonschema.Schema{Type: "string"}
		for _, v := range values {
			s.Enum = append(s.Enum, v)
		}
		return s
	}
	return nil
}

func either(types ...string) *jsonschema.Schema {
	s := &jsonschema.Schema{}
	for _, t := range types {
		s.AnyOf = append(s.AnyOf, &jsonschema.Schema{Type: t})
	}
	return s
}
