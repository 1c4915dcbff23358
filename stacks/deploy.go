// Package stacks composes the whole llm-d simulator stack: configuration, provider,
// components and outputs. It is the only place that knows both the configuration
// and the components.
package stacks

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
)

// Deploy is the Pulumi program: it reads the stack configuration and the cluster,
// and registers the stack with its outputs.
func Deploy(ctx *pulumi.Context) error {
	program := Program{Connect: cluster.Connect, Settle: settleTime}
	// The SDK tells single values only; to find unknown keys takes the whole.
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
	// Values are all configuration values by full key, SecretKeys those of them that
	// are secret.
	Values     map[string]string
	SecretKeys []string

	// Connect returns the client for a cluster.
	Connect func(cluster.Target) (cluster.Cluster, error)
	// Settle is how long what is not ready at the end is looked at again. Default: once.
	Settle time.Duration
}

// RefusedError says why the program refused to start: nothing was registered, so
// nothing will change.
type RefusedError struct{ reason error }

func (e *RefusedError) Error() string { return e.reason.Error() }

// Unwrap returns the reason.
func (e *RefusedError) Unwrap() error { return e.reason }

// Run checks everything that can be checked, and only then registers resources. What
// the checks find is a *RefusedError.
func (p *Program) Run(ctx *pulumi.Context) error {
	s, err := p.prepare(ctx)
	if err != nil {
		return &RefusedError{err}
	}
	if err := s.register(); err != nil {
		return err
	}
	s.export()
	return nil
}

func (p *Program) prepare(ctx *pulumi.Context) (*stack, error) {
	spec, err := config.Load(p.Values, p.SecretKeys)
	if err != nil {
		return nil, err
	}
	target := cluster.Target{
		Kubeconfig: p.Values["kubernetes:kubeconfig"],
		Context:    p.Values["kubernetes:context"],
	}
	live, err := p.Connect(target)
	if err != nil {
		return nil, fmt.Errorf("%w: set kubernetes:context or kubernetes:kubeconfig, or KUBECONFIG", err)
	}
	owner := fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), ctx.Stack())
	edits, err := preflight(ctx, live, spec, owner)
	if err != nil {
		return nil, err
	}
	return &stack{
		ctx: ctx, spec: spec, owner: owner, target: target, live: live, edits: edits,
		clusterID: clusterID(ctx.Context(), live), settle: p.Settle,
	}, nil
}

// clusterID tells a cluster from all others, whatever its address, by what is never made
// twice. It is empty where the cluster does not say.
func clusterID(ctx context.Context, live cluster.Cluster) string {
	system, err := live.Namespace(ctx, metav1.NamespaceSystem)
	if err != nil || system == nil {
		return ""
	}
	return string(system.UID)
}
