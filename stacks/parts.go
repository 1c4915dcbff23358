package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// part is a component that a stack can have. Its register function turns the configuration
// into it.
type part struct {
	// name is the logical name of the component, without that of the stack.
	name string
	// key enables the part, and naming names its objects, where there is such a key.
	key    string
	naming naming
	// enabled reports whether a stack has the part.
	enabled func(*config.Spec) bool
	// register registers the component, using what earlier parts have left in the composer.
	register func(*composer) error
	// transform, if set, changes the resources of all parts.
	transform pulumi.ResourceTransformation
	// needs, if set, returns kinds that the part uses without creating any.
	needs func(*config.Spec) []schema.GroupVersionKind
	// autoscaled, if set, reports whether an autoscaler sets the replicas of the part.
	autoscaled func(*config.Spec) bool
	// implied, if set, returns the objects that a controller creates for those of the part.
	implied func(*config.Spec) []plan.Object
}

// parts are all parts of a stack, in the order of the request path. Clients should prefer
// gateways in this order.
var parts = []part{
	{name: "standard-gateway", key: "inferenceGateway.standard.enabled", enabled: (*config.Spec).StandardGateway, register: (*composer).standardGateway},
	{name: "istio-gateway", key: "inferenceGateway.istio.enabled", enabled: (*config.Spec).IstioGateway, register: (*composer).istioGateway},
	{name: "epp", key: "epp.enabled", enabled: eppEnabled, register: (*composer).epp, needs: eppNeeds},
	{name: "objectives", key: "objectives", enabled: objectivesEnabled, register: (*composer).objectives},
	{name: "prefill", key: "prefill.enabled", enabled: prefillEnabled, register: (*composer).prefill, autoscaled: prefillAutoscaled},
	{name: "decode", naming: naming{"name", func(s *config.Spec) string { return s.Name }, "llm-sim"}, enabled: always, register: (*composer).decode, autoscaled: decodeAutoscaled},
	{name: "prefill-autoscaler", key: "prefill.autoscaling.enabled", enabled: kedaScalesPrefill, register: (*composer).autoscalePrefill},
	{name: "decode-autoscaler", key: "decode.autoscaling.enabled", enabled: kedaScalesDecode, register: (*composer).autoscaleDecode},
	{name: "proxy", naming: serviceNaming, enabled: always, register: (*composer).proxy},
	{name: "gateway", key: "gateway.enabled", naming: naming{"gateway.routeName", func(s *config.Spec) string { return s.Gateway.RouteName }, "llm-d-sim"}, enabled: gatewayEnabled, register: (*composer).gateway, implied: gatewayImplied},
	{name: "istio-gateway-routes", key: "inferenceGateway.istio.enabled", enabled: (*config.Spec).IstioGateway, register: (*composer).istioGatewayRoutes},
	{name: "load-balancing", key: "loadBalancing.enabled", naming: serviceNaming, enabled: loadBalancingEnabled, register: (*composer).loadBalancing},
	{name: "monitoring", key: "monitoring.enabled", enabled: monitoringEnabled, register: (*composer).monitoring},
	{name: "disruption-budgets", key: "podDisruptionBudget.enabled", enabled: disruptionBudgetsEnabled, register: (*composer).disruptionBudgets, transform: spreadOverNodes},
}

// naming is the configuration key that names the objects of a part.
type naming struct {
	key   string
	value func(*config.Spec) string
	// other is a name that clashes with nothing.
	other string
}

var serviceNaming = naming{"service.name", func(s *config.Spec) string { return s.Service.Name }, llmd.ProxyServiceName}

// always enables a part in every stack.
func always(*config.Spec) bool { return true }

// Plan returns the parts and objects of a stack. Nothing is registered.
func Plan(ctx *pulumi.Context, args *StackArgs) (plan.Plan, error) {
	spec := args.Spec
	objects, err := plan.Rehearse(ctx, func(ctx *pulumi.Context) error {
		_, err := NewStack(ctx, stackName, args)
		return err
	})
	if err != nil {
		return plan.Plan{}, err
	}
	p := plan.Plan{Parts: []plan.Part{{Name: "stack", Key: "createNamespace", Objects: objects[stackName]}}}
	for _, known := range parts {
		if !known.enabled(spec) {
			continue
		}
		part := plan.Part{
			Name: known.name, Key: known.key, NameKey: known.naming.key, OtherName: known.naming.other,
			Objects: objects[stackName+"-"+known.name],
		}
		if known.naming.value != nil {
			part.NameValue = known.naming.value(spec)
		}
		if known.needs != nil {
			part.Needs = known.needs(spec)
		}
		if known.autoscaled != nil {
			part.Autoscaled = known.autoscaled(spec)
		}
		if known.implied != nil {
			part.Implied = known.implied(spec)
		}
		p.Parts = append(p.Parts, part)
	}
	return p, nil
}
