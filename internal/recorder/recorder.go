// Package recorder stands in for the Pulumi engine in unit tests and records what a program
// registers.
package recorder

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Registration is one resource that the program registered, as a golden file shows it.
type Registration struct {
	Type         string         `json:"type"`
	Name         string         `json:"name"`
	Parent       string         `json:"parent,omitempty"`
	Provider     string         `json:"provider,omitempty"`
	Dependencies []string       `json:"dependencies,omitempty"`
	Inputs       map[string]any `json:"inputs,omitempty"`
	// IgnoreChanges are paths of inputs that keep what the state has.
	IgnoreChanges []string `json:"ignoreChanges,omitempty"`
	// Secrets are the inputs that are encrypted in the state, entirely or in part.
	Secrets []string `json:"secrets,omitempty"`
}

// UUID is the result of every RandomUuid.
const UUID = "00000000-0000-4000-8000-000000000000"

// Recorder is a mock of the engine.
type Recorder struct {
	// Preview answers as in a preview, in which objects that do not exist yet have no ID.
	Preview bool

	mu    sync.Mutex
	byURN map[string]Registration
	errs  []error
}

// New returns an empty recorder.
func New() *Recorder { return &Recorder{byURN: map[string]Registration{}} }

// NewResource records a resource and answers as the engine would: the inputs come
// back as outputs.
func (r *Recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rpc := args.RegisterRPC
	dependencies := slices.Sorted(slices.Values(rpc.GetDependencies()))
	reg := Registration{
		Type:         args.TypeToken,
		Name:         args.Name,
		Parent:       shortURN(rpc.GetParent()),
		Provider:     shortURN(strings.Split(rpc.GetProvider(), "::"+args.Name+"_id")[0]),
		Dependencies: shortURNs(dependencies),
		Inputs:       args.Inputs.MapRepl(nil, plain),

		IgnoreChanges: rpc.GetIgnoreChanges(),
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
	if r.Preview {
		return "", outputs, nil
	}
	switch args.TypeToken {
	case "random:index/randomInteger:RandomInteger":
		outputs["result"] = resource.NewNumberProperty(42)
	case "random:index/randomUuid:RandomUuid":
		outputs["result"] = resource.NewStringProperty(UUID)
	case "random:index/randomPassword:RandomPassword":
		outputs["result"] = resource.MakeSecret(resource.NewStringProperty("generated" + args.Name[strings.LastIndex(args.Name, "-")+1:]))
	}
	return args.Name + "_id", outputs, nil
}

// plain reveals secrets.
func plain(v resource.PropertyValue) (any, bool) {
	if !v.IsSecret() {
		return nil, false
	}
	return v.SecretValue().Element.MapRepl(nil, plain), true
}

// Call refuses invokes: the program makes none.
func (r *Recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("unexpected call of %s", args.Token)
}

// Errors returns what no engine would accept: resources that were registered twice.
func (r *Recorder) Errors() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.errs
}

// Registrations returns everything that was recorded, in a stable order.
func (r *Recorder) Registrations() []Registration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Registration
	for _, key := range slices.Sorted(maps.Keys(r.byURN)) {
		list = append(list, r.byURN[key])
	}
	return list
}

// Find returns the registration of a type by the name of its object, or else of its
// resource.
func (r *Recorder) Find(typ, name string) (Registration, bool) {
	for _, reg := range r.Registrations() {
		if reg.Type == typ && (reg.Object() == name || reg.Name == name) {
			return reg, true
		}
	}
	return Registration{}, false
}

// Object returns metadata.name of a Kubernetes object, empty for other resources.
func (r Registration) Object() string {
	metadata, _ := r.Inputs["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	return name
}

// shortURN reduces a URN to its type and name.
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

// IsSecret reports whether an input is encrypted in the state.
func (r Registration) IsSecret(input string) bool { return slices.Contains(r.Secrets, input) }

// Text returns a value as JSON, to search it.
func Text(value any) string {
	raw, _ := json.Marshal(value)
	return string(raw)
}
