package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// checkOwners refuses to take over the objects of others: the Kubernetes provider would
// adopt them silently, and delete them on destroy. For the stack's own objects, it notes
// who has edited them.
func (c *checker) checkOwners(ctx context.Context) error {
	namespace, err := c.live.Namespace(ctx, c.Namespace)
	if err != nil {
		return fmt.Errorf("reading namespace %s: %w", c.Namespace, err)
	}
	if err := c.checkNamespace(namespace); err != nil || namespace == nil {
		return err
	}
	c.namespaceExists = true
	c.existing.Insert("Namespace " + c.Namespace)
	planned := map[schema.GroupVersionResource][]plan.Object{}
	for _, o := range c.Objects() {
		if o.Namespace != "" {
			planned[o.Resource()] = append(planned[o.Resource()], o)
		}
	}
	if _, plans := planned[inferencePools]; !plans {
		planned[inferencePools] = nil // One that exists has to leave.
	}
	c.found.Edits = Edits{}
	var mu sync.Mutex
	var problems []string
	var group errgroup.Group
	for resource, objects := range planned {
		group.Go(func() error {
			list, err := c.live.List(ctx, resource, c.Namespace)
			if len(objects) == 0 && apierrors.IsForbidden(err) {
				return nil // Whoever has deployed a pool may list it.
			}
			if err != nil {
				return fmt.Errorf("listing %s in namespace %s: %w", resource.Resource, c.Namespace, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, found := range list {
				i := slices.IndexFunc(objects, func(o plan.Object) bool { return o.Name == found.Name })
				leaves := i < 0 && resource == inferencePools
				if i < 0 && !leaves {
					continue
				}
				ours, err := c.ours(found)
				switch {
				case err != nil:
					return err
				case leaves:
					c.found.PoolLeaves = c.found.PoolLeaves || ours
				case ours:
					c.existing.Insert(objects[i].String())
					c.found.Edits.note(objects[i], found)
				default:
					problems = append(problems, c.foreign(resource, found))
				}
			}
			return nil
		})
	}
	err = group.Wait()
	slices.Sort(problems)
	errs := []error{err}
	for _, p := range problems {
		errs = append(errs, errors.New(p))
	}
	return errors.Join(errs...)
}

var inferencePools = schema.GroupVersionResource{Group: "inference.networking.k8s.io", Version: "v1", Resource: "inferencepools"}

// ours reports whether an object belongs to this stack: to its state or, if an older
// version of the program made it, to a stack of its name.
func (c *checker) ours(o metav1.PartialObjectMetadata) (bool, error) {
	owner, stack := o.Annotations[llmd.OwnerAnnotation], o.Annotations[llmd.StackAnnotation]
	switch {
	case owner != "":
		id, err := c.id()
		return owner == id, err
	case stack != "":
		return stack == c.Name, nil
	}
	// Somebody has replaced an object of ours by hand. In the stack's own namespace nobody
	// else has reason to use these names and labels.
	return c.ownsNamespace && o.Labels[llmd.PartOfLabel] == llmd.PartOf, nil
}

func (c *checker) checkNamespace(namespace *metav1.PartialObjectMetadata) error {
	switch {
	case namespace == nil && c.NamespaceProvided && c.preview:
		return nil // It will exist by the time of the update.
	case namespace == nil && !c.CreateNamespace:
		return fmt.Errorf("namespace %s does not exist: create it, or let this stack do it: pulumi config set createNamespace true",
			c.Namespace)
	case namespace == nil:
		return nil
	case namespace.DeletionTimestamp != nil:
		return fmt.Errorf("namespace %s is being deleted: wait until it is gone", c.Namespace)
	}
	ours, err := c.ours(*namespace)
	c.ownsNamespace = ours
	switch {
	case err != nil:
		return err
	case c.CreateNamespace && !ours:
		return fmt.Errorf("namespace %s exists already and %s: choose another: pulumi config set namespace NAME, "+
			"or deploy into it without owning it, if it was never this stack's own: pulumi config set createNamespace false",
			c.Namespace, maker(namespace))
	case !c.CreateNamespace && ours:
		return fmt.Errorf("namespace %[1]s was created by this stack, and createNamespace false would delete it with everything in it: "+
			"leave createNamespace true, or first hand the namespace over: "+
			"pulumi state delete --target-dependents 'URN of the namespace' and kubectl annotate namespace %[1]s %[2]s- %[3]s-",
			c.Namespace, llmd.StackAnnotation, llmd.OwnerAnnotation)
	}
	return nil
}

func (c *checker) foreign(resource schema.GroupVersionResource, o metav1.PartialObjectMetadata) string {
	return fmt.Sprintf("%s %s in namespace %s exists already and %s: delete it, choose another namespace "+
		"(pulumi config set namespace NAME), or hand it to this stack: kubectl annotate --overwrite -n %s %s %s %s=%s %s-",
		resource.Resource, o.Name, o.Namespace, maker(&o), o.Namespace,
		strings.TrimSuffix(resource.GroupResource().String(), "."), o.Name, llmd.StackAnnotation, c.Name, llmd.OwnerAnnotation)
}

// maker says who owns an object, as far as the object reveals it.
func maker(o *metav1.PartialObjectMetadata) string {
	if stack := o.Annotations[llmd.StackAnnotation]; stack != "" {
		return "belongs to another Pulumi stack, " + stack
	}
	for _, ref := range o.OwnerReferences {
		return fmt.Sprintf("belongs to %s %s", ref.Kind, ref.Name)
	}
	return "was not made by this stack"
}
