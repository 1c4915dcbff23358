package components

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// GatewayAPIArgs describes a Gateway API Gateway in front of the stack.
type GatewayAPIArgs struct {
	Common

	// Name of the Gateway and of its HTTPRoute. Required.
	Name string

	// ClassName is the GatewayClass, whose controller runs the gateway. Required.
	ClassName string

	// InferencePool routes to the InferencePool of this name, whose EPP picks the pod.
	// Default: to Service.
	InferencePool pulumi.StringInput

	// Service and ServicePort are where requests go without an InferencePool.
	Service     pulumi.StringInput
	ServicePort int
}

// GatewayAPI is a Gateway and the HTTPRoute that binds it to the stack. It needs the
// Gateway API's CRDs and a controller of the class.
type GatewayAPI struct {
	pulumi.ResourceState

	// GatewayName is the name of the Gateway.
	GatewayName pulumi.StringOutput `pulumi:"gatewayName"`
	// RouteName is the name of the HTTPRoute.
	RouteName pulumi.StringOutput `pulumi:"routeName"`
}

func (a *GatewayAPIArgs) validate() error {
	if a == nil {
		return errors.New("args are required")
	}
	errs := []error{a.Common.validate()}
	if a.Name == "" {
		errs = append(errs, errors.New("name is required"))
	}
	if a.ClassName == "" {
		errs = append(errs, errors.New("class name is required"))
	}
	switch {
	case a.InferencePool == nil && a.Service == nil:
		errs = append(errs, errors.New("an InferencePool or a Service is required"))
	case a.InferencePool == nil:
		errs = append(errs, checkPort("service port", a.ServicePort))
	}
	return errors.Join(errs...)
}

// NewGatewayAPI registers the Gateway and its HTTPRoute.
func NewGatewayAPI(
	ctx *pulumi.Context, name string, args *GatewayAPIArgs, opts ...pulumi.ResourceOption,
) (*GatewayAPI, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("gateway API %s: %w", name, err)
	}
	g := &GatewayAPI{}
	inputs := pulumi.Map{
		"namespace": args.Namespace,
		"name":      pulumi.String(args.Name),
		"className": pulumi.String(args.ClassName),
	}
	if err := ctx.RegisterComponentResourceV2("llm-d-sim:index:GatewayAPI", name, inputs, g, opts...); err != nil {
		return nil, err
	}
	object := func(urn, kind string, spec pulumi.Map) (*apiextensions.CustomResource, error) {
		return apiextensions.NewCustomResource(ctx, name+urn, &apiextensions.CustomResourceArgs{
			ApiVersion:  pulumi.String("gateway.networking.k8s.io/v1"),
			Kind:        pulumi.String(kind),
			Metadata:    args.metadata(args.Name, llmd.ComponentGateway, nil, nil),
			OtherFields: kubernetes.UntypedArgs{"spec": spec},
		}, pulumi.Parent(g))
	}
	gateway, err := object("-gateway", "Gateway", pulumi.Map{
		"gatewayClassName": pulumi.String(args.ClassName),
		"listeners": pulumi.Array{pulumi.Map{
			"name":          pulumi.String("http"),
			"port":          pulumi.Int(llmd.GatewayListenPort),
			"protocol":      pulumi.String("HTTP"),
			"allowedRoutes": pulumi.Map{"namespaces": pulumi.Map{"from": pulumi.String("Same")}},
		}},
	})
	if err != nil {
		return nil, err
	}
	g.GatewayName = gateway.Metadata.Name().Elem()
	route, err := object("-route", "HTTPRoute", pulumi.Map{
		"parentRefs": pulumi.Array{pulumi.Map{"name": g.GatewayName}},
		"rules": pulumi.Array{pulumi.Map{
			"backendRefs": pulumi.Array{args.backend()},
			// A generation may take long: no limit, as in the standard gateway.
			"timeouts": pulumi.Map{"request": pulumi.String("0s")},
		}},
	})
	if err != nil {
		return nil, err
	}
	g.RouteName = route.Metadata.Name().Elem()
	return g, ctx.RegisterResourceOutputs(g, pulumi.Map{"gatewayName": g.GatewayName, "routeName": g.RouteName})
}

func (a *GatewayAPIArgs) backend() pulumi.Map {
	if a.InferencePool != nil {
		return pulumi.Map{
			"group": pulumi.String("inference.networking.k8s.io"),
			"kind":  pulumi.String("InferencePool"),
			"name":  a.InferencePool,
		}
	}
	return pulumi.Map{"name": a.Service, "port": pulumi.Int(a.ServicePort)}
}
