package stacks_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/internal/recorder"
	"github.com/llm-d-sim/llm-d-sim/stacks"
)

// A whole stack as part of another program, in an existing namespace, with an EPP image
// that the same program builds.
func ExampleNewStack() {
	program := func(ctx *pulumi.Context) error {
		spec := config.Default()
		spec.EPP.Enabled = true
		spec.Decode.Enabled = true
		built := pulumi.String("registry.example.com/my-epp:dev").ToStringOutput()
		sim, err := stacks.NewStack(ctx, "sim", &stacks.StackArgs{
			Spec:      &spec,
			Namespace: pulumi.String("inference"),
			Images:    stacks.Images{EPP: built},
		})
		if err != nil {
			return err
		}
		sim.Endpoints.ApplyT(func(endpoints []string) error {
			fmt.Println(strings.Join(endpoints, "\n"))
			return nil
		})
		return nil
	}
	engine := recorder.New() // Stands in for `pulumi up`.
	if err := pulumi.RunErr(program, pulumi.WithMocks("my-project", "dev", engine)); err != nil {
		fmt.Println(err)
	}
	var deployments []string
	for _, r := range engine.Registrations() {
		if r.Type == "kubernetes:apps/v1:Deployment" {
			deployments = append(deployments, r.Object())
		}
	}
	slices.Sort(deployments)
	fmt.Println(strings.Join(deployments, "\n"))
	// Output:
	// gaie-inference-scheduling-proxy.inference.svc.cluster.local:8200
	// ms-sim-llm-d-modelservice-decode.inference.svc.cluster.local:8200
	// gaie-sim-epp
	// ms-sim-llm-d-modelservice-decode
}
