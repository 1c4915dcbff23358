package components

import (
	"errors"
	"fmt"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/simulator"
)

// Drain times of a simulator pod, in seconds. The sleep is longer than a gateway needs to
// notice that the pod is gone (DNS TTL of a headless Service 5 s, refreshed every second);
// the grace period leaves a minute for requests that are still streaming.
const (
	stageSleepSeconds = 10
	stageGraceSeconds = 70
)

// simulatorUser is the numeric user of upstream's simulator, sidecar and EPP images.
const simulatorUser = 65532

// ModelServiceStageArgs describes one stage of simulators. Only Namespace is required.
type ModelServiceStageArgs struct {
	// Namespace of every object. Pass the output of the Namespace resource, so that
	// the objects wait for it. Required.
	Namespace pulumi.StringInput `pulumi:"namespace"`

	// Instance is the app.kubernetes.io/instance label of every object.
	// Default: the component's name.
	Instance string `pulumi:"instance,optional"`

	// Model tells the pods of one model from those of another in the same namespace: they have it as
	// their label llm-d.ai/model. A DNS label. What requests call the model is in Simulator.
	// Default: the only model, or the one that the names of package llmd belong to.
	Model string `pulumi:"model,optional"`

	// Role of the pods: prefill or decode. Default: decode.
	Role string `pulumi:"role,optional"`

	// Name of the Deployment and of the Service.
	// Default: llmd.PrefillName or llmd.DecodeName, with Model appended.
	Name string `pulumi:"name,optional"`

	// Replicas is the number of pods. Default: llmd.StageReplicas.
	Replicas *int `pulumi:"replicas,optional"`

	// Autoscaled leaves the number of pods to an autoscaler: Replicas is only what the Deployment
	// starts with. Default: false.
	Autoscaled bool `pulumi:"autoscaled,optional"`

	// KEDANamespace is the namespace of a KEDA whose operator may read the pods' metrics despite
	// NetworkPolicy. Default: none may.
	KEDANamespace string `pulumi:"kedaNamespace,optional"`

	// Image of the simulator. Default: llmd.SimulatorImage.
	Image pulumi.StringInput `pulumi:"image,optional"`

	// Version of the simulator, such as v0.10.2, if the image's tag does not say it. Default:
	// the version in the tag; the newest known release if the tag is not a version.
	Version string `pulumi:"version,optional"`

	// ImagePullPolicy is Always, IfNotPresent or Never. Default: Kubernetes' own rule.
	ImagePullPolicy string `pulumi:"imagePullPolicy,optional"`

	// ImagePullSecrets names Secrets in Namespace to pull images with. Default: none.
	ImagePullSecrets pulumi.StringArrayInput `pulumi:"imagePullSecrets,optional"`

	// Resources of the simulator's container. Default: none.
	Resources *Resources `pulumi:"resources,optional"`

	// Port of the pods and of the Service. Default: llmd.SimulatorPort.
	Port int `pulumi:"port,optional"`

	// LogVerbosity is the simulator's klog level. Default: llmd.SimulatorVerbosity.
	LogVerbosity *int `pulumi:"logVerbosity,optional"`

	// Seed of the simulators' random numbers. Default: the simulator's own, the current time.
	Seed pulumi.IntInput `pulumi:"seed,optional"`

	// Simulator holds further settings of the simulator. Default: the simulator's own.
	Simulator *SimulatorSettings `pulumi:"simulator,optional"`

	// KVEvents is the address, host:port, that the simulators send the events of their KV caches
	// to, such as an EPP's EventsEndpoint. Needs a KV cache, and a simulator from v0.9.2 on.
	// Default: they send none.
	KVEvents pulumi.StringInput `pulumi:"kvEvents,optional"`

	// Args are appended to the simulator's arguments. Default: none.
	Args []string `pulumi:"args,optional"`

	// HeadlessService adds a headless Service, which the standard gateway needs. Default:
	// false.
	HeadlessService bool `pulumi:"headlessService,optional"`

	// RoutingSidecar runs llm-d's routing sidecar in front of the simulator: the sidecar
	// serves Port, and the simulator the port above it. Default: no sidecar.
	RoutingSidecar *RoutingSidecar `pulumi:"routingSidecar,optional"`

	// NetworkPolicy allows only gateways and the EPP to reach the pods, and decode pods to
	// reach prefill pods. The cluster's network has to enforce it. Default: open.
	NetworkPolicy bool `pulumi:"networkPolicy,optional"`

	// Open lets every client reach the pods without a gateway, as through the proxy Service,
	// despite NetworkPolicy. Default: false.
	Open bool `pulumi:"open,optional"`

	// ClusterDomain is the DNS domain of the cluster. Default: llmd.ClusterDomain.
	ClusterDomain string `pulumi:"clusterDomain,optional"`

	// Metrics opens the pods' metrics to a Prometheus. Default: nobody reads them.
	Metrics *Metrics `pulumi:"metrics,optional"`

	// ReadyTimeout is how long `up` waits for the Deployment to become ready, a duration
	// such as 5m. Default: the Kubernetes provider's, 10m.
	ReadyTimeout string `pulumi:"readyTimeout,optional"`
}

// ModelServiceStage is one stage of simulators: a Deployment and optionally a headless
// Service that resolves to its ready pods.
type ModelServiceStage struct {
	pulumi.ResourceState

	// DeploymentName is the name of the Deployment.
	DeploymentName pulumi.StringOutput `pulumi:"deploymentName"`
	// ServiceName is the name of the headless Service, empty without one.
	ServiceName pulumi.StringOutput `pulumi:"serviceName"`
	// Endpoint is that Service's address within the cluster, host:port, or empty.
	Endpoint pulumi.StringOutput `pulumi:"endpoint"`

	// Deployment is the Deployment itself, ready once its outputs are known.
	Deployment *appsv1.Deployment
	// Target is where the metrics are.
	Target MonitorTarget
}

