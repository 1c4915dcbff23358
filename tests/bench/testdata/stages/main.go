// Command stages is a Pulumi program with a configurable number of stages.
package main

import (
	"fmt"
	"strconv"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

func main() { pulumi.Run(deploy) }

func deploy(ctx *pulumi.Context) error {
	text, _ := ctx.GetConfig("llm-d-sim:count")
	count, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	provider, err := kubernetes.NewProvider(ctx, "kubernetes", nil)
	if err != nil {
		return err
	}
	space, _ := ctx.GetConfig("llm-d-sim:namespace")
	namespace, err := corev1.NewNamespace(ctx, "namespace", &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(space)},
	}, pulumi.Provider(provider))
	if err != nil {
		return err
	}
	for i := range count {
		name := fmt.Sprintf("stage-%d", i)
		if _, err := components.NewModelServiceStage(ctx, name, &components.ModelServiceStageArgs{
			Common:    components.Common{Namespace: namespace.Metadata.Name().Elem(), Instance: "bench"},
			Name:      name,
			Role:      llmd.RoleDecode,
			Replicas:  1,
			Container: components.Container{Image: llmd.SimulatorImage},
			Port:      llmd.SimulatorPort,
			Service:   true,
		}, pulumi.Provider(provider)); err != nil {
			return err
		}
	}
	return nil
}
