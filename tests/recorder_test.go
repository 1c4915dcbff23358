package tests

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// registration is one resource that the program registered, as a golden file shows it.
type registration struct {
	Type         string         `json:"type"`
	Name         string         `json:"name"`
	Parent       string         `json:"parent,omitempty"`
	Provider     string         `json:"provider,omitempty"`
	Dependencies []string       `json:"dependencies,omitempty"`
	Inputs       map[string]any `json:"inputs,omitempty"`
	// Secrets are the inputs that are encrypted in the state, wholly or in part.
	Secrets []string `json:"secrets,omitempty"`
}

// recorder stands in for the engine and remembers every registration.
type recorder struct {
	mu      sync.Mutex
	preview bool
	byURN   map[string]registration
	errs    []error
}

func newRecorder() *recorder { return &recorder{byURN: map[string]registration{}} }

// NewResource records a resource and answers as the engine would: the inputs come
// back as outputs, and a preview knows no IDs of what does not exist yet.
func (r *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rpc := args.RegisterRPC
	dependencies := slices.Sorted(slices.Values(rpc.GetDependencies()))
	reg := registration{
		Type:         args.TypeToken,
		Name:         args.Name,
		Parent:       shortURN(rpc.GetParent()),
		Provider:     shortURN(strings.Split(rpc.GetProvider(), "::"+args.Name+"_id")[0]),
		Dependencies: shortURNs(dependencies),
		Inputs:       args.Inputs.MapRepl(nil, plain),
	}
	for _, key := range args.Inputs.StableKeys() {
		if args.Inputs[key].ContainsSecrets() {
			reg.Secrets = append(reg.Secrets, string(key))
		}
	}
	key := reg.Parent + "|" + reg.Type + "|" + reg.Name
	if _, twice := r.byURN[key]; twice {
		r.errs = append(r.errs, fmt.Errorf("%s is registered twice", key))
	}
	r.byURN[key] = reg

	outputs := args.Inputs.Copy()
	if r.preview {
		return "", outputs, nil
	}
	switch args.TypeToken {
	case "random:index/randomInteger:RandomInteger":
		outputs["result"] = resource.NewNumberProperty(42)
	case "random:index/randomPassword:RandomPassword":
		outputs["result"] = resource.MakeSecret(resource.NewStringProperty("generated" + args.Name[len("api-key-"):]))
	}
	return args.Name + "_id", outputs, nil
}

// plain shows what is secret.
func plain(v resource.PropertyValue) (any, bool) {
	if !v.IsSecret() {
		return nil, false
	}
	return v.SecretValue().Element.MapRepl(nil, plain), true
}

// Call refuses invokes: the program makes none.
func (r *recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("unexpected call of %s", args.Token)
}

// registrations returns all that was recorded, in a stable order.
func (r *recorder) registrations() []registration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []registration
	for _, key := range slices.Sorted(maps.Keys(r.byURN)) {
		list = append(list, r.byURN[key])
	}
	return list
}

// find returns the one registration of a type whose object has the given name.
func (r *recorder) find(typ, object string) (registration, bool) {
	for _, reg := range r.registrations() {
		if reg.Type == typ && (objectName(reg) == object || reg.Name == object) {
			return reg, true
		}
	}
	return registration{}, false
}

// objectName is metadata.name of a Kubernetes object.
func objectName(reg registration) string {
	metadata, _ := reg.Inputs["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	return name
}

// shortURN leaves type and name of a URN.
func shortURN(urn string) string {
	parts := strings.Split(urn, "::")
	if len(parts) < 4 {
		return urn
	}
	types := strings.Split(parts[2], "$")
	return types[len(types)-1] + "::" + parts[3]
}

func shortURNs(urns []string) []string {
	var short []string
	for _, urn := range urns {
		short = append(short, shortURN(urn))
	}
	return slices.Compact(slices.Sorted(slices.Values(short)))
}
