package components_test

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// A program of one's own with a decode stage, and an Istio DestinationRule in front.
func Example() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		common := components.Common{Namespace: pulumi.String("sim"), Instance: "my-sim"}
		_, err := components.NewModelServiceStage(ctx, "decode", &components.ModelServiceStageArgs{
			Common:    common,
			Name:      llmd.DecodeName,
			Role:      llmd.RoleDecode,
			Replicas:  4,
			Container: components.Container{Image: llmd.SimulatorImage},
			Port:      llmd.SimulatorPort,
		})
		if err != nil {
			return err
		}
		_, err = components.NewProxyService(ctx, "proxy", &components.ProxyServiceArgs{
			Common: common, Name: llmd.ProxyServiceName, Port: llmd.SimulatorPort,
		})
		if err != nil {
			return err
		}
		_, err = components.NewIstioLoadBalancing(ctx, "balancing", &components.IstioLoadBalancingArgs{
			Common: common, Service: llmd.ProxyServiceName, Algorithm: "LEAST_REQUEST",
		})
		return err
	})
}
