package stacks

import (
	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// leaveIDsToCluster removes users and groups from all pods, so that admission sets them. It
// refuses any that are not of the namespace's range.
func leaveIDsToCluster(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
	deployment, is := args.Props.(*appsv1.DeploymentArgs)
	if !is {
		return nil
	}
	template := deployment.Spec.(*appsv1.DeploymentSpecArgs).Template.(*corev1.PodTemplateSpecArgs)
	security := template.Spec.(*corev1.PodSpecArgs).SecurityContext.(*corev1.PodSecurityContextArgs)
	security.RunAsUser, security.RunAsGroup, security.FsGroup = nil, nil, nil
	return &pulumi.ResourceTransformationResult{Props: args.Props, Opts: args.Opts}
}