// modelServiceStage is a ModelServiceStageArgs with its defaults filled in.
type modelServiceStage struct {
	common
	ModelServiceStageArgs
	options simulator.Options
	sidecar *routingSidecar
}

func (a *ModelServiceStageArgs) withDefaults(name string) (*modelServiceStage, error) {
	if a == nil {
		return nil, errors.New("args are required")
	}
	s := &modelServiceStage{ModelServiceStageArgs: *a, common: common{
		namespace: a.Namespace, instance: or(a.Instance, name), imagePullSecrets: a.ImagePullSecrets,
		networkPolicy: a.NetworkPolicy, readyTimeout: a.ReadyTimeout, clusterDomain: a.ClusterDomain, metrics: a.Metrics,
	}}
	s.Role = or(a.Role, llmd.RoleDecode)
	s.Image = orImage(a.Image, llmd.SimulatorImage)
	s.Port = or(a.Port, llmd.SimulatorPort)
	errs := []error{s.validate(), checkModel(a.Model), checkReplicas(a.Replicas), checkPort("port", s.Port)}
	switch s.Role {
	case llmd.RolePrefill:
		s.Name = or(a.Name, llmd.ForModel(llmd.PrefillName, a.Model))
	case llmd.RoleDecode:
		s.Name = or(a.Name, llmd.ForModel(llmd.DecodeName, a.Model))
	default:
		errs = append(errs, fmt.Errorf("role must be %s or %s, got %q", llmd.RolePrefill, llmd.RoleDecode, a.Role))
	}
	if a.RoutingSidecar != nil {
		sidecar, err := a.RoutingSidecar.withDefaults()
		s.sidecar = sidecar
		errs = append(errs, err, checkPort("port of the simulator behind the sidecar", s.simulatorPort()))
	}
	var err error
	s.options, err = s.simulatorOptions()
	return s, errors.Join(append(errs, err)...)
}

// StagePodSelector returns the labels that select the pods of a model and role in a namespace:
// prefill, or decode, which are also those of single mode, so that Services keep working when a
// stack switches between the two. The stack's own model is "".
func StagePodSelector(model, role string) map[string]string {
	selector := llmd.ServingSelector(model)
	selector[llmd.RoleLabel] = role
	return selector
}

// labels returns the labels that llm-d's tools use to select simulators.
func (a *modelServiceStage) labels() map[string]string {
	labels := StagePodSelector(a.Model, a.Role)
	labels[llmd.ServingLabelNew] = "true"
	return labels
}

// NewModelServiceStage registers a stage.
func NewModelServiceStage(
	ctx *pulumi.Context, name string, args *ModelServiceStageArgs, opts ...pulumi.ResourceOption,
) (*ModelServiceStage, error) {
	a, err := args.withDefaults(name)
	if err != nil {
		return nil, fmt.Errorf("model service stage %s: %w", name, err)
	}
	s := &ModelServiceStage{Target: MonitorTarget{Name: a.Name, Port: a.portName(), Path: a.metricsEndpoint().path}}
	if err := ctx.RegisterComponentResourceV2(typeToken("ModelServiceStage"), name, inputs(args), s, opts...); err != nil {
		return nil, err
	}
	s.Deployment, err = a.deployment(ctx, name+"-deployment", workload{
		name:         a.Name,
		component:    a.Role,
		replicas:     orValue(a.Replicas, llmd.StageReplicas),
		autoscaled:   a.Autoscaled,
		labels:       a.labels(),
		uid:          simulatorUser,
		graceSeconds: stageGraceSeconds,
		containers:   a.containers(),
		metrics:      a.metricsEndpoint(),
	}, pulumi.Parent(s))
	if err != nil {
		return nil, err
	}
	s.DeploymentName = s.Deployment.Metadata.Name().Elem()
	s.ServiceName, s.Endpoint = pulumi.String("").ToStringOutput(), pulumi.String("").ToStringOutput()
	if a.HeadlessService {
		service, err := a.service(ctx, name+"-service", a.Name, a.Role, &corev1.ServiceSpecArgs{
			ClusterIP: pulumi.String("None"),
			Selector:  pulumi.ToStringMap(StagePodSelector(a.Model, a.Role)),
			Ports: corev1.ServicePortArray{corev1.ServicePortArgs{
				Name: pulumi.String("http"), Port: pulumi.Int(a.Port), TargetPort: pulumi.String("http"),
			}},
		}, pulumi.Parent(s))
		if err != nil {
			return nil, err
		}
		s.ServiceName = service.Metadata.Name().Elem()
		s.Endpoint = a.endpoint(s.ServiceName, a.Port)
	}
	if err := a.closePods(ctx, name, a.Name, a.Role, a.Port, a.peers(), a.fromPrometheus(a.metricsEndpoint()), pulumi.Parent(s)); err != nil {
		return nil, err
	}
	return s, ctx.RegisterResourceOutputs(s, pulumi.Map{
		"deploymentName": s.DeploymentName, "serviceName": s.ServiceName, "endpoint": s.Endpoint,
	})
}

// peers returns the sources that may send to the pods; nil means all.
func (a *modelServiceStage) peers() networkingv1.NetworkPolicyPeerArray {
	if a.Open {
		return nil
	}
	peers := append(fromGateways(), fromPods(llmd.ComponentLabel, llmd.ComponentEPP))
	if a.Role == llmd.RolePrefill {
		peers = append(peers, fromPods(llmd.RoleLabel, llmd.RoleDecode))
	}
	if a.KEDANamespace != "" {
		peers = append(peers, fromKEDA(a.KEDANamespace))
	}
	return peers
}
