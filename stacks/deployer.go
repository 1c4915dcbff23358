package stacks

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
	"github.com/llm-d-sim/llm-d-sim/stacks/preflight"
	"github.com/llm-d-sim/llm-d-sim/stacks/status"
)

// Deployer checks a configuration and the cluster, registers the stack with the providers
// that it needs, and reads its status.
type Deployer struct {
	// Connect returns the client for a cluster.
	Connect func(cluster.Target) (cluster.Cluster, error)
	// Settle is how long to wait at the end for what is not ready yet. Default: no waiting.
	Settle time.Duration
	// Watch is how often to look for what keeps the stack from becoming ready, to warn about it.
	// Default: never.
	Watch time.Duration
}

// NewDeployer returns the Deployer for real clusters.
func NewDeployer() Deployer {
	return Deployer{Connect: cluster.Connect, Settle: status.SettleTime, Watch: status.WatchInterval}
}

// Request says what to deploy, and where.
type Request struct {
	// Loaded is the configuration.
	Loaded *config.Loaded
	// Provided are values of other resources; its Spec is not read.
	Provided StackArgs
	// Kubeconfig is a path or the content, from another resource, and stays secret. Default:
	// that of the configuration.
	Kubeconfig pulumi.StringInput
	// Options are those of the Stack.
	Options []pulumi.ResourceOption
}

// RefusedError says why nothing was deployed: a check failed, so the cluster is unchanged.
type RefusedError struct{ reason error }

func (e *RefusedError) Error() string { return e.reason.Error() }

// Unwrap returns the reason.
func (e *RefusedError) Unwrap() error { return e.reason }

// Deploy performs all checks before it registers any object. It returns a *RefusedError if a
// check fails.
func (d Deployer) Deploy(ctx *pulumi.Context, name string, request Request) (*Stack, *Outputs, error) {
	return d.deploy(ctx, name, request, false)
}

// deploy is Deploy; whole says that the stack is all that the program has.
func (d Deployer) deploy(ctx *pulumi.Context, name string, request Request, whole bool) (*Stack, *Outputs, error) {
	r, err := d.check(ctx, name, request, whole)
	if err != nil {
		return nil, nil, &RefusedError{err}
	}
	owner, err := r.owner()
	if err != nil {
		return nil, nil, err
	}
	providers, err := r.providers(owner.random)
	if err != nil {
		return nil, nil, err
	}
	for _, warning := range warnings(request.Loaded) {
		if err := ctx.Log.Warn(warning, nil); err != nil {
			return nil, nil, err
		}
	}
	annotations, err := owner.annotations(ctx, r.stack)
	if err != nil {
		return nil, nil, err
	}
	r.inherited = []pulumi.ResourceOption{providers, pulumi.Transformations(
		[]pulumi.ResourceTransformation{stamp(annotations), reapply(r.found.Edits)})}
	if err := r.compose(); err != nil {
		return nil, nil, err
	}
	return r.Stack, r.outputs(), nil
}

// run is one deployment whose checks have passed.
type run struct {
	Deployer
	*composer
	whole    bool
	provider config.Provider
	plan     plan.Plan
	// kubeconfig is where to deploy, nil for the provider's own default.
	kubeconfig pulumi.StringInput
	// stack names the Pulumi stack, and owner registers what identifies its state.
	stack string
	owner func() (*owner, error)
	// live is nil in a preview that cannot know the cluster.
	live cluster.Cluster
	// found is what the cluster holds of the stack already.
	found preflight.Found
}

func (d Deployer) check(ctx *pulumi.Context, name string, request Request, whole bool) (*run, error) {
	known, err := request.known(ctx.Context())
	if err != nil {
		return nil, err
	}
	args := request.Provided
	args.Spec = known.args.Spec
	r := &run{
		Deployer: d, composer: newComposer(ctx, name, &args, request.Options...), whole: whole,
		provider: request.Loaded.Provider, kubeconfig: request.Kubeconfig,
		stack: fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), ctx.Stack()),
	}
	r.owner = sync.OnceValues(r.newOwner)
	if request.Kubeconfig != nil {
		r.provider.Kubeconfig = known.kubeconfig
	} else if configured := r.provider.Kubeconfig; configured != "" {
		r.kubeconfig = pulumi.String(configured)
	}
	if r.plan, err = Plan(ctx, &known.args); err != nil {
		return nil, err
	}
	if problems := r.plan.Check(); len(problems) > 0 {
		refused := &config.Error{}
		for _, p := range problems {
			refused.Problems = append(refused.Problems, config.Problem(p))
		}
		return nil, refused
	}
	if known.missing != "" {
		return r, ctx.Log.Warn("the cluster was not checked: "+known.missing+" is not known yet", nil)
	}
	if r.live, err = r.Connect(cluster.Target{
		Kubeconfig: r.provider.Kubeconfig, Context: r.provider.Context, Cluster: r.provider.Cluster,
	}); err != nil {
		err = fmt.Errorf("%w: set kubernetes:context or kubernetes:kubeconfig, or KUBECONFIG", err)
		if ctx.DryRun() && errors.Is(err, cluster.ErrNoKubeconfig) {
			return r, ctx.Log.Warn(fmt.Sprintf("the cluster was not checked: %v", err), nil)
		}
		return nil, err
	}
	r.found, err = preflight.Check(ctx, r.live, preflight.Stack{
		Plan: r.plan, Name: r.stack, ID: r.ownerID, Namespace: r.spec.Namespace, CreateNamespace: r.spec.CreateNamespace,
		NamespaceProvided: request.Provided.Namespace != nil,
	})
	return r, err
}

// ownerID returns what identifies this state. It is asked only if the cluster holds objects
// that some state owns, since it registers the first resources.
func (r *run) ownerID() (string, error) {
	owner, err := r.owner()
	if err != nil {
		return "", err
	}
	return owner.id(r.ctx)
}

// around returns the name and the options of a resource around the stack: a provider, or the
// owner. A stack has them to itself, except that those of the program that is just the stack
// are at the top level. Either takes over the other's.
func (r *run) around(name string) (string, pulumi.ResourceOption, error) {
	own := r.name + "-" + name
	if r.whole {
		return name, pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String(own), ParentURN: r.urnOf(stackType)}}), nil
	}
	return own, r.child(name), r.start()
}
