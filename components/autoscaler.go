package components

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// AutoscalerArgs describes how KEDA scales a stage of simulators. Only Namespace is required.
type AutoscalerArgs struct {
	// Namespace of the stage. Required.
	Namespace pulumi.StringInput `pulumi:"namespace"`

	// Instance is the app.kubernetes.io/instance label of the ScaledObject.
	// Default: the component's name.
	Instance string `pulumi:"instance,optional"`

	// Stage is the name of the stage, whose Deployment and headless Service have the same.
	// Pass an output of the stage, so that the ScaledObject waits for it.
	// Default: llmd.DecodeName.
	Stage pulumi.StringInput `pulumi:"stage,optional"`

	// Port of the stage's Service and pods. Default: llmd.SimulatorPort.
	Port int `pulumi:"port,optional"`

	// MinReplicas and MaxReplicas are the least and the greatest number of pods.
	// Default: llmd.StageReplicas and llmd.StageMaxReplicas.
	MinReplicas int `pulumi:"minReplicas,optional"`
	MaxReplicas int `pulumi:"maxReplicas,optional"`

	// RequestsPerPod is how many requests there should be for each pod, running or waiting.
	// Default: llmd.RequestsPerPod.
	RequestsPerPod int `pulumi:"requestsPerPod,optional"`

	// ScaleDownAfter is how long fewer pods must have been enough before any is removed, a
	// duration of whole seconds such as 5m, at most 1h. Default: llmd.ScaleDownAfter.
	ScaleDownAfter string `pulumi:"scaleDownAfter,optional"`

	// ClusterDomain is the DNS domain of the cluster. Default: llmd.ClusterDomain.
	ClusterDomain string `pulumi:"clusterDomain,optional"`

	// ReadyTimeout is how long `up` waits until KEDA scales the stage, a duration such as 5m.
	// Default: the Kubernetes provider's, 10m.
	ReadyTimeout string `pulumi:"readyTimeout,optional"`
}

// Autoscaler is the ScaledObject of a stage, from which KEDA makes a HorizontalPodAutoscaler.
// It needs KEDA 2.20 or newer.
type Autoscaler struct {
	pulumi.ResourceState

	// ScaledObjectName is the name of the ScaledObject.
	ScaledObjectName pulumi.StringOutput `pulumi:"scaledObjectName"`
}

// autoscaler is an AutoscalerArgs with its defaults filled in.
type autoscaler struct {
	common
	AutoscalerArgs
	scaleDownAfter time.Duration
}

func (a *AutoscalerArgs) withDefaults(name string) (*autoscaler, error) {
	if a == nil {
		return nil, errors.New("args are required")
	}
	s := &autoscaler{AutoscalerArgs: *a, common: common{
		namespace: a.Namespace, instance: or(a.Instance, name), readyTimeout: a.ReadyTimeout,
		clusterDomain: a.ClusterDomain,
	}}
	if s.Stage == nil {
		s.Stage = pulumi.String(llmd.DecodeName)
	}
	s.Port = or(a.Port, llmd.SimulatorPort)
	s.MinReplicas = or(a.MinReplicas, llmd.StageReplicas)
	s.MaxReplicas = or(a.MaxReplicas, max(llmd.StageMaxReplicas, s.MinReplicas))
	s.RequestsPerPod = or(a.RequestsPerPod, llmd.RequestsPerPod)
	errs := []error{s.validate(), checkPort("port", s.Port)}
	if s.MinReplicas < 1 || s.MaxReplicas < s.MinReplicas {
		errs = append(errs, fmt.Errorf("min replicas must be 1 or more, and max replicas no less: got %d and %d", s.MinReplicas, s.MaxReplicas))
	}
	if s.RequestsPerPod < 1 {
		errs = append(errs, fmt.Errorf("requests per pod must be 1 or more, got %d", s.RequestsPerPod))
	}
	s.scaleDownAfter = llmd.ScaleDownAfter
	if a.ScaleDownAfter != "" {
		var err error
		s.scaleDownAfter, err = time.ParseDuration(a.ScaleDownAfter)
		if err != nil || s.scaleDownAfter < 0 || s.scaleDownAfter > time.Hour || s.scaleDownAfter%time.Second != 0 {
			errs = append(errs, fmt.Errorf("scale down after must be whole seconds within 0s to 1h, got %q", a.ScaleDownAfter))
		}
	}
	return s, errors.Join(errs...)
}

