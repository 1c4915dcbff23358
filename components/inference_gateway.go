package components

import (
	"errors"
	"fmt"
	"time"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// gatewayStopSeconds is how long a gateway pod may take to stop once it has drained.
const gatewayStopSeconds = 30

// InferenceGatewayArgs describes one inference gateway. Only Namespace is required: with
// neither Standard nor Istio, it is a standard gateway with its defaults.
type InferenceGatewayArgs struct {
	// Namespace of every object. Pass the output of the Namespace resource, so that
	// the objects wait for it. Required.
	Namespace pulumi.StringInput `pulumi:"namespace"`

	// Instance is the app.kubernetes.io/instance label of every object.
	// Default: the component's name.
	Instance string `pulumi:"instance,optional"`

	// Replicas is the number of gateway pods. Default: 1.
	Replicas *int `pulumi:"replicas,optional"`

	// Image of the gateway. Default: llmd.StandardGatewayImage or llmd.IstioGatewayImage.
	Image pulumi.StringInput `pulumi:"image,optional"`

	// ImagePullPolicy is Always, IfNotPresent or Never. Default: Kubernetes' own rule.
	ImagePullPolicy string `pulumi:"imagePullPolicy,optional"`

	// ImagePullSecrets names Secrets in Namespace to pull the image with. Default: none.
	ImagePullSecrets pulumi.StringArrayInput `pulumi:"imagePullSecrets,optional"`

	// Resources of the container. Default: none.
	Resources *Resources `pulumi:"resources,optional"`

	// Port of the gateway's Service. Default: llmd.GatewayServicePort.
	Port int `pulumi:"port,optional"`

	// Standard makes it a plain Envoy with a static configuration.
	Standard *StandardGateway `pulumi:"standard,optional"`

	// Istio makes it an Istio proxy, configured by istiod.
	Istio *IstioGateway `pulumi:"istio,optional"`

	// APIKeys admits only requests with one of them as their bearer token; clients should use
	// the first. Letters and digits. Secret outputs stay secret. For the standard gateway
	// only. Default: no key is required.
	APIKeys pulumi.StringArrayInput `pulumi:"apiKeys,optional"`

	// NetworkPolicy closes all ports of the pods except the one for requests. The cluster's
	// network has to enforce it. Default: open.
	NetworkPolicy bool `pulumi:"networkPolicy,optional"`

	// DrainTimeout is how long a pod that is being replaced keeps serving, a duration of whole
	// seconds such as 5m. It must be long enough for clients to learn of the removal, a few
	// seconds; responses that stream for longer are cut off. Default: llmd.DrainTimeout.
	DrainTimeout string `pulumi:"drainTimeout,optional"`

	// ClusterDomain is the DNS domain of the cluster. Default: llmd.ClusterDomain.
	ClusterDomain string `pulumi:"clusterDomain,optional"`

	// Metrics opens the pods' metrics to a Prometheus. Default: nobody reads them.
	Metrics *Metrics `pulumi:"metrics,optional"`

	// ReadyTimeout is how long `up` waits for the Deployment to become ready, a duration
	// such as 5m. Default: the Kubernetes provider's, 10m.
	ReadyTimeout string `pulumi:"readyTimeout,optional"`
}

// InferenceGateway is a Deployment and a Service of proxies in front of the
// simulators. The standard one keeps its Envoy bootstrap in a ConfigMap, or in a Secret
// if it has API keys; the Istio one has a ServiceAccount to identify itself to istiod.
type InferenceGateway struct {
	pulumi.ResourceState

	// ServiceName is the name of the Service.
	ServiceName pulumi.StringOutput `pulumi:"serviceName"`
	// Endpoint is the Service's address within the cluster, host:port.
	Endpoint pulumi.StringOutput `pulumi:"endpoint"`

	// Deployment is the Deployment itself, ready once its outputs are known.
	Deployment *appsv1.Deployment
	// Target is where the metrics are.
	Target MonitorTarget
}

// inferenceGateway is an InferenceGatewayArgs with its defaults filled in.
type inferenceGateway struct {
	common
	InferenceGatewayArgs
	kind         gatewayKind
	drainSeconds int
}

// gatewayKind covers the differences between the two kinds of gateway.
type gatewayKind interface {
	objectName() string
	image() string
	metrics() metricsEndpoint
	validate() error
	// provision registers what the pods mount, and returns their workload.
	provision(
		ctx *pulumi.Context, name string, g *inferenceGateway, opts ...pulumi.ResourceOption,
	) (workload, []pulumi.Resource, error)
}

func (a *InferenceGatewayArgs) withDefaults(name string) (*inferenceGateway, error) {
	if a == nil {
		return nil, errors.New("args are required")
	}
	g := &inferenceGateway{InferenceGatewayArgs: *a, common: common{
		namespace: a.Namespace, instance: or(a.Instance, name), imagePullSecrets: a.ImagePullSecrets,
		networkPolicy: a.NetworkPolicy, readyTimeout: a.ReadyTimeout, clusterDomain: a.ClusterDomain, metrics: a.Metrics,
	}}
	g.Port = or(a.Port, llmd.GatewayServicePort)
	errs := []error{g.validate(), checkReplicas(a.Replicas), checkPort("port", g.Port)}
	drain, err := time.ParseDuration(or(a.DrainTimeout, llmd.DrainTimeout.String()))
	if g.drainSeconds = int(drain.Seconds()); err != nil || g.drainSeconds < 1 {
		errs = append(errs, fmt.Errorf("drain timeout must be a duration of 1s or more, got %q", a.DrainTimeout))
	}
	switch {
	case a.Standard != nil && a.Istio != nil:
		return nil, errors.New("standard and istio exclude each other")
	case a.Istio != nil && a.APIKeys != nil:
		errs = append(errs, errors.New("API keys are for the standard gateway only"))
		fallthrough
	case a.Istio != nil:
		g.kind = a.Istio.withDefaults()
	default:
		g.kind = a.Standard.withDefaults(a.ClusterDomain)
	}
	errs = append(errs, g.kind.validate())
	return g, errors.Join(errs...)
}

// NewInferenceGateway registers a gateway.
func NewInferenceGateway(
	ctx *pulumi.Context, name string, args *InferenceGatewayArgs, opts ...pulumi.ResourceOption,
) (*InferenceGateway, error) {
	a, err := args.withDefaults(name)
	if err != nil {
		return nil, fmt.Errorf("inference gateway %s: %w", name, err)
	}
	g := &InferenceGateway{Target: a.kind.metrics().onService(a.kind.objectName())}
	in := inputs(args)
	if args.APIKeys != nil {
		in["apiKeys"] = pulumi.ToSecret(args.APIKeys)
	}
	if err := ctx.RegisterComponentResourceV2(typeToken("InferenceGateway"), name, in, g, opts...); err != nil {
		return nil, err
	}
	w, needs, err := a.kind.provision(ctx, name, a, pulumi.Parent(g))
	if err != nil {
		return nil, fmt.Errorf("inference gateway %s: %w", name, err)
	}
	if g.Deployment, err = a.deployment(ctx, name+"-deployment", w,
		pulumi.Parent(g), pulumi.DependsOn(needs)); err != nil {
		return nil, err
	}
	object := a.kind.objectName()
	if err := a.closePods(ctx, name, object, llmd.ComponentGateway, llmd.GatewayListenPort,
		nil, a.fromPrometheus(a.kind.metrics()), pulumi.Parent(g)); err != nil {
		return nil, err
	}
	service, err := a.service(ctx, name+"-service", object, llmd.ComponentGateway, &corev1.ServiceSpecArgs{
		Selector: pulumi.ToStringMap(selector(object)),
		Ports: a.servicePorts(a.kind.metrics(), corev1.ServicePortArgs{
			Name: pulumi.String("http"), Port: pulumi.Int(a.Port), TargetPort: pulumi.Int(llmd.GatewayListenPort),
		}),
	}, pulumi.Parent(g))
	if err != nil {
		return nil, err
	}
	g.ServiceName = service.Metadata.Name().Elem()
	g.Endpoint = a.endpoint(g.ServiceName, a.Port)
	return g, ctx.RegisterResourceOutputs(g, pulumi.Map{"serviceName": g.ServiceName, "endpoint": g.Endpoint})
}

// workload returns the parts of a workload that both kinds of gateway share.
func (g *inferenceGateway) workload(uid int, c *corev1.ContainerArgs) workload {
	c.Lifecycle = sleepBeforeStop(g.drainSeconds)
	return workload{
		name:         g.kind.objectName(),
		component:    llmd.ComponentGateway,
		replicas:     orValue(g.Replicas, 1),
		labels:       map[string]string{llmd.ComponentLabel: llmd.ComponentGateway},
		uid:          uid,
		bindLowPorts: true,
		graceSeconds: g.drainSeconds + gatewayStopSeconds,
		containers:   corev1.ContainerArray{c},
		metrics:      g.kind.metrics(),
	}
}

// container starts the gateway's container.
func (g *inferenceGateway) container(name string) *corev1.ContainerArgs {
	return container{orImage(g.Image, g.kind.image()), g.ImagePullPolicy, g.Resources}.args(name)
}
