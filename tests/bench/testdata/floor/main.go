// Command floor is a Pulumi program with one object of each provider that llm-d-sim uses:
// the minimum that any program with these providers costs.
package main

import (
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() { pulumi.Run(deploy) }

func deploy(ctx *pulumi.Context) error {
	cluster, err := kubernetes.NewProvider(ctx, "kubernetes", nil)
	if err != nil {
		return err
	}
	namespace, _ := ctx.GetConfig("llm-d-sim:namespace")
	if _, err := corev1.NewNamespace(ctx, "namespace", &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(namespace)},
	}, pulumi.Provider(cluster)); err != nil {
		return err
	}
	chance, err := random.NewProvider(ctx, "random", nil)
	if err != nil {
		return err
	}
	_, err = random.NewRandomInteger(ctx, "integer", &random.RandomIntegerArgs{
		Min: pulumi.Int(0), Max: pulumi.Int(1),
	}, pulumi.Provider(chance))
	return err
}
