package stacks

import (
	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/config"
)

func disruptionBudgetsEnabled(spec *config.Spec) bool { return spec.PodDisruptionBudget.Enabled }

// disruptionBudgets registers a budget for each Deployment that can spare a pod. Of several
// EPPs, only the leader is ready, so a budget would never allow its eviction.
func (c *composer) disruptionBudgets() error {
	replicated := []string{}
	for _, d := range c.deployments {
		if d.several && !d.leaderOnly {
			replicated = append(replicated, d.name)
		}
	}
	_, err := components.NewPodDisruptionBudgets(c.ctx, c.name+"-disruption-budgets", &components.PodDisruptionBudgetsArgs{
		Namespace: c.Namespace, Instance: c.spec.Name, Deployments: replicated,
	}, c.child())
	return err
}

// spreadOverNodes spreads the pods of each Deployment over the nodes, if there are several
// of both: a budget is of little use if all pods are on the node that is drained.
func spreadOverNodes(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
	deployment, is := args.Props.(*appsv1.DeploymentArgs)
	if !is {
		return nil
	}
	spec := deployment.Spec.(*appsv1.DeploymentSpecArgs)
	pod := spec.Template.(*corev1.PodTemplateSpecArgs).Spec.(*corev1.PodSpecArgs)
	pod.TopologySpreadConstraints = corev1.TopologySpreadConstraintArray{corev1.TopologySpreadConstraintArgs{
		MaxSkew:           pulumi.Int(1),
		TopologyKey:       pulumi.String("kubernetes.io/hostname"),
		WhenUnsatisfiable: pulumi.String("ScheduleAnyway"),
		LabelSelector:     spec.Selector.(*metav1.LabelSelectorArgs),
		// Pods of the previous version, which are about to go, do not count.
		MatchLabelKeys: pulumi.ToStringArray([]string{"pod-template-hash"}),
	}}
	return &pulumi.ResourceTransformationResult{Props: args.Props, Opts: args.Opts}
}
