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

// Drain times of a simulator pod, in seconds. The sleep is longer than a gateway
// needs to see the pod gone (DNS TTL of a headless Service 5 s, refreshed each
// second); the grace period leaves a minute for requests that are still streaming.
const (
	stageSleepSeconds = 10
	stageGraceSeconds = 70
)

// simulatorUser is the numeric user of upstream's simulator, sidecar and EPP images.
const simulatorUser = 65532

// ModelServiceStageArgs describes one stage of simulators.
type ModelServiceStageArgs struct {
	Common

	// Name of the Deployment and of the Service. Required.
	Name string

	// Role of the pods: prefill or decode. Required.
	Role string

	// Replicas is the number of pods.
	Replicas int

	// Container of the simulator.
	Container Container

	// Port the pods serve on, and the Service's. Required.
	Port int

	// Model is the name that the simulators answer to. Default: random.
	Model string

	// Seed of the simulators' random numbers. Default: the simulator's own, the time.
	Seed pulumi.IntInput

	// Simulator holds the simulator's further settings.
	Simulator simulator.Options

	// Service adds a headless Service, as the standard gateway needs. Default: none.
	Service bool

	// RoutingSidecar runs llm-d's routing sidecar in front of the simulator: it serves
	// Port and the simulator the port above. Default: no sidecar.
	RoutingSidecar *Container

	// Open lets everybody reach the pods past the gateways, as by the proxy Service, where
	// NetworkPolicy closes them. Default: gateways and EPP, and decode pods those for prefill.
	Open bool
}

// ModelServiceStage is one stage of simulators: a Deployment and, if asked for, a
// headless Service that resolves to its ready pods.
type ModelServiceStage struct {
	pulumi.ResourceState

	// DeploymentName is the name of the Deployment.
	DeploymentName pulumi.StringOutput `pulumi:"deploymentName"`
	// ServiceName is the name of the headless Service, empty without one.
	ServiceName pulumi.StringOutput `pulumi:"serviceName"`

	// Deployment is the Deployment itself, ready once its outputs are known.
	Deployment *appsv1.Deployment
}

func (a *ModelServiceStageArgs) validate() error {
	if a == nil {
		return errors.New("args are required")
	}
	errs := []error{a.Common.validate(), a.Container.validate(), checkReplicas(a.Replicas), checkPort("port", a.Port)}
	if a.Name == "" {
		errs = append(errs, errors.New("name is required"))
	}
	if a.Role != llmd.RolePrefill && a.Role != llmd.RoleDecode {
		errs = append(errs, fmt.Errorf("role must be %s or %s, got %q", llmd.RolePrefill, llmd.RoleDecode, a.Role))
	}
	if a.RoutingSidecar != nil {
		errs = append(errs, a.RoutingSidecar.validate(), checkPort("port of the simulator behind the sidecar", a.Port+1))
	}
	return errors.Join(errs...)
}

// DecodePodSelector selects the decode pods of a namespace, in every mode.
func DecodePodSelector() map[string]string { return stageSelector(llmd.RoleDecode) }

// stageSelector is the same for the decode stage and for single mode, so that
// Services follow when a stack switches from one to the other.
func stageSelector(role string) map[string]string {
	return map[string]string{llmd.ServingLabel: "true", llmd.RoleLabel: role}
}

// labels are what llm-d's tools select simulators by.
func (a *ModelServiceStageArgs) labels() map[string]string {
	labels := stageSelector(a.Role)
	labels[llmd.ServingLabelNew] = "true"
	return labels
}

