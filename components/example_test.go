package components_test

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/internal/recorder"
)

// printed runs a program without an engine, and prints the Kubernetes objects that it
// registers.
func printed(program pulumi.RunFunc) {
	r := recorder.New()
	if err := pulumi.RunErr(program, pulumi.WithMocks("my-project", "dev", r)); err != nil {
		fmt.Println(err)
	}
	for _, object := range r.Registrations() {
		if object.Object() != "" {
			fmt.Println(object.Inputs["kind"], object.Object())
		}
	}
}

func ExampleNewEPP() {
	printed(func(ctx *pulumi.Context) error {
		_, err := components.NewEPP(ctx, "epp", &components.EPPArgs{Namespace: pulumi.String("sim")})
		return err
	})
	// Output:
	// Deployment gaie-sim-epp
	// ConfigMap gaie-sim-epp
	// ServiceAccount gaie-sim-epp
	// Service gaie-sim-epp
	// RoleBinding gaie-sim-epp
	// Role gaie-sim-epp
}

func ExampleNewInferenceGateway() {
	printed(func(ctx *pulumi.Context) error {
		_, err := components.NewInferenceGateway(ctx, "gateway", &components.InferenceGatewayArgs{
			Namespace: pulumi.String("sim"),
			Standard:  &components.StandardGateway{EPP: "gaie-sim-epp"},
		})
		return err
	})
	// Output:
	// Deployment infra-sim-inference-gateway
	// ConfigMap infra-sim-inference-gateway
	// Service infra-sim-inference-gateway
}

func ExampleNewModelServiceStage() {
	printed(func(ctx *pulumi.Context) error {
		_, err := components.NewModelServiceStage(ctx, "decode", &components.ModelServiceStageArgs{
			Namespace:       pulumi.String("sim"),
			Replicas:        new(4),
			Simulator:       &components.SimulatorSettings{TimeToFirstToken: "150ms"},
			HeadlessService: true,
		})
		return err
	})
	// Output:
	// Deployment ms-sim-llm-d-modelservice-decode
	// Service ms-sim-llm-d-modelservice-decode
}

func ExampleNewProxyService() {
	printed(func(ctx *pulumi.Context) error {
		_, err := components.NewProxyService(ctx, "proxy", &components.ProxyServiceArgs{Namespace: pulumi.String("sim")})
		return err
	})
	// Output:
	// Service gaie-inference-scheduling-proxy
}

func ExampleNewGatewayAPI() {
	printed(func(ctx *pulumi.Context) error {
		_, err := components.NewGatewayAPI(ctx, "gateway", &components.GatewayAPIArgs{
			Namespace: pulumi.String("sim"), ClassName: "agentgateway", InferencePool: pulumi.String("gaie-sim"),
		})
		return err
	})
	// Output:
	// Gateway infra-sim-inference-gateway
	// HTTPRoute infra-sim-inference-gateway
}

func ExampleNewIstioLoadBalancing() {
	printed(func(ctx *pulumi.Context) error {
		_, err := components.NewIstioLoadBalancing(ctx, "balancing", &components.IstioLoadBalancingArgs{
			Namespace: pulumi.String("sim"), Algorithm: "LEAST_REQUEST",
		})
		return err
	})
	// Output:
	// DestinationRule gaie-inference-scheduling-proxy-lb
}

func ExampleNewAutoscaler() {
	printed(func(ctx *pulumi.Context) error {
		_, err := components.NewAutoscaler(ctx, "autoscaler", &components.AutoscalerArgs{
			Namespace: pulumi.String("sim"), MaxReplicas: 10, ScaleDownAfter: "1m",
		})
		return err
	})
	// Output:
	// ScaledObject ms-sim-llm-d-modelservice-decode
}

func ExampleNewPodDisruptionBudgets() {
	printed(func(ctx *pulumi.Context) error {
		_, err := components.NewPodDisruptionBudgets(ctx, "budgets", &components.PodDisruptionBudgetsArgs{
			Namespace: pulumi.String("sim"),
		})
		return err
	})
	// Output:
	// PodDisruptionBudget ms-sim-llm-d-modelservice-decode
}
