package stacks

import (
	"slices"

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
	// ofModel says that each further model has such a part of its own.
	ofModel bool
	// needs, if set, returns kinds that the part uses without creating any.
	needs func(*config.Spec) []schema.GroupVersionKind
	// autoscaled, if set, reports whether an autoscaler sets the replicas of the part.
	autoscaled func(*config.Spec) bool
	// implied, if set, returns the objects that a controller creates for those of the part.
	implied func(*config.Spec) []plan.Object
}

// partsOf returns all parts that a stack has.
func partsOf(spec *config.Spec) []part {
	all := slices.Clone(parts)
	for _, model := range spec.ModelKeys() {
		for _, p := range parts {
			if p.ofModel {
				all = append(all, p.forModel(model))
			}
		}
	}
	return slices.DeleteFunc(append(all, overviews...), func(p part) bool { return !p.enabled(spec) })
}

// modelPart returns the name of a further model's part. Neither has a dot in its own name.
func modelPart(name, model string) string { return name + "." + model }

// forModel returns the part of a further model.
func (p part) forModel(model string) part {
	register := p.register
	p.name = modelPart(p.name, model)
	p.key, p.naming = "models."+model, naming{}
	p.register = func(c *composer) error { return c.forModel(model, register) }
	return p
}

// parts are those in the way of a request, in its order. Clients should prefer gateways in this
// order.
var parts = []part{
	{name: "standard-gateway", key: "inferenceGateway.standard.enabled", enabled: (*config.Spec).StandardGateway, register: (*composer).standardGateway},
	{name: "istio-gateway", key: "inferenceGateway.istio.enabled", enabled: (*config.Spec).IstioGateway, register: (*composer).istioGateway},
	{name: "epp", ofModel: true, key: "epp.enabled", enabled: eppEnabled, register: (*composer).epp, needs: eppNeeds},
	{name: "objectives", ofModel: true, key: "objectives", enabled: objectivesEnabled, register: (*composer).objectives},
	{name: "prefill", ofModel: true, key: "prefill.enabled", enabled: prefillEnabled, register: (*composer).prefill, autoscaled: prefillAutoscaled},
	{name: "decode", ofModel: true, naming: naming{"name", func(s *config.Spec) string { return s.Name }, "llm-sim"}, enabled: always, register: (*composer).decode, autoscaled: decodeAutoscaled},
	{name: "prefill-autoscaler", ofModel: true, key: "prefill.autoscaling.enabled", enabled: kedaScalesPrefill, register: (*composer).autoscalePrefill},
	{name: "decode-autoscaler", ofModel: true, key: "decode.autoscaling.enabled", enabled: kedaScalesDecode, register: (*composer).autoscaleDecode},
	{name: "proxy", ofModel: true, naming: serviceNaming, enabled: always, register: (*composer).proxy},
	{name: "gateway", key: "gateway.enabled", naming: naming{"gateway.routeName", func(s *config.Spec) string { return s.Gateway.RouteName }, "llm-d-sim"}, enabled: gatewayEnabled, register: (*composer).gateway, implied: gatewayImplied},
	{name: "istio-gateway-routes", key: "inferenceGateway.istio.enabled", enabled: (*config.Spec).IstioGateway, register: (*composer).istioGatewayRoutes},
	{name: "load-balancing", ofModel: true, key: "loadBalancing.enabled", naming: serviceNaming, enabled: loadBalancingEnabled, register: (*composer).loadBalancing},
}

// overviews are parts for all others, which come before them.
var overviews = []part{
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
	for _, known := range partsOf(spec) {
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
