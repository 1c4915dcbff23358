package tests

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/envoy"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// constructors make every component as another program would, with its required
// arguments alone.
var constructors = map[string]func(*pulumi.Context, ...pulumi.ResourceOption) error{
	"EPP": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		args := validEPP()
		_, err := components.NewEPP(ctx, "x", &args, opts...)
		return err
	},
	"InferenceGateway": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		args := validGateway()
		_, err := components.NewInferenceGateway(ctx, "x", &args, opts...)
		return err
	},
	"ModelServiceStage": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		args := validStage()
		_, err := components.NewModelServiceStage(ctx, "x", &args, opts...)
		return err
	},
	"ProxyService": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		_, err := components.NewProxyService(ctx, "x", &components.ProxyServiceArgs{
			Common: common(), Name: llmd.ProxyServiceName, Port: 8200,
		}, opts...)
		return err
	},
	"GatewayAPI": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		args := validGatewayAPI()
		_, err := components.NewGatewayAPI(ctx, "x", &args, opts...)
		return err
	},
	"IstioLoadBalancing": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		_, err := components.NewIstioLoadBalancing(ctx, "x", &components.IstioLoadBalancingArgs{
			Common: common(), Service: llmd.ProxyServiceName, Algorithm: "RANDOM",
		}, opts...)
		return err
	},
}

func common() components.Common {
	return components.Common{Namespace: pulumi.String("sim"), Instance: "sim"}
}

func validEPP() components.EPPArgs {
	return components.EPPArgs{
		Common: common(), Replicas: 1, Container: components.Container{Image: "epp"},
		Port: 8100, TargetPort: 8200, KVCacheMetric: "metric", PluginsConfig: "plugins: []",
	}
}

func validGateway() components.InferenceGatewayArgs {
	return components.InferenceGatewayArgs{
		Common: common(), Replicas: 1, Container: components.Container{Image: "envoy"}, Port: 8080,
		Standard: &components.StandardGateway{Bootstrap: envoy.Bootstrap{
			Backend: envoy.Upstream{Host: "decode", Port: 8200}, Algorithm: "ROUND_ROBIN",
		}},
	}
}

func validStage() components.ModelServiceStageArgs {
	return components.ModelServiceStageArgs{
		Common: common(), Name: llmd.DecodeName, Role: llmd.RoleDecode, Replicas: 1,
		Container: components.Container{Image: "sim"}, Port: 8200,
	}
}

func validGatewayAPI() components.GatewayAPIArgs {
	return components.GatewayAPIArgs{
		Common: common(), Name: "gateway", ClassName: "istio", Port: 80,
		Service: pulumi.String(llmd.ProxyServiceName), ServicePort: 8200,
	}
}

func TestComponentsStandAlone(t *testing.T) {
	t.Parallel()
	for name, construct := range constructors {
		r := newRecorder()
		err := pulumi.RunErr(func(ctx *pulumi.Context) error {
			provider, err := kubernetes.NewProvider(ctx, "elsewhere", nil)
			if err != nil {
				return err
			}
			return construct(ctx, pulumi.Providers(provider))
		}, pulumi.WithMocks("other", "test", r))
		require.NoError(t, err, name)
		children := 0
		for _, reg := range r.registrations() {
			if reg.Type == "pulumi:providers:kubernetes" || reg.Name == "x" && strings.HasPrefix(reg.Type, "llm-d-sim:") {
				continue
			}
			children++
			require.Equal(t, "llm-d-sim:index:"+name+"::x", reg.Parent)
			require.Contains(t, reg.Provider, "elsewhere", "%s of %s is made where the component is", reg.Name, name)
			annotations := reg.Inputs["metadata"].(map[string]any)["annotations"].(map[string]any)
			require.NotContains(t, annotations, llmd.StackAnnotation, "another program's objects are not this one's")
		}
		require.Positive(t, children, name)
	}
}

