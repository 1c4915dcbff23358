package components

import (
	"errors"
	"fmt"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// PodDisruptionBudgetsArgs describes the Deployments from which a node drain may evict only
// one pod at a time. Only Namespace is required.
type PodDisruptionBudgetsArgs struct {
	// Namespace of the Deployments. Required.
	Namespace pulumi.StringInput `pulumi:"namespace"`

	// Instance is the app.kubernetes.io/instance label of every object.
	// Default: the component's name.
	Instance string `pulumi:"instance,optional"`

	// Deployments are names of this package's Deployments, each of which gets a budget of the
	// same name. Default: llmd.DecodeName.
	Deployments []string `pulumi:"deployments,optional"`
}

// PodDisruptionBudgets allow one pod of each Deployment to be evicted at a time.
type PodDisruptionBudgets struct {
	pulumi.ResourceState

	// Names of the PodDisruptionBudgets.
	Names pulumi.StringArrayOutput `pulumi:"names"`
}

// NewPodDisruptionBudgets registers the PodDisruptionBudgets.
func NewPodDisruptionBudgets(
	ctx *pulumi.Context, name string, args *PodDisruptionBudgetsArgs, opts ...pulumi.ResourceOption,
) (*PodDisruptionBudgets, error) {
	if args == nil {
		return nil, fmt.Errorf("pod disruption budgets %s: %w", name, errors.New("args are required"))
	}
	c := common{namespace: args.Namespace, instance: or(args.Instance, name)}
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("pod disruption budgets %s: %w", name, err)
	}
	b := &PodDisruptionBudgets{}
	if err := ctx.RegisterComponentResourceV2(typeToken("PodDisruptionBudgets"), name, inputs(args), b, opts...); err != nil {
		return nil, err
	}
	deployments := args.Deployments
	if deployments == nil {
		deployments = []string{llmd.DecodeName}
	}
	names := pulumi.StringArray{}
	for _, deployment := range deployments {
		budget, err := policyv1.NewPodDisruptionBudget(ctx, name+"-"+deployment, &policyv1.PodDisruptionBudgetArgs{
			Metadata: c.metadata(deployment, "disruption-budget", nil, nil),
			Spec: &policyv1.PodDisruptionBudgetSpecArgs{
				Selector:       &metav1.LabelSelectorArgs{MatchLabels: pulumi.ToStringMap(selector(deployment))},
				MaxUnavailable: pulumi.Int(1),
				// A pod that is not ready serves no requests and must not block a drain.
				UnhealthyPodEvictionPolicy: pulumi.String("AlwaysAllow"),
			},
		}, pulumi.Parent(b))
		if err != nil {
			return nil, err
		}
		names = append(names, budget.Metadata.Name().Elem())
	}
	b.Names = names.ToStringArrayOutput()
	return b, ctx.RegisterResourceOutputs(b, pulumi.Map{"names": b.Names})
}
