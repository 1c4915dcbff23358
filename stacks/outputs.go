package stacks

import (
	"context"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/version"
	"github.com/llm-d-sim/llm-d-sim/stacks/status"
)

// export sets the stack outputs. Those that describe the cluster are read from it once all
// Deployments are done, at the end of every `up`, even one that changes nothing: the state
// would only repeat what an earlier `up` saw.
func (r *run) export(s *Stack) {
	r.ctx.Export("version", pulumi.String(version.String()))
	r.ctx.Export("namespace", s.Namespace)
	r.ctx.Export("endpoints", s.Endpoints)
	r.ctx.Export("gatewayURL", s.GatewayURL)
	if r.spec.Auth() {
		r.ctx.Export(llmd.APIKey, s.APIKey)
	}
	if r.spec.Monitoring.Enabled {
		r.ctx.Export("monitoring", s.Monitoring)
	}
	observed := r.observe(s)
	for _, name := range status.Outputs {
		r.ctx.Export(name, observed.ApplyT(func(v any) any { return v.(map[string]any)[name] }))
	}
}

// observe reads the status of all workloads. In a preview it is unknown.
func (r *run) observe(s *Stack) pulumi.Output {
	if r.ctx.DryRun() {
		return pulumi.UnsafeUnknownOutput(nil)
	}
	done := []any{s.Namespace}
	for _, d := range s.deployments {
		done = append(done, d.resource.ID())
	}
	for _, route := range s.routeNames {
		done = append(done, route)
	}
	watching, stop := context.WithCancel(r.ctx.Context())
	if r.watch > 0 {
		watcher := status.Watcher{
			Cluster: r.live, Namespace: r.spec.Namespace, Instance: r.spec.Name, Routing: r.plan.Routing(), Interval: r.watch,
		}
		// If the stack never becomes ready, it ends with the program.
		go watcher.Watch(watching, func(trouble string) error { return r.ctx.Log.Warn(trouble, nil) })
	}
	return pulumi.All(done...).ApplyT(func(done []any) (map[string]any, error) {
		defer stop()
		reader := status.Reader{
			Cluster: r.live, Namespace: done[0].(string), Instance: r.spec.Name, Workloads: r.plan.Workloads(), Settle: r.settle,
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