func TestComponentsRefuseWhatCannotWork(t *testing.T) {
	t.Parallel()
	epp := func(change func(*components.EPPArgs)) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error {
			args := validEPP()
			change(&args)
			_, err := components.NewEPP(ctx, "x", &args)
			return err
		}
	}
	gateway := func(change func(*components.InferenceGatewayArgs)) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error {
			args := validGateway()
			change(&args)
			_, err := components.NewInferenceGateway(ctx, "x", &args)
			return err
		}
	}
	stage := func(change func(*components.ModelServiceStageArgs)) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error {
			args := validStage()
			change(&args)
			_, err := components.NewModelServiceStage(ctx, "x", &args)
			return err
		}
	}
	gatewayAPI := func(change func(*components.GatewayAPIArgs)) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error {
			args := validGatewayAPI()
			change(&args)
			_, err := components.NewGatewayAPI(ctx, "x", &args)
			return err
		}
	}
	for _, test := range []struct {
		construct func(*pulumi.Context) error
		want      []string
	}{
		{func(ctx *pulumi.Context) error { _, err := components.NewEPP(ctx, "x", nil); return err }, []string{"EPP x: args are required"}},
		{func(ctx *pulumi.Context) error { _, err := components.NewInferenceGateway(ctx, "x", nil); return err }, []string{"args are required"}},
		{func(ctx *pulumi.Context) error { _, err := components.NewModelServiceStage(ctx, "x", nil); return err }, []string{"args are required"}},
		{func(ctx *pulumi.Context) error { _, err := components.NewProxyService(ctx, "x", nil); return err }, []string{"args are required"}},
		{func(ctx *pulumi.Context) error { _, err := components.NewGatewayAPI(ctx, "x", nil); return err }, []string{"args are required"}},
		{func(ctx *pulumi.Context) error { _, err := components.NewIstioLoadBalancing(ctx, "x", nil); return err }, []string{"args are required"}},

		{epp(func(a *components.EPPArgs) { *a = components.EPPArgs{} }), []string{
			"namespace is required", "instance is required", "image is required", "port must be",
			"plugins config is required", "KV-cache metric is required",
		}},
		{epp(func(a *components.EPPArgs) { a.Port = 65536 }), []string{"port must be within 1 to 65535, got 65536"}},
		{epp(func(a *components.EPPArgs) { a.Replicas = -1 }), []string{"replicas must be 0 or more, got -1"}},

		{gateway(func(a *components.InferenceGatewayArgs) { a.Standard = nil }), []string{"standard", "istio"}},
		{gateway(func(a *components.InferenceGatewayArgs) { a.Istio = &components.IstioGateway{} }), []string{"standard", "istio"}},
		{gateway(func(a *components.InferenceGatewayArgs) { a.Container.Image = "" }), []string{"image is required"}},
		{gateway(func(a *components.InferenceGatewayArgs) { a.Standard.Bootstrap.Algorithm = "FASTEST" }), []string{"FASTEST"}},

		{stage(func(a *components.ModelServiceStageArgs) { a.Role = "encode" }), []string{`role must be prefill or decode, got "encode"`}},
		{stage(func(a *components.ModelServiceStageArgs) { a.Name = "" }), []string{"name is required"}},
		{stage(func(a *components.ModelServiceStageArgs) { a.RoutingSidecar = &components.Container{} }), []string{"image is required"}},
		{stage(func(a *components.ModelServiceStageArgs) {
			a.Port, a.RoutingSidecar = 65535, &components.Container{Image: "sidecar"}
		}), []string{"port of the simulator behind the sidecar must be within 1 to 65535, got 65536"}},

		{gatewayAPI(func(a *components.GatewayAPIArgs) { *a = components.GatewayAPIArgs{} }), []string{
			"namespace is required", "name is required", "class name is required",
		}},
		{func(ctx *pulumi.Context) error {
			_, err := components.NewProxyService(ctx, "x", &components.ProxyServiceArgs{Common: common()})
			return err
		}, []string{"name is required", "port must be within 1 to 65535, got 0"}},
		{func(ctx *pulumi.Context) error {
			_, err := components.NewIstioLoadBalancing(ctx, "x", &components.IstioLoadBalancingArgs{Common: common()})
			return err
		}, []string{"service is required", "algorithm is required"}},
	} {
		r := newRecorder()
		err := pulumi.RunErr(test.construct, pulumi.WithMocks("other", "test", r))
		require.Error(t, err)
		for _, want := range test.want {
			require.ErrorContains(t, err, want)
		}
		require.Empty(t, r.registrations(), "nothing is registered: %v", test.want)
	}
}
