package components

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// routeResolved is so once a controller has found what a route leads to.
const routeResolved = `jsonpath={.status.parents[*].conditions[?(@.type=="ResolvedRefs")].status}=True`

// GatewayAPIArgs describes a Gateway API Gateway in front of the stack.
type GatewayAPIArgs struct {
	Common

	// Name of the Gateway and of its HTTPRoute. Required.
	Name string

	// ClassName is the GatewayClass, whose controller runs the gateway. Required.
	ClassName string

	// Port that the Gateway listens on. Required.
	Port int

	// Proxies is the Service, in Namespace and with a port Port, of proxies that are there
	// already and only need routes. Default: the controller of the class runs some.
	Proxies pulumi.StringInput

	// InferencePool routes to the InferencePool of this name, whose EPP picks the pod.
	// Default: to Service.
	InferencePool pulumi.StringInput

	// Service and ServicePort are where requests go without an InferencePool.
	Service     pulumi.StringInput
	ServicePort int
}

// GatewayAPI is a Gateway and the HTTPRoute that binds it to the stack. It needs the
// Gateway API's CRDs and a controller of the class, and is ready once that controller
// has programmed the Gateway and accepted the route.
type GatewayAPI struct {
	pulumi.ResourceState

	// GatewayName is the name of the Gateway.
	GatewayName pulumi.StringOutput `pulumi:"gatewayName"`
	// RouteName is the name of the HTTPRoute.
	RouteName pulumi.StringOutput `pulumi:"routeName"`
	// ServiceName is the name of the proxies' Service, empty where only the controller
	// of the class knows it.
	ServiceName pulumi.StringOutput `pulumi:"serviceName"`
}

// istioOverlays are what istiod lays over the objects that it makes for a Gateway (since
// 1.26): pods that the Pod Security level "restricted" admits, and a Service that opens
// the unauthenticated simulators to the cluster alone.
var istioOverlays = map[string]string{
	"deployment": "spec: {template: {spec: {securityContext: {seccompProfile: {type: RuntimeDefault}}}}}\n",
	"service":    "spec: {type: ClusterIP}\n",
}

func (a *GatewayAPIArgs) validate() error {
	if a == nil {
		return errors.New("args are required")
	}
	errs := []error{a.Common.validate(), checkPort("port", a.Port)}
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
	object := func(urn, kind string, spec pulumi.Map, waitFor string) (*apiextensions.CustomResource, error) {
		return apiextensions.NewCustomResource(ctx, name+urn, &apiextensions.CustomResourceArgs{
			ApiVersion:  pulumi.String("gateway.networking.k8s.io/v1"),
			Kind:        pulumi.String(kind),
			Metadata:    args.metadata(args.Name, llmd.ComponentGateway, nil, map[string]string{"pulumi.com/waitFor": waitFor}),
			OtherFields: kubernetes.UntypedArgs{"spec": spec},
		}, args.timeouts(pulumi.Parent(g))...)
	}
	spec := pulumi.Map{
		"gatewayClassName": pulumi.String(args.ClassName),
		"listeners": pulumi.Array{pulumi.Map{
			"name":          pulumi.String("http"),
			"port":          pulumi.Int(args.Port),
			"protocol":      pulumi.String("HTTP"),
			"allowedRoutes": pulumi.Map{"namespaces": pulumi.Map{"from": pulumi.String("Same")}},
		}},
	}
	service := pulumi.StringInput(pulumi.String(""))
	switch {
	case args.Proxies != nil:
		service = args.Proxies
		spec["addresses"] = pulumi.Array{pulumi.Map{
			"type": pulumi.String("Hostname"), "value": ServiceHost(service, args.Namespace),
		}}
	case args.ClassName == llmd.IstioClassName:
		// istiod names what it makes so.
		service = pulumi.String(args.Name + "-" + args.ClassName)
		overlays, err := corev1.NewConfigMap(ctx, name+"-overlays", &corev1.ConfigMapArgs{
			Metadata: args.metadata(args.Name, llmd.ComponentGateway, nil, nil),
			Data:     pulumi.ToStringMap(istioOverlays),
		}, pulumi.Parent(g))
		if err != nil {
			return nil, err
		}
		spec["infrastructure"] = pulumi.Map{"parametersRef": pulumi.Map{
			"group": pulumi.String(""), "kind": pulumi.String("ConfigMap"), "name": overlays.Metadata.Name().Elem(),
		}}
	}
	g.ServiceName = service.ToStringOutput()
	gateway, err := object("-gateway", "Gateway", spec, "condition=Programmed")
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
	}, routeResolved)
	if err != nil {
		return nil, err
	}
	g.RouteName = route.Metadata.Name().Elem()
	return g, ctx.RegisterResourceOutputs(g, pulumi.Map{
		"gatewayName": g.GatewayName, "routeName": g.RouteName, "serviceName": g.ServiceName,
	})
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