// NewAutoscaler registers the ScaledObject.
func NewAutoscaler(
	ctx *pulumi.Context, name string, args *AutoscalerArgs, opts ...pulumi.ResourceOption,
) (*Autoscaler, error) {
	a, err := args.withDefaults(name)
	if err != nil {
		return nil, fmt.Errorf("autoscaler %s: %w", name, err)
	}
	s := &Autoscaler{}
	if err := ctx.RegisterComponentResourceV2(typeToken("Autoscaler"), name, inputs(args), s, opts...); err != nil {
		return nil, err
	}
	metadata := a.metadata("", "autoscaler", nil, map[string]string{llmd.WaitForAnnotation: "condition=Ready"})
	metadata.Name = a.Stage.ToStringOutput()
	metadata.Labels.(pulumi.StringMap)["app.kubernetes.io/name"] = a.Stage.ToStringOutput()
	object, err := apiextensions.NewCustomResource(ctx, name+"-scaled-object", &apiextensions.CustomResourceArgs{
		ApiVersion:  pulumi.String("keda.sh/v1alpha1"),
		Kind:        pulumi.String("ScaledObject"),
		Metadata:    metadata,
		OtherFields: kubernetes.UntypedArgs{"spec": a.spec()},
	}, a.timeouts(pulumi.Parent(s))...)
	if err != nil {
		return nil, err
	}
	s.ScaledObjectName = object.Metadata.Name().Elem()
	return s, ctx.RegisterResourceOutputs(s, pulumi.Map{"scaledObjectName": s.ScaledObjectName})
}

// spec scales by the requests at the stage's pods. KEDA reads each pod's metrics: the sum is that
// of the stage alone, from the first request on, with or without an EPP and whatever its release
// calls its own metrics; and it needs no Prometheus.
func (a *autoscaler) spec() pulumi.Map {
	// The name in full: KEDA takes what follows the first dot for the namespace, up to the next.
	url := pulumi.Sprintf("http://%s/metrics", a.endpoint(a.Stage, a.Port))
	sum := func(name, metric string) pulumi.Map {
		return pulumi.Map{
			"type": pulumi.String("metrics-api"),
			"name": pulumi.String(name),
			"metadata": pulumi.Map{
				"url":                               url,
				"format":                            pulumi.String("prometheus"),
				"valueLocation":                     pulumi.String(metric),
				"aggregateFromKubeServiceEndpoints": pulumi.String("true"),
				"aggregationType":                   pulumi.String("sum"),
			},
		}
	}
	return pulumi.Map{
		"scaleTargetRef": pulumi.Map{
			"apiVersion": pulumi.String("apps/v1"), "kind": pulumi.String("Deployment"), "name": a.Stage,
		},
		"minReplicaCount": pulumi.Int(a.MinReplicas),
		"maxReplicaCount": pulumi.Int(a.MaxReplicas),
		"triggers":        pulumi.Array{sum("running", llmd.RunningMetric), sum("waiting", llmd.WaitingMetric)},
		"advanced": pulumi.Map{
			// The running ones alone stop growing once the pods are full, and the waiting ones alone
			// would remove the pods that have just emptied the queue.
			"scalingModifiers": pulumi.Map{
				"formula": pulumi.String("running + waiting"), "target": pulumi.String(strconv.Itoa(a.RequestsPerPod)),
				"metricType": pulumi.String("AverageValue"),
			},
			"horizontalPodAutoscalerConfig": pulumi.Map{"behavior": pulumi.Map{"scaleDown": pulumi.Map{
				"stabilizationWindowSeconds": pulumi.Int(int(a.scaleDownAfter.Seconds())),
			}}},
		},
	}
}
