package schema

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/internal/version"
	"github.com/llm-d-sim/llm-d-sim/provider/internal/construct"
	"github.com/llm-d-sim/llm-d-sim/stacks"
)

// Generate describes the package. root is the folder of the repository, whose comments it
// reads.
//
// Defaults are part of the descriptions only: an SDK would send those that the schema has for
// every value that a program does not set, and a Stack could not tell the two apart.
func Generate(root string) (*Package, error) {
	g := &generator{
		comments: comments{root: root, parsed: map[string]bool{}, texts: map[string]string{}, constants: map[string]string{}},
		types:    map[string]Type{},
	}
	resources := map[string]Resource{}
	var err error
	if resources[construct.Token("Stack")], err = g.stack(); err != nil {
		return nil, err
	}
	for _, p := range construct.Parts {
		if resources[p.Token()], err = g.part(p); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Token(), err)
		}
	}
	return &Package{
		Name:              config.Namespace,
		DisplayName:       "llm-d-sim",
		Version:           version.String(),
		Description:       "The llm-d inference-simulator stack on Kubernetes, without GPUs.",
		Keywords:          []string{"kubernetes", "llm-d", "inference", "kind/component", "category/infrastructure"},
		Homepage:          "https://llm-d.ai",
		Repository:        "https://" + module,
		License:           "Apache-2.0",
		Publisher:         "llm-d-sim",
		PluginDownloadURL: "github://api.github.com/llm-d-sim/llm-d-sim",
		Language: map[string]any{
			"nodejs": map[string]any{"packageName": config.Namespace, "respectSchemaVersion": true},
			"python": map[string]any{
				"packageName": "llm_d_sim", "respectSchemaVersion": true, "pyproject": map[string]any{"enabled": true},
			},
			"go": map[string]any{"respectSchemaVersion": true},
		},
		Types:     g.types,
		Resources: resources,
	}, nil
}

// generator collects the types that the resources use.
type generator struct {
	comments
	types map[string]Type
}

// stack describes the Stack: its inputs are the keys of the configuration, and those that
// other resources may provide.
func (g *generator) stack() (Resource, error) {
	r, err := g.resource(reflect.TypeFor[stacks.Stack](), reflect.TypeFor[stacks.Outputs]())
	if err != nil {
		return r, err
	}
	keys, _, err := g.properties(reflect.TypeFor[config.Spec](), "json")
	if err != nil {
		return r, err
	}
	provided := reflect.TypeFor[construct.StackArgs]()
	if r.InputProperties, r.RequiredInputs, err = g.properties(provided, "pulumi"); err != nil {
		return r, err
	}
	for name, key := range keys {
		input, both := r.InputProperties[name]
		if both {
			key.Description += " " + input.Description
			input.Description = key.Description
		} else {
			input = key
		}
		r.InputProperties[name] = input
	}
	return r, nil
}

func (g *generator) part(p construct.Part) (Resource, error) {
	r, err := g.resource(p.State, p.State)
	if err == nil {
		r.InputProperties, r.RequiredInputs, err = g.properties(p.Args, "pulumi")
	}
	return r, err
}

func (g *generator) resource(of, outputs reflect.Type) (r Resource, err error) {
	r.IsComponent = true
	if r.Description, err = g.of(of, ""); err == nil {
		r.Properties, r.Required, err = g.properties(outputs, "pulumi")
	}
	return r, err
}

