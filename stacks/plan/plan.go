// Package plan finds out what a program will register before it does: the registration runs
// once against a recorder in place of the engine. So the checks rely on the code that
// registers the objects, not on a separate list.
package plan

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// Plan holds the parts of a stack.
type Plan struct {
	Parts []Part
}

// Part is one component of a stack.
type Part struct {
	// Name is the component's logical name without that of the stack, such as epp.
	Name string
	// Key is the configuration key that enables the part: a switch, or one that the part is made
	// of. Empty: nothing does.
	Key string
	// NameKey is the configuration key that names the part's objects, empty if their names
	// are fixed; NameValue is its value, and OtherName one that clashes with nothing.
	NameKey, NameValue, OtherName string
	// Objects are what the part registers.
	Objects []Object
	// Implied are objects that a controller creates for those of the part.
	Implied []Object
	// Autoscaled says that an autoscaler sets the replicas of the part's Deployment.
	Autoscaled bool
	// Needs are kinds that the part requires but does not create.
	Needs []schema.GroupVersionKind
}

// Object is one Kubernetes object.
type Object struct {
	schema.GroupVersionKind
	// Namespace is empty for a cluster-scoped object.
	Namespace, Name string
	// Manifest is the object as it is applied, with placeholders for random values. Nil for
	// an implied one.
	Manifest map[string]any
}

// String returns the object's kind and name.
func (o Object) String() string { return o.Kind + " " + o.Name }

// Resource returns the API resource of the object's kind.
func (o Object) Resource() schema.GroupVersionResource {
	if o.Kind == "Gateway" { // The usual rule would make it gatewaies.
		return o.GroupVersion().WithResource("gateways")
	}
	resource, _ := meta.UnsafeGuessKindToResource(o.GroupVersionKind)
	return resource
}

// Field returns the value at a path of the manifest, nil if there is none.
func (o Object) Field(path ...string) any {
	value, _, _ := unstructured.NestedFieldNoCopy(o.Manifest, path...)
	return value
}

// Labels returns the labels of the manifest.
func (o Object) Labels() map[string]string {
	labels, _, _ := unstructured.NestedStringMap(o.Manifest, "metadata", "labels")
	return labels
}

// Objects returns the objects of all parts.
func (p Plan) Objects() []Object {
	var all []Object
	for _, part := range p.Parts {
		all = append(all, part.Objects...)
	}
	return all
}

// Routing returns the Gateways and HTTPRoutes, which controllers have to put to work.
func (p Plan) Routing() []Object {
	return slices.DeleteFunc(p.Objects(), func(o Object) bool {
		return o.Group != "gateway.networking.k8s.io" || o.Kind != "Gateway" && o.Kind != "HTTPRoute"
	})
}

// Workload is a part's Deployment, as the status describes it.
type Workload struct {
	// Part and Deployment are the names of both.
	Part, Deployment string
	// Answers says that its pods answer the requests.
	Answers bool
	// Image of the first container.
	Image string
	// Replicas is the configured number, 0 if an autoscaler decides.
	Replicas int
	// Service is the name of the part's own Service, empty without one.
	Service string
	// LeaderOnly says that only one of the replicas ever becomes ready.
	LeaderOnly bool
}

// Workloads returns the Deployments of all parts, in the plan's order.
func (p Plan) Workloads() []Workload {
	var all []Workload
	for _, part := range p.Parts {
		w := Workload{Part: part.Name}
		for _, o := range part.Objects {
			switch o.Kind {
			case "Deployment":
				w.Deployment, w.Image = o.Name, firstImage(o)
				if replicas, _ := o.Field("spec", "replicas").(float64); !part.Autoscaled {
					w.Replicas = int(replicas)
				}
				w.Answers = o.Field("metadata", "labels", llmd.RoleLabel) == llmd.RoleDecode
				// The annotation decides what `up` waits for, and so what counts as ready.
				_, w.LeaderOnly, _ = unstructured.NestedString(o.Manifest, "metadata", "annotations", llmd.WaitForAnnotation)
			case "Service":
				w.Service = o.Name
			}
		}
		if w.Deployment != "" {
			all = append(all, w)
		}
	}
	return all
}

func firstImage(deployment Object) string {
	containers, _ := deployment.Field("spec", "template", "spec", "containers").([]any)
	if len(containers) == 0 {
		return ""
	}
	container, _ := containers[0].(map[string]any)
	image, _ := container["image"].(string)
	return image
}
