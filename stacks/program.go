// Package stacks turns a configuration into a whole llm-d simulator stack: Stack is the
// component resource for programs in Go; Deploy, the program of this repository, checks
// configuration and cluster before it registers a Stack, and then reads its status back.
package stacks

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
	"github.com/llm-d-sim/llm-d-sim/stacks/preflight"
	"github.com/llm-d-sim/llm-d-sim/stacks/status"
)

// stackName is the logical name of the program's Stack. It is constant, whatever the Pulumi
// stack is called: another name would be another resource.
const stackName = "llm-d-sim"

// Deploy is the Pulumi program: it reads the stack configuration and the cluster,
// and registers the stack with its outputs.
func Deploy(ctx *pulumi.Context) error {
	program := Program{Connect: cluster.Connect, Settle: status.SettleTime, Watch: status.WatchInterval}
	// The SDK returns only single values; finding unknown keys takes all of them.
	for name, dst := range map[string]any{
		pulumi.EnvConfig:           &program.Values,
		pulumi.EnvConfigSecretKeys: &program.SecretKeys,
	} {
		if raw := os.Getenv(name); raw != "" {
			if err := json.Unmarshal([]byte(raw), dst); err != nil {
				return fmt.Errorf("reading %s: %w", name, err)
			}
		}
	}
	return program.Run(ctx)
}

// Program is Deploy with its surroundings as parameters.
type Program struct {
	// Values are all configuration values by full key; SecretKeys are those that are secret.
	Values     map[string]string
	SecretKeys []string

	// Connect returns the client for a cluster.
	Connect func(cluster.Target) (cluster.Cluster, error)
	// Settle is how long to wait at the end for what is not ready yet. Default: no waiting.
	Settle time.Duration
	// Watch is how often to look for what keeps the stack from becoming ready, to warn about it.
	// Default: never.
	Watch time.Duration
}

// RefusedError says why the program refused to start: nothing was registered, so
// nothing will change.
type RefusedError struct{ reason error }

func (e *RefusedError) Error() string { return e.reason.Error() }

// Unwrap returns the reason.
func (e *RefusedError) Unwrap() error { return e.reason }

// Run performs all checks before it registers any resource. It returns a *RefusedError if a
// check fails.
func (p *Program) Run(ctx *pulumi.Context) error {
	r, err := p.check(ctx)
	if err != nil {
		return &RefusedError{err}
	}
	owner, err := r.owner()
	if err != nil {
		return err
	}
	providers, err := r.providers(owner.random)
	if err != nil {
		return err
	}
	for _, warning := range r.warnings {
		if err := ctx.Log.Warn(warning, nil); err != nil {
			return err
		}
	}
	annotations, err := owner.annotations(ctx, r.stack)
	if err != nil {
		return err
	}
	s, err := NewStack(ctx, stackName, &StackArgs{Spec: r.spec}, providers, pulumi.Transformations(
		[]pulumi.ResourceTransformation{stamp(annotations), reapply(r.found.Edits)}))
	if err != nil {
		return err
	}
	r.export(s)
	return nil
}

// run is one run of the program whose checks have passed.
type run struct {
	ctx      *pulumi.Context
	spec     *config.Spec
	provider config.Provider
	// warnings are about settings that do not work as one might expect.
	warnings []string
	plan     plan.Plan
	// stack names the Pulumi stack, and owner registers what identifies its state.
	stack string
	owner func() (*owner, error)
	// live is nil in a preview without a kubeconfig.
	live cluster.Cluster
	// found is what the cluster holds of the stack already.
	found  preflight.Found
	settle time.Duration
	watch  time.Duration
}

func (p *Program) check(ctx *pulumi.Context) (*run, error) {
	loaded, err := config.Load(ctx.Project(), p.Values, p.SecretKeys)
	if err != nil {
		return nil, err
	}
	spec := loaded.Spec
	r := &run{
		ctx: ctx, spec: spec, provider: loaded.Provider, warnings: warnings(loaded), settle: p.Settle, watch: p.Watch,
		stack: fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), ctx.Stack()),
		owner: sync.OnceValues(func() (*owner, error) { return newOwner(ctx) }),
	}
	if r.plan, err = Plan(ctx, spec); err != nil {
		return nil, err
	}
	if problems := r.plan.Check(); len(problems) > 0 {
		refused := &config.Error{}
		for _, p := range problems {
			refused.Problems = append(refused.Problems, config.Problem(p))
		}
		return nil, refused
	}
	if r.live, err = p.Connect(cluster.Target{
		Kubeconfig: r.provider.Kubeconfig, Context: r.provider.Context, Cluster: r.provider.Cluster,
	}); err != nil {
		err = fmt.Errorf("%w: set kubernetes:context or kubernetes:kubeconfig, or KUBECONFIG", err)
		if ctx.DryRun() && errors.Is(err, cluster.ErrNoKubeconfig) {
			return r, ctx.Log.Warn(fmt.Sprintf("the cluster was not checked: %v", err), nil)
		}
		return nil, err
	}
	r.found, err = preflight.Check(ctx, r.live, preflight.Stack{
		Plan: r.plan, Name: r.stack, ID: r.ownerID, Namespace: spec.Namespace, CreateNamespace: spec.CreateNamespace,
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