// properties describes the fields of a struct that have a tag, and lists the required ones.
func (g *generator) properties(of reflect.Type, tag string) (map[string]Property, []string, error) {
	all := map[string]Property{}
	var required []string
	for i := range of.NumField() {
		field := of.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get(tag), ",")
		if field.Anonymous && field.Type != reflect.TypeFor[pulumi.ResourceState]() {
			inner, _, err := g.properties(field.Type, tag)
			if err != nil {
				return nil, nil, err
			}
			maps.Copy(all, inner)
			continue
		}
		if name == "" {
			continue
		}
		p, err := g.property(field.Type, tag)
		if err != nil {
			return nil, nil, fmt.Errorf("%s.%s: %w", of, field.Name, err)
		}
		if p.Description, err = g.of(of, field.Name); err != nil {
			return nil, nil, err
		}
		p.Secret = secrets[name]
		all[name] = *p
		if tag == "pulumi" && options != "optional" {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	return all, required, nil
}

// secrets are the inputs and outputs that are encrypted in the state.
var secrets = map[string]bool{"apiKey": true, "apiKeys": true, "kubeconfig": true}

const anyType = "pulumi.json#/Any"

// property describes a type of Go. tag is that of the struct that it belongs to.
func (g *generator) property(of reflect.Type, tag string) (*Property, error) {
	if of.Implements(reflect.TypeFor[pulumi.Input]()) {
		return g.input(of, tag)
	}
	plain := &Property{Plain: true}
	var err error
	switch of.Kind() {
	case reflect.Pointer:
		return g.property(of.Elem(), tag)
	case reflect.String:
		plain.Type = "string"
		if values := config.Enum(of); values != nil {
			plain.Type, plain.Ref = "", g.enum(of, values)
		}
	case reflect.Bool:
		plain.Type = "boolean"
	case reflect.Int, reflect.Int32, reflect.Int64:
		plain.Type = "integer"
	case reflect.Float64:
		plain.Type = "number"
	case reflect.Interface:
		plain.Ref = anyType
	case reflect.Slice:
		plain.Type = "array"
		plain.Items, err = g.property(of.Elem(), tag)
	case reflect.Map:
		if of.Elem().Kind() == reflect.Interface {
			plain.Ref = anyType // An object, or its text.
			break
		}
		plain.Type = "object"
		plain.Values, err = g.property(of.Elem(), tag)
	case reflect.Struct:
		switch of {
		case reflect.TypeFor[metav1.Duration]():
			plain.Type = "string"
		case reflect.TypeFor[corev1.ResourceRequirements]():
			return g.property(reflect.TypeFor[components.Resources](), "pulumi")
		default:
			plain.Plain = of != reflect.TypeFor[stacks.Images]()
			plain.Ref, err = g.object(of, tag)
		}
	default:
		err = fmt.Errorf("the schema has no type for %s", of)
	}
	return plain, err
}

// input describes a value that may come from another resource, or an output.
func (g *generator) input(of reflect.Type, tag string) (*Property, error) {
	var element reflect.Type
	switch of {
	case reflect.TypeFor[pulumi.StringInput]():
		element = reflect.TypeFor[string]()
	case reflect.TypeFor[pulumi.IntInput]():
		element = reflect.TypeFor[int]()
	case reflect.TypeFor[pulumi.StringArrayInput]():
		element = reflect.TypeFor[[]string]()
	default:
		output, is := reflect.Zero(of).Interface().(pulumi.Output)
		if !is {
			return nil, fmt.Errorf("the schema has no type for %s", of)
		}
		element = output.ElementType()
	}
	p, err := g.property(element, tag)
	if err != nil {
		return nil, err
	}
	for inner := p; inner != nil; inner = inner.Items {
		inner.Plain = false
		if inner.Values != nil {
			inner.Values.Plain = false
		}
	}
	return p, nil
}

// object adds the type of a struct, and returns the reference to it.
func (g *generator) object(of reflect.Type, tag string) (string, error) {
	token := construct.Token(typeName(of))
	ref := "#/types/" + token
	if _, done := g.types[token]; done {
		return ref, nil
	}
	t := Type{Type: "object"}
	var err error
	if t.Description, err = g.of(of, ""); err != nil {
		return "", err
	}
	if t.Properties, t.Required, err = g.properties(of, tag); err != nil {
		return "", err
	}
	g.types[token] = t
	return ref, nil
}

func (g *generator) enum(of reflect.Type, values []string) string {
	token := construct.Token(of.Name())
	t := Type{Type: "string"}
	for _, value := range values {
		t.Enum = append(t.Enum, EnumValue{Name: enumName(value), Value: value})
	}
	g.types[token] = t
	return "#/types/" + token
}

// typeName is a struct's name in the package. Those of a Stack get its name in front: some
// share theirs with a resource.
func typeName(of reflect.Type) string {
	if of.PkgPath() == reflect.TypeFor[components.Resources]().PkgPath() {
		return of.Name()
	}
	return "Stack" + of.Name()
}

// enumName is a value's name as a constant: RoundRobin for ROUND_ROBIN, and ClusterIP as it is.
func enumName(value string) string {
	if !strings.Contains(value, "_") && value != strings.ToUpper(value) {
		return value
	}
	var name strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(value), "_") {
		name.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return name.String()
}
