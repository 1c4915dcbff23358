// Package preflight checks whether a plan can be deployed to a cluster, before anything
// changes: the cluster's version and addresses, the kinds and controllers that the plan needs, the owners
// of existing objects, and whether the API server would admit the new ones.
package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// oldestKubernetes is the first release whose kubelet supports the preStop sleep that every
// pod uses (on by default since 1.30).
const oldestKubernetes = "1.30"

// Stack is the stack to be deployed.
type Stack struct {
	plan.Plan

	// Name of the Pulumi stack: organization/project/stack.
	Name string
	// ID returns what identifies the state of the stack, empty if nothing does yet.
	ID func() (string, error)
	// Namespace of all objects, which the stack creates if CreateNamespace is set.
	Namespace       string
	CreateNamespace bool
	// NamespaceProvided says that another resource of the program provides the namespace.
	NamespaceProvided bool
}

// Found is what a cluster holds of the stack already.
type Found struct {
	// Edits are the manual edits to restore.
	Edits Edits
	// PoolLeaves says that there is an InferencePool that the plan no longer has.
	PoolLeaves bool
}

// Check fails if the cluster lacks something that the stack needs, or if an object of the
// stack belongs to someone else; it reports all problems together. Pull secrets that do not
// exist, monitors that no Prometheus selects, and in a preview a cluster that cannot be reached are
// only warnings. It returns what it found of the stack.
func Check(ctx *pulumi.Context, live cluster.Cluster, stack Stack) (Found, error) {
	is, err := live.Version(ctx.Context())
	if err != nil {
		if ctx.DryRun() {
			return Found{}, ctx.Log.Warn(fmt.Sprintf("the cluster was not checked, since it can't be reached: %v", err), nil)
		}
		return Found{}, fmt.Errorf("the cluster can't be reached: %w", err)
	}
	c := &checker{Stack: stack, live: live, preview: ctx.DryRun(), existing: sets.New[string](), id: sync.OnceValues(stack.ID)}
	var kinds, owners, secrets, addresses, monitors error
	var missing, unselected []string
	var group errgroup.Group
	group.Go(func() error { kinds = c.checkKinds(ctx.Context()); return nil })
	group.Go(func() error { owners = c.checkOwners(ctx.Context()); return nil })
	group.Go(func() error { missing, secrets = c.missingPullSecrets(ctx.Context()); return nil })
	group.Go(func() error { unselected, monitors = c.unselectedMonitors(ctx.Context()); return nil })
	group.Go(func() error { addresses = c.checkAddresses(ctx.Context()); return nil })
	_ = group.Wait()
	err = errors.Join(checkVersion(is), kinds, owners, secrets, addresses, monitors)
	if err == nil { // Else the API server would only repeat what is known.
		err = c.checkAdmission(ctx.Context())
	}
	if err != nil {
		return Found{}, fmt.Errorf("the cluster is not ready for this configuration; nothing was changed:\n%w", err)
	}
	for _, warning := range slices.Concat(missing, unselected) {
		if err := ctx.Log.Warn(warning, nil); err != nil {
			return Found{}, err
		}
	}
	return c.found, nil
}

// checker is one run of all checks.
type checker struct {
	Stack
	live    cluster.Cluster
	preview bool
	id      func() (string, error)
	// ownsNamespace is set where the stack has created the namespace.
	namespaceExists, ownsNamespace bool
	// existing are the objects of the stack that exist, by kind and name.
	existing sets.Set[string]
	found    Found
}

func checkVersion(is *version.Version) error {
	if is.LessThan(version.MustParseGeneric(oldestKubernetes)) {
		return fmt.Errorf("kubernetes %s is too old: %s or newer is needed", is, oldestKubernetes)
	}
	return nil
}

// problem says what a part lacks, how to get it, and how to do without it.
func problem(key, what, fix string) error {
	if key == "" {
		return fmt.Errorf("%s: %s", what, fix)
	}
	return fmt.Errorf("%s: %s: %s, or switch the part off: %s", key, what, fix, plan.Without(key))
}

// each runs a check for every part.
func (c *checker) each(ctx context.Context, check func(context.Context, plan.Part) error) error {
	errs := make([]error, len(c.Parts))
	var group errgroup.Group
	for i, part := range c.Parts {
		group.Go(func() error {
			errs[i] = check(ctx, part)
			return nil
		})
	}
	_ = group.Wait()
	return errors.Join(errs...)
}
