package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Rehearse runs a registration without an engine, and returns the Kubernetes objects that
// it registers by the logical name of their component; those without a component by their
// own. Nothing is created, and ctx is not affected.
func Rehearse(ctx *pulumi.Context, register func(*pulumi.Context) error) (map[string][]Object, error) {
	r := &recorder{objects: map[string][]Object{}}
	rehearsal, err := pulumi.NewContext(ctx.Context(), pulumi.RunInfo{
		Organization: ctx.Organization(), Project: ctx.Project(), Stack: ctx.Stack(), Mocks: r,
	})
	if err != nil {
		return nil, fmt.Errorf("planning: %w", err)
	}
	var failed error // Kept as it is: the SDK would wrap it.
	err = pulumi.RunWithContext(rehearsal, func(ctx *pulumi.Context) error {
		failed = register(ctx)
		return failed
	})
	if err := cmp.Or(failed, err); err != nil {
		return nil, err
	}
	for _, objects := range r.objects {
		slices.SortFunc(objects, func(a, b Object) int {
			return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
		})
	}
	return r.objects, rehearsal.Close()
}

// recorder stands in for the engine: it returns what is registered as it is.
type recorder struct {
	mu      sync.Mutex
	objects map[string][]Object
}

// Placeholders for random values. A password's would be a valid API key.
var randomResults = map[string]resource.PropertyValue{
	"random:index/randomInteger:RandomInteger":   resource.NewProperty(0.0),
	"random:index/randomPassword:RandomPassword": resource.MakeSecret(resource.NewProperty("placeholder")),
}

// NewResource records a Kubernetes object.
func (r *recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	outputs := args.Inputs.Copy()
	if result, random := randomResults[args.TypeToken]; random {
		outputs["result"] = result
	}
	if strings.HasPrefix(args.TypeToken, "kubernetes:") {
		r.record(args)
	}
	return args.Name, outputs, nil
}

func (r *recorder) record(args pulumi.MockResourceArgs) {
	o := Object{Manifest: args.Inputs.MapRepl(nil, revealed)}
	apiVersion, _ := o.Manifest["apiVersion"].(string)
	kind, _ := o.Manifest["kind"].(string)
	o.GroupVersionKind = schema.FromAPIVersionAndKind(apiVersion, kind)
	o.Name, _ = o.Field("metadata", "name").(string)
	o.Namespace, _ = o.Field("metadata", "namespace").(string)
	component := args.Name
	if parent := urn.URN(args.RegisterRPC.GetParent()); parent != "" && parent.QualifiedType() != resource.RootStackType {
		component = parent.Name()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.objects[component] = append(r.objects[component], o)
}

// revealed unwraps secrets, which are placeholders here.
func revealed(v resource.PropertyValue) (any, bool) {
	if !v.IsSecret() {
		return nil, false
	}
	return v.SecretValue().Element.MapRepl(nil, revealed), true
}

// Call refuses provider functions, since components call none.
func (*recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("planning: unexpected call of %s", args.Token)
}
