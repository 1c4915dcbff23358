package components

import (
	"errors"
	"fmt"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/envoy"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// Drain times of a gateway pod, in seconds: the sleep outlasts the time in which
// kube-proxies and clients learn that the pod leaves, and lets requests finish.
const (
	gatewaySleepSeconds = 15
	gatewayGraceSeconds = 45
)

// InferenceGatewayArgs describes one inference gateway. Set exactly one of Standard
// and Istio.
type InferenceGatewayArgs struct {
	Common

	// Replicas is the number of gateway pods.
	Replicas int

	// Container of the gateway.
	Container Container

	// Port of the gateway's Service. Required.
	Port int

	// Standard makes it a plain Envoy with a static configuration.
	Standard *StandardGateway

	// Istio makes it an Istio proxy, configured by istiod.
	Istio *IstioGateway
}

// InferenceGateway is a Deployment and a Service of proxies in front of the
// simulators. The standard one has its Envoy bootstrap in a ConfigMap, or in a Secret with
// its API keys, the Istio one a ServiceAccount to prove itself to istiod.
type InferenceGateway struct {
	pulumi.ResourceState

	// ServiceName is the name of the Service.
	ServiceName pulumi.StringOutput `pulumi:"serviceName"`
	// URL is where clients within the cluster send requests.
	URL pulumi.StringOutput `pulumi:"url"`

	// Deployment is the Deployment itself, ready once its outputs are known.
	Deployment *appsv1.Deployment
}

// gatewayKind is what differs between the two kinds of gateway.
type gatewayKind interface {
	objectName() string
	// provision registers what the pods mount, and returns their workload.
	provision(
		ctx *pulumi.Context, name string, args *InferenceGatewayArgs, opts ...pulumi.ResourceOption,
	) (workload, []pulumi.Resource, error)
}

func (a *InferenceGatewayArgs) kind() gatewayKind {
	if a.Standard != nil {
		return a.Standard
	}
	return a.Istio
}

func (a *InferenceGatewayArgs) validate() error {
	if a == nil {
		return errors.New("args are required")
	}
	errs := []error{a.Common.validate(), a.Container.validate(), checkReplicas(a.Replicas), checkPort("port", a.Port)}
	if (a.Standard == nil) == (a.Istio == nil) {
		errs = append(errs, errors.New("exactly one of standard and istio is required"))
	}
	if a.Standard != nil {
		_, err := envoy.Build(a.Standard.Bootstrap)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// NewInferenceGateway registers a gateway.
func NewInferenceGateway(
	ctx *pulumi.Context, name string, args *InferenceGatewayArgs, opts ...pulumi.ResourceOption,
) (*InferenceGateway, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("inference gateway %s: %w", name, err)
	}
	kind := args.kind()
	object := kind.objectName()
	g := &InferenceGateway{}
	inputs := pulumi.Map{
		"namespace": args.Namespace,
		"name":      pulumi.String(object),
	}
	if err := ctx.RegisterComponentResourceV2("llm-d-sim:index:InferenceGateway", name, inputs, g, opts...); err != nil {
		return nil, err
	}
	w, needs, err := kind.provision(ctx, name, args, pulumi.Parent(g))
	if err != nil {
		return nil, fmt.Errorf("inference gateway %s: %w", name, err)
	}
	if g.Deployment, err = args.deployment(ctx, name+"-deployment", w,
		pulumi.Parent(g), pulumi.DependsOn(needs)); err != nil {
		return nil, err
	}
	if err := args.networkPolicy(ctx, name, object, llmd.ComponentGateway, llmd.GatewayListenPort,
		nil, pulumi.Parent(g)); err != nil {
		return nil, err
	}
	service, err := args.service(ctx, name+"-service", object, llmd.ComponentGateway, &corev1.ServiceSpecArgs{
		Selector: pulumi.ToStringMap(selector(object)),
		Ports: corev1.ServicePortArray{corev1.ServicePortArgs{
			Name: pulumi.String("http"), Port: pulumi.Int(args.Port), TargetPort: pulumi.Int(llmd.GatewayListenPort),
		}},
	}, pulumi.Parent(g))
	if err != nil {
		return nil, err
	}
	g.ServiceName = service.Metadata.Name().Elem()
	g.URL = pulumi.Sprintf("http://%s:%d", ServiceHost(g.ServiceName, args.Namespace), args.Port)
	return g, ctx.RegisterResourceOutputs(g, pulumi.Map{"serviceName": g.ServiceName, "url": g.URL})
}

// workload returns what both kinds of gateway pods have in common.
func (a *InferenceGatewayArgs) workload(object string, uid int, c *corev1.ContainerArgs) workload {
	c.Lifecycle = sleepBeforeStop(gatewaySleepSeconds)
	return workload{
		name:         object,
		component:    llmd.ComponentGateway,
		replicas:     a.Replicas,
		labels:       map[string]string{llmd.ComponentLabel: llmd.ComponentGateway},
		uid:          uid,
		bindLowPorts: true,
		graceSeconds: gatewayGraceSeconds,
		containers:   corev1.ContainerArray{c},
	}
}
