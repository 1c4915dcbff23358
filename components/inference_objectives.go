package components

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/endpointpicker"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
	"github.com/llm-d-sim/llm-d-sim/components/simulator"
)

// FlowControl makes an EPP queue requests by priority while all pods are busy.
type FlowControl struct {
	// Queues are those of the priorities that InferenceObjectives use. Default: only that of
	// priority 0, for requests without an objective.
	Queues []PriorityQueue `pulumi:"queues,optional"`

	// MaxConcurrency is how many requests a pod processes concurrently, for EPPs from v0.9.0 on;
	// older ones find out how many wait. Default: 5, the simulators' own.
	MaxConcurrency int `pulumi:"maxConcurrency,optional"`

	// Fairness makes tenants, which the header x-gateway-inference-fairness-id names, take turns
	// within a priority. Default: requests are served in the order of their arrival.
	Fairness bool `pulumi:"fairness,optional"`
}

// PriorityQueue holds the waiting requests of one priority.
type PriorityQueue struct {
	// Priority of the requests; the highest is served first.
	Priority int `pulumi:"priority"`

	// MaxBytes limits the size of the waiting requests; one that exceeds it is answered 429.
	// Default: the EPP's own limit, 1 GB.
	MaxBytes int `pulumi:"maxBytes,optional"`
}

func (f *FlowControl) options() *endpointpicker.FlowControl {
	if f == nil {
		return nil
	}
	options := &endpointpicker.FlowControl{
		Queues: map[int]int64{}, MaxConcurrency: or(f.MaxConcurrency, simulator.DefaultMaxNumSeqs), Fairness: f.Fairness,
	}
	for _, queue := range f.Queues {
		options.Queues[queue.Priority] = int64(queue.MaxBytes)
	}
	return options
}

// InferenceObjectivesArgs describes the objectives that a request can choose, by the header
// x-gateway-inference-objective.
type InferenceObjectivesArgs struct {
	// Namespace of the objects, and of the InferencePool. Required.
	Namespace pulumi.StringInput `pulumi:"namespace"`

	// Instance is the app.kubernetes.io/instance label of every object.
	// Default: the component's name.
	Instance string `pulumi:"instance,optional"`

	// Priorities has the priority of each objective by its name. Required.
	Priorities map[string]int `pulumi:"priorities"`

	// InferencePool is the pool of the EPP that reads the objectives. Default: llmd.PoolName.
	InferencePool pulumi.StringInput `pulumi:"inferencePool,optional"`

	// EPPImage is the image of the EPP, whose release decides the API of the objectives.
	// Default: llmd.EPPImage.
	EPPImage string `pulumi:"eppImage,optional"`

	// EPPVersion is the version of the EPP, if the image's tag does not say it. Default: the
	// version in the tag; the newest known release if the tag is not a version.
	EPPVersion string `pulumi:"eppVersion,optional"`
}

// InferenceObjectives are one InferenceObjective for each name.
type InferenceObjectives struct {
	pulumi.ResourceState

	// Names of the InferenceObjectives.
	Names pulumi.StringArrayOutput `pulumi:"names"`
}

// NewInferenceObjectives registers the InferenceObjectives, whose CRD must exist.
func NewInferenceObjectives(
	ctx *pulumi.Context, name string, args *InferenceObjectivesArgs, opts ...pulumi.ResourceOption,
) (*InferenceObjectives, error) {
	if args == nil {
		return nil, fmt.Errorf("inference objectives %s: %w", name, errors.New("args are required"))
	}
	c := common{namespace: args.Namespace, instance: or(args.Instance, name)}
	epp, err := release.EPPOf(or(args.EPPImage, llmd.EPPImage), args.EPPVersion)
	if err := errors.Join(c.validate(), err); err != nil {
		return nil, fmt.Errorf("inference objectives %s: %w", name, err)
	}
	pool := args.InferencePool
	if pool == nil {
		pool = pulumi.String(llmd.PoolName)
	}
	o := &InferenceObjectives{}
	if err := ctx.RegisterComponentResourceV2(typeToken("InferenceObjectives"), name, inputs(args), o, opts...); err != nil {
		return nil, err
	}
	names := pulumi.StringArray{}
	for _, objective := range slices.Sorted(maps.Keys(args.Priorities)) {
		object, err := apiextensions.NewCustomResource(ctx, name+"-"+objective, &apiextensions.CustomResourceArgs{
			ApiVersion: pulumi.String(epp.ObjectiveAPI),
			Kind:       pulumi.String("InferenceObjective"),
			Metadata:   c.metadata(objective, llmd.ComponentEPP, nil, nil),
			OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{
				"priority": pulumi.Int(args.Priorities[objective]),
				"poolRef": pulumi.Map{
					"group": pulumi.String("inference.networking.k8s.io"), "kind": pulumi.String("InferencePool"), "name": pool,
				},
			}},
		}, pulumi.Parent(o))
		if err != nil {
			return nil, err
		}
		names = append(names, object.Metadata.Name().Elem())
	}
	o.Names = names.ToStringArrayOutput()
	return o, ctx.RegisterResourceOutputs(o, pulumi.Map{"names": o.Names})
}
