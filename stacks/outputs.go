package stacks

import (
	"context"
	"reflect"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	product "github.com/llm-d-sim/llm-d-sim/internal/version"
	"github.com/llm-d-sim/llm-d-sim/stacks/status"
)

// Outputs are what a Stack and the cluster say about it. Those that describe the cluster are
// read from it once all Deployments are done, at the end of every `up`, even one that changes
// nothing: the state would only repeat what an earlier `up` saw.
type Outputs struct {
	// Version of llm-d-sim.
	Version pulumi.StringOutput `pulumi:"version"`
	// Namespace of all objects.
	Namespace pulumi.StringOutput `pulumi:"namespace"`
	// Replicas is the desired number of simulator pods that answer requests: those of the decode
	// stage, or in single mode all, of all models.
	Replicas pulumi.IntOutput `pulumi:"replicas"`
	// ReadyReplicas is the number of those that are ready.
	ReadyReplicas pulumi.IntOutput `pulumi:"readyReplicas"`
	// Endpoints are host:port of each Service that a client can use, in order of preference.
	Endpoints pulumi.StringArrayOutput `pulumi:"endpoints"`
	// GatewayURL is the URL of the first gateway, empty without one.
	GatewayURL pulumi.StringOutput `pulumi:"gatewayURL"`
	// APIKey is the gateway's API key, a secret; only with inferenceGateway.auth.enabled.
	APIKey pulumi.StringOutput `pulumi:"apiKey,optional"`
	// Monitoring says where to look: the dashboard's path in Grafana, and with the Prometheus
	// Operator the jobs in Prometheus and the PrometheusRule with the alerts; only with
	// monitoring.enabled.
	Monitoring pulumi.MapOutput `pulumi:"monitoring,optional"`
	// Conditions are as in the status of a Kubernetes object: Ready, and one for each part.
	Conditions ConditionsOutput `pulumi:"conditions"`
	// Status is the status of each part by its name.
	Status PartsOutput `pulumi:"status"`
}

// ConditionsOutput is an output of conditions.
type ConditionsOutput struct{ *pulumi.OutputState }

// PartsOutput is an output of the parts' status by their names.
type PartsOutput struct{ *pulumi.OutputState }

// ElementType returns the type of the value.
func (ConditionsOutput) ElementType() reflect.Type { return reflect.TypeFor[[]status.Condition]() }

// ElementType returns the type of the value.
func (PartsOutput) ElementType() reflect.Type { return reflect.TypeFor[map[string]status.Part]() }

func init() {
	pulumi.RegisterOutputType(ConditionsOutput{})
	pulumi.RegisterOutputType(PartsOutput{})
}

// Map returns the outputs by name, without those that the stack does not have.
func (o *Outputs) Map() pulumi.Map {
	byName := pulumi.Map{}
	v := reflect.ValueOf(o).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("pulumi"), ",")
		if output := v.Field(i); !output.IsZero() {
			byName[name] = output.Interface().(pulumi.Output)
		}
	}
	return byName
}

// outputs returns all outputs of a stack.
func (r *run) outputs() *Outputs {
	o := &Outputs{
		Version: pulumi.String(product.String()).ToStringOutput(), Namespace: r.Namespace, Endpoints: r.Endpoints,
		GatewayURL: r.GatewayURL,
	}
	if r.spec.Auth() {
		o.APIKey = r.APIKey
	}
	if r.spec.Monitoring.Enabled {
		o.Monitoring = r.Monitoring
	}
	observed := r.observe()
	o.Replicas = observed.ApplyT(func(v any) int { return v.(*status.Status).Replicas }).(pulumi.IntOutput)
	o.ReadyReplicas = observed.ApplyT(func(v any) int { return v.(*status.Status).ReadyReplicas }).(pulumi.IntOutput)
	o.Conditions = observed.ApplyT(func(v any) []status.Condition { return v.(*status.Status).Conditions }).(ConditionsOutput)
	o.Status = observed.ApplyT(func(v any) map[string]status.Part { return v.(*status.Status).Parts }).(PartsOutput)
	return o
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
	return pulumi.All(done...).ApplyT(func(done []any) (any, error) {
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
