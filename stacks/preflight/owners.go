package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// checkOwners refuses to take over what somebody else made: the Kubernetes provider
// would adopt it silently, and delete it on destroy. Of the stack's own objects it notes
// who has edited them.
func (c *checker) checkOwners(ctx context.Context) error {
	namespace, err := c.live.Namespace(ctx, c.Namespace)
	if err != nil {
		return fmt.Errorf("reading namespace %s: %w", c.Namespace, err)
	}
	if err := c.checkNamespace(namespace); err != nil || namespace == nil {
		return err
	}
	planned := map[schema.GroupVersionResource][]plan.Object{}
	for _, o := range c.Objects() {
		if o.Namespace != "" {
			planned[o.Resource()] = append(planned[o.Resource()], o)
		}
	}
	c.edits = Edits{}
	var mu sync.Mutex
	var problems []string
	var group errgroup.Group
	for resource, objects := range planned {
		group.Go(func() error {
			list, err := c.live.List(ctx, resource, c.Namespace)
			if err != nil {
				return fmt.Errorf("listing %s in namespace %s: %w", resource.Resource, c.Namespace, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, found := range list {
				i := slices.IndexFunc(objects, func(o plan.Object) bool { return o.Name == found.Name })
				switch {
				case i < 0:
				case found.Annotations[llmd.StackAnnotation] != c.Owner:
					problems = append(problems, c.foreign(resource, found))
				default:
					c.edits.note(objects[i], found)
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

func (c *checker) checkNamespace(namespace *metav1.PartialObjectMetadata) error {
	switch {
	case namespace == nil && !c.CreateNamespace:
		return fmt.Errorf("namespace %s does not exist: create it, or let this stack do it: pulumi config set createNamespace true",
			c.Namespace)
	case namespace == nil:
		return nil
	case namespace.DeletionTimestamp != nil:
		return fmt.Errorf("namespace %s is being deleted: wait until it is gone", c.Namespace)
	}
	ours := namespace.Annotations[llmd.StackAnnotation] == c.Owner
	switch {
	case c.CreateNamespace && !ours:
		return fmt.Errorf("namespace %s exists already and %s: use it without owning it: pulumi config set createNamespace false, "+
			"or choose another: pulumi config set namespace NAME", c.Namespace, maker(namespace))
	case !c.CreateNamespace && ours:
		return fmt.Errorf("namespace %[1]s was created by this stack, and createNamespace false would delete it with all it holds: "+
			"leave createNamespace true, or first hand the namespace over: "+
			"pulumi state delete --target-dependents 'URN of the namespace' and kubectl annotate namespace %[1]s %[2]s-",
			c.Namespace, llmd.StackAnnotation)
	}
	return nil
}

func (c *checker) foreign(resource schema.GroupVersionResource, o metav1.PartialObjectMetadata) string {
	return fmt.Sprintf("%s %s in namespace %s exists already and %s: delete it, choose another namespace "+
		"(pulumi config set namespace NAME), or hand it to this stack: kubectl annotate --overwrite -n %s %s %s %s=%s",
		resource.Resource, o.Name, o.Namespace, maker(&o),
		o.Namespace, strings.TrimSuffix(resource.GroupResource().String(), "."), o.Name, llmd.StackAnnotation, c.Owner)
}

// maker says whose an object is, as far as the object reveals it.
func maker(o *metav1.PartialObjectMetadata) string {
	if stack := o.Annotations[llmd.StackAnnotation]; stack != "" {
		return "belongs to the Pulumi stack " + stack
	}
	for _, ref := range o.OwnerReferences {
		return fmt.Sprintf("belongs to %s %s", ref.Kind, ref.Name)
	}
	return "was not made by this stack"
}
