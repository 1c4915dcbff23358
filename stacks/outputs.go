package stacks

import (
	"context"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/version"
	"github.com/llm-d-sim/llm-d-sim/stacks/status"
)

// outputs returns all outputs. Those that describe the cluster are read from it once all
// Deployments are done, at the end of every `up`, even one that changes nothing: the state
// would only repeat what an earlier `up` saw.
func (r *run) outputs() pulumi.Map {
	outputs := pulumi.Map{
		"version":    pulumi.String(version.String()),
		"namespace":  r.Namespace,
		"endpoints":  r.Endpoints,
		"gatewayURL": r.GatewayURL,
	}
	if r.spec.Auth() {
		outputs[llmd.APIKey] = r.APIKey
	}
	observed := r.observe()
	for _, name := range status.Outputs {
		outputs[name] = observed.ApplyT(func(v any) any { return v.(map[string]any)[name] })
	}
	return outputs
}

// observe reads the status of all workloads. In a preview it is unknown.
func (r *run) observe() pulumi.Output {
	if r.ctx.DryRun() {
		return pulumi.UnsafeUnknownOutput(nil)
	}
	done := []any{r.Namespace}
	for _, d := range r.deployments {
		done = append(done, d.resource.ID())
	}
	for _, route := range r.routeNames {
		done = append(done, route)
	}
	watching, stop := context.WithCancel(r.ctx.Context())
	if r.Watch > 0 {
		watcher := status.Watcher{
			Cluster: r.live, Namespace: r.spec.Namespace, Instance: r.spec.Name, Routing: r.plan.Routing(), Interval: r.Watch,
		}
		// If the stack never becomes ready, it ends with the program.
		go watcher.Watch(watching, func(trouble string) error { return r.ctx.Log.Warn(trouble, nil) })
	}
	return pulumi.All(done...).ApplyT(func(done []any) (map[string]any, error) {
		defer stop()
		reader := status.Reader{
			Cluster: r.live, Namespace: done[0].(string), Instance: r.spec.Name, Workloads: r.plan.Workloads(), Settle: r.Settle,
			Routing: r.plan.Routing(), RoutingTimeout: r.spec.ReadyTimeout.Duration,
		}
		if r.found.PoolLeaves {
			// Objects are deleted once the program has ended. The EPPs that are being replaced pick
			// no pod without the pool, and gateways still ask them.
			time.Sleep(llmd.EPPDrainTime)
		}
		return reader.Read(context.Background())
	})
}