// NewModelServiceStage registers a stage.
func NewModelServiceStage(
	ctx *pulumi.Context, name string, args *ModelServiceStageArgs, opts ...pulumi.ResourceOption,
) (*ModelServiceStage, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("model service stage %s: %w", name, err)
	}
	s := &ModelServiceStage{}
	inputs := pulumi.Map{
		"namespace": args.Namespace,
		"name":      pulumi.String(args.Name),
		"role":      pulumi.String(args.Role),
	}
	if err := ctx.RegisterComponentResourceV2("llm-d-sim:index:ModelServiceStage", name, inputs, s, opts...); err != nil {
		return nil, err
	}
	deployment, err := args.deployment(ctx, name+"-deployment", workload{
		name:         args.Name,
		component:    args.Role,
		replicas:     args.Replicas,
		labels:       args.labels(),
		uid:          simulatorUser,
		graceSeconds: stageGraceSeconds,
		containers:   args.containers(),
	}, pulumi.Parent(s))
	if err != nil {
		return nil, err
	}
	s.Deployment = deployment
	s.DeploymentName = deployment.Metadata.Name().Elem()
	s.ServiceName = pulumi.String("").ToStringOutput()
	if args.Service {
		service, err := args.service(ctx, name+"-service", args.Name, args.Role, &corev1.ServiceSpecArgs{
			ClusterIP: pulumi.String("None"),
			Selector:  pulumi.ToStringMap(stageSelector(args.Role)),
			Ports: corev1.ServicePortArray{corev1.ServicePortArgs{
				Name: pulumi.String("http"), Port: pulumi.Int(args.Port), TargetPort: pulumi.String("http"),
			}},
		}, pulumi.Parent(s))
		if err != nil {
			return nil, err
		}
		s.ServiceName = service.Metadata.Name().Elem()
	}
	if err := args.networkPolicy(ctx, name, args.Name, args.Role, args.Port, args.peers(), pulumi.Parent(s)); err != nil {
		return nil, err
	}
	return s, ctx.RegisterResourceOutputs(s, pulumi.Map{
		"deploymentName": s.DeploymentName, "serviceName": s.ServiceName,
	})
}

// peers are those who may send to the pods; nil is everybody.
func (a *ModelServiceStageArgs) peers() networkingv1.NetworkPolicyPeerArray {
	if a.Open {
		return nil
	}
	peers := append(fromGateways(), fromPods(llmd.ComponentLabel, llmd.ComponentEPP))
	if a.Role == llmd.RolePrefill {
		peers = append(peers, fromPods(llmd.RoleLabel, llmd.RoleDecode))
	}
	return peers
}

// containers returns the simulator and, where there is one, the sidecar in front of it.
// The port named http is the one that serves the pod's requests.
func (a *ModelServiceStageArgs) containers() corev1.ContainerArray {
	if a.RoutingSidecar == nil {
		return corev1.ContainerArray{a.simulator("http", a.Port)}
	}
	return corev1.ContainerArray{a.simulator("simulator", a.Port+1), a.sidecar()}
}

func (a *ModelServiceStageArgs) simulator(portName string, port int) *corev1.ContainerArgs {
	options := a.Simulator
	options.Image, options.Model, options.Port = a.Container.Image, a.Model, int32(port)
	var args pulumi.StringArray
	if a.Seed != nil {
		args = append(args, pulumi.Sprintf("--seed=%d", a.Seed))
	}
	for _, arg := range simulator.Args(options) {
		args = append(args, pulumi.String(arg))
	}
	ready := simulator.ReadyPath(a.Container.Image)

	c := a.Container.container("simulator")
	c.Args = args
	// The simulator names the pod that answered in its x-inference-* response headers.
	c.Env = corev1.EnvVarArray{
		podField("POD_NAME", "metadata.name"),
		podField("POD_NAMESPACE", "metadata.namespace"),
		podField("POD_IP", "status.podIP"),
	}
	c.Ports = corev1.ContainerPortArray{corev1.ContainerPortArgs{
		Name: pulumi.String(portName), ContainerPort: pulumi.Int(port),
	}}
	c.StartupProbe = httpProbe(ready, pulumi.String(portName), 1, 120)
	c.ReadinessProbe = httpProbe(ready, pulumi.String(portName), 5, 2)
	c.LivenessProbe = httpProbe(llmd.HealthPath, pulumi.String(portName), 10, 3)
	c.Lifecycle = sleepBeforeStop(stageSleepSeconds)
	return c
}

func (a *ModelServiceStageArgs) sidecar() *corev1.ContainerArgs {
	c := a.RoutingSidecar.container("routing-sidecar")
	c.Args = pulumi.ToStringArray([]string{
		fmt.Sprintf("--port=%d", a.Port),
		fmt.Sprintf("--vllm-port=%d", a.Port+1),
		"--connector=nixlv2",
		// Plain HTTP, like the simulator that it stands in front of.
		"--secure-proxy=false",
	})
	c.Ports = corev1.ContainerPortArray{corev1.ContainerPortArgs{
		Name: pulumi.String("http"), ContainerPort: pulumi.Int(a.Port),
	}}
	c.ReadinessProbe = httpProbe(llmd.HealthPath, pulumi.String("http"), 5, 2)
	c.LivenessProbe = httpProbe(llmd.HealthPath, pulumi.String("http"), 10, 3)
	c.Lifecycle = sleepBeforeStop(stageSleepSeconds)
	return c
}
