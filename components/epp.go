package components

import (
	"errors"
	"fmt"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/endpointpicker"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// EPPArgs describes an Endpoint Picker. Only Namespace is required.
type EPPArgs struct {
	// Namespace of every object. Pass the output of the Namespace resource, so that
	// the objects wait for it. Required.
	Namespace pulumi.StringInput `pulumi:"namespace"`

	// Instance is the app.kubernetes.io/instance label of every object.
	// Default: the component's name.
	Instance string `pulumi:"instance,optional"`

	// Model tells the objects of one model from those of another in the same namespace: they are
	// named after it, and its pods have it as their label llm-d.ai/model. A DNS label. Default: the
	// only model, or the one that the names of package llmd belong to.
	Model string `pulumi:"model,optional"`

	// Replicas is the number of EPP pods. Above 1 they elect a leader, and only the
	// leader is ready. Default: 1.
	Replicas *int `pulumi:"replicas,optional"`

	// Image of the EPP. Default: llmd.EPPImage.
	Image pulumi.StringInput `pulumi:"image,optional"`

	// Version of the EPP, such as v0.10.0, if the image's tag does not say it. Default: the
	// version in the tag; the newest known release if the tag is not a version.
	Version string `pulumi:"version,optional"`

	// ImagePullPolicy is Always, IfNotPresent or Never. Default: Kubernetes' own rule.
	ImagePullPolicy string `pulumi:"imagePullPolicy,optional"`

	// ImagePullSecrets names Secrets in Namespace to pull the image with. Default: none.
	ImagePullSecrets pulumi.StringArrayInput `pulumi:"imagePullSecrets,optional"`

	// Resources of the container. Default: none.
	Resources *Resources `pulumi:"resources,optional"`

	// Port of the EPP's Service. Default: llmd.EPPServicePort.
	Port int `pulumi:"port,optional"`

	// TargetPort is the port that all simulator pods serve on. Default: llmd.SimulatorPort.
	TargetPort int `pulumi:"targetPort,optional"`

	// Verbosity is the log level (--v). Default: llmd.EPPVerbosity.
	Verbosity *int `pulumi:"verbosity,optional"`

	// KVCacheMetric is the name of the simulators' KV-cache usage metric, which EPPs before
	// v0.7.0 need to know. Default: the name that simulators have used since v0.7.0.
	KVCacheMetric string `pulumi:"kvCacheMetric,optional"`

	// PrefillDecode sends long prompts to a prefill pod first, whose result the decode pods'
	// routing sidecars fetch. Default: decode pods only.
	PrefillDecode bool `pulumi:"prefillDecode,optional"`

	// PrecisePrefixes makes the EPP follow what the simulators' KV caches hold, by their KV events,
	// for EPPs from v0.9.0 on. Default: it remembers the requests that it has sent to each pod.
	PrecisePrefixes *PrecisePrefixes `pulumi:"precisePrefixes,optional"`

	// FlowControl queues requests by priority while all pods are busy, for EPPs from v0.7.0 on.
	// Default: pods queue them in the order of their arrival.
	FlowControl *FlowControl `pulumi:"flowControl,optional"`

	// PluginsConfig is a whole EndpointPickerConfig, YAML, to use instead of the generated
	// one. Default: generated for the EPP's version, PrefillDecode, PrecisePrefixes and FlowControl.
	PluginsConfig string `pulumi:"pluginsConfig,optional"`

	// Tracing sends the spans of requests to a collector, for EPPs from v0.9.0 on. Default: none.
	Tracing *Tracing `pulumi:"tracing,optional"`

	// SecureServing makes the EPP serve TLS, with a certificate that it generates itself. Its
	// clients must use TLS, too. Default: plain HTTP/2.
	SecureServing bool `pulumi:"secureServing,optional"`

	// Istio says that Istio's proxies call the EPP: with SecureServing, a DestinationRule
	// makes them use TLS, which needs Istio's CRDs. Default: false.
	Istio bool `pulumi:"istio,optional"`

	// Args are appended to the EPP's arguments. Default: none.
	Args []string `pulumi:"args,optional"`

	// InferencePool makes the EPP find pods through an InferencePool, which is created before
	// the EPP and needs the inference extension's CRDs. Default: by label, without CRDs.
	InferencePool bool `pulumi:"inferencePool,optional"`

	// NetworkPolicy allows only gateways to reach the EPP. The cluster's network has to
	// enforce it. Default: open.
	NetworkPolicy bool `pulumi:"networkPolicy,optional"`

	// ClusterDomain is the DNS domain of the cluster. Default: llmd.ClusterDomain.
	ClusterDomain string `pulumi:"clusterDomain,optional"`

	// Metrics opens the pods' metrics to a Prometheus. Default: nobody reads them.
	Metrics *Metrics `pulumi:"metrics,optional"`

	// ReadyTimeout is how long `up` waits for the Deployment to become ready, a duration
	// such as 5m. Default: the Kubernetes provider's, 10m.
	ReadyTimeout string `pulumi:"readyTimeout,optional"`
}

// EPP is the Endpoint Picker: a ServiceAccount, Role, RoleBinding, ConfigMap, Deployment
// and Service of the same name, and optionally the InferencePool.
type EPP struct {
	pulumi.ResourceState

	// ServiceName is the name of the Service, which speaks Envoy's ext_proc.
	ServiceName pulumi.StringOutput `pulumi:"serviceName"`
	// Endpoint is the Service's address within the cluster, host:port.
	Endpoint pulumi.StringOutput `pulumi:"endpoint"`
	// PoolName is the name of the InferencePool, empty without one.
	PoolName pulumi.StringOutput `pulumi:"poolName"`
	// EventsEndpoint is the address within the cluster, host:port, for the simulators' KV events,
	// empty without PrecisePrefixes.
	EventsEndpoint pulumi.StringOutput `pulumi:"eventsEndpoint"`

	// Deployment is the Deployment itself, ready once its outputs are known.
	Deployment *appsv1.Deployment
	// Target is where the metrics are.
	Target MonitorTarget
}

// epp is an EPPArgs with its defaults filled in.
type epp struct {
	common
	EPPArgs
	release             release.EPP
	replicas, verbosity int
}

// withDefaults applies the defaults, or returns everything that is wrong with the Args.
func (a *EPPArgs) withDefaults(name string) (*epp, error) {
	if a == nil {
		return nil, errors.New("args are required")
	}
	e := &epp{EPPArgs: *a, replicas: orValue(a.Replicas, 1), verbosity: orValue(a.Verbosity, llmd.EPPVerbosity)}
	e.common = common{
		namespace: a.Namespace, instance: or(a.Instance, name), imagePullSecrets: a.ImagePullSecrets,
		networkPolicy: a.NetworkPolicy, readyTimeout: a.ReadyTimeout, clusterDomain: a.ClusterDomain, metrics: a.Metrics,
	}
	e.Port = or(a.Port, llmd.EPPServicePort)
	e.TargetPort = or(a.TargetPort, llmd.SimulatorPort)
	e.Image = orImage(a.Image, llmd.EPPImage)
	e.KVCacheMetric = or(a.KVCacheMetric, llmd.KVCacheMetric)
	errs := []error{
		e.validate(), a.Tracing.validate(), checkModel(a.Model), checkReplicas(a.Replicas), checkPort("port", e.Port), checkPort("target port", e.TargetPort),
	}
	var err error
	if e.release, err = release.EPPOf(knownImage(e.Image), a.Version); err != nil {
		return nil, errors.Join(append(errs, fmt.Errorf("image %w", err))...)
	}
	if !a.InferencePool && !e.release.ByLabel {
		errs = append(errs, fmt.Errorf("EPP %s finds pods only through an InferencePool", e.release.Version))
	}
	if a.FlowControl != nil && e.release.Config.FlowControl.FeatureGate == "" {
		errs = append(errs, fmt.Errorf("EPP %s cannot queue requests by priority", e.release.Version))
	}
	if a.PrecisePrefixes != nil && !e.release.Config.PrefixCache.Precise {
		errs = append(errs, fmt.Errorf("EPP %s cannot follow KV events", e.release.Version))
	}
	if a.Tracing != nil && !e.release.Tracing {
		errs = append(errs, fmt.Errorf("EPP %s cannot continue the trace of a request", e.release.Version))
	}
	if a.PluginsConfig == "" {
		e.PluginsConfig, err = endpointpicker.PluginsConfig(endpointpicker.Config{
			Release: e.release, PrefillDecode: a.PrefillDecode,
			Precise: a.PrecisePrefixes.options(a.Model, e.TargetPort), FlowControl: a.FlowControl.options(),
		})
		errs = append(errs, err)
	}
	return e, errors.Join(errs...)
}

// NewEPP registers an Endpoint Picker.
func NewEPP(ctx *pulumi.Context, name string, args *EPPArgs, opts ...pulumi.ResourceOption) (*EPP, error) {
	a, err := args.withDefaults(name)
	if err != nil {
		return nil, fmt.Errorf("EPP %s: %w", name, err)
	}
	e := &EPP{Target: eppMetrics.onService(a.objectName())}
	if err := ctx.RegisterComponentResourceV2(typeToken("EPP"), name, inputs(args), e, opts...); err != nil {
		return nil, err
	}
	// The EPP exits or serves nothing if one of these is missing when it starts.
	needs, err := a.prerequisites(ctx, name, pulumi.Parent(e))
	if err != nil {
		return nil, err
	}
	e.PoolName = pulumi.String("").ToStringOutput()
	if a.InferencePool {
		pool, err := a.pool(ctx, name, pulumi.Parent(e))
		if err != nil {
			return nil, err
		}
		e.PoolName = pool.Metadata.Name().Elem()
		needs = append(needs, pool)
	}
	if e.Deployment, err = a.deployment(ctx, name+"-deployment", a.workload(),
		pulumi.Parent(e), pulumi.DependsOn(needs)); err != nil {
		return nil, err
	}
	service, err := a.service(ctx, name+"-service", a.objectName(), llmd.ComponentEPP, &corev1.ServiceSpecArgs{
		Selector: pulumi.ToStringMap(selector(a.objectName())),
		Ports: a.servicePorts(eppMetrics, append([]corev1.ServicePortInput{corev1.ServicePortArgs{
			// Name and protocol show Istio that this is gRPC over plain HTTP/2.
			Name: pulumi.String("grpc-ext-proc"), AppProtocol: pulumi.String("http2"),
			Port: pulumi.Int(a.Port), TargetPort: pulumi.String("grpc"),
		}}, a.PrecisePrefixes.servicePorts()...)...),
	}, pulumi.Parent(e))
	if err != nil {
		return nil, err
	}
	if a.SecureServing && a.Istio {
		if err := a.originateTLS(ctx, name, pulumi.Parent(e)); err != nil {
			return nil, err
		}
	}
	if err := a.closePods(ctx, name, a.objectName(), llmd.ComponentEPP, llmd.EPPGRPCPort,
		fromGateways(), append(a.fromPrometheus(eppMetrics), a.PrecisePrefixes.ingress()...), pulumi.Parent(e)); err != nil {
		return nil, err
	}
	e.ServiceName = service.Metadata.Name().Elem()
	e.Endpoint = a.endpoint(e.ServiceName, a.Port)
	e.EventsEndpoint = pulumi.String("").ToStringOutput()
	if a.PrecisePrefixes != nil {
		e.EventsEndpoint = a.endpoint(e.ServiceName, llmd.EPPEventsPort)
	}
	return e, ctx.RegisterResourceOutputs(e, pulumi.Map{
		"serviceName": e.ServiceName, "endpoint": e.Endpoint, "poolName": e.PoolName,
		"eventsEndpoint": e.EventsEndpoint,
	})
}
