package components_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/recorder"
)

// namespace is the only argument that every component requires.
var namespace = pulumi.String("sim")

// constructors create each component as another program would, with only its required
// arguments.
var constructors = map[string]func(*pulumi.Context, ...pulumi.ResourceOption) error{
	"EPP": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		_, err := components.NewEPP(ctx, "x", &components.EPPArgs{Namespace: namespace}, opts...)
		return err
	},
	"InferenceGateway": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		_, err := components.NewInferenceGateway(ctx, "x", &components.InferenceGatewayArgs{Namespace: namespace}, opts...)
		return err
	},
	"ModelServiceStage": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		_, err := components.NewModelServiceStage(ctx, "x", &components.ModelServiceStageArgs{Namespace: namespace}, opts...)
		return err
	},
	"ProxyService": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		_, err := components.NewProxyService(ctx, "x", &components.ProxyServiceArgs{Namespace: namespace}, opts...)
		return err
	},
	"GatewayAPI": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		_, err := components.NewGatewayAPI(ctx, "x", &components.GatewayAPIArgs{Namespace: namespace}, opts...)
		return err
	},
	"IstioLoadBalancing": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		_, err := components.NewIstioLoadBalancing(ctx, "x", &components.IstioLoadBalancingArgs{Namespace: namespace}, opts...)
		return err
	},
	"InferenceObjectives": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		_, err := components.NewInferenceObjectives(ctx, "x", &components.InferenceObjectivesArgs{
			Namespace: namespace, Priorities: map[string]int{"batch": -10},
		}, opts...)
		return err
	},
	"Monitoring": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		_, err := components.NewMonitoring(ctx, "x", &components.MonitoringArgs{Namespace: namespace}, opts...)
		return err
	},
	"Autoscaler": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		_, err := components.NewAutoscaler(ctx, "x", &components.AutoscalerArgs{Namespace: namespace}, opts...)
		return err
	},
	"PodDisruptionBudgets": func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
		_, err := components.NewPodDisruptionBudgets(ctx, "x", &components.PodDisruptionBudgetsArgs{Namespace: namespace}, opts...)
		return err
	},
}

// register runs a registration under mocks.
func register(construct func(*pulumi.Context) error) (*recorder.Recorder, error) {
	r := recorder.New()
	return r, pulumi.RunErr(construct, pulumi.WithMocks("other", "test", r))
}

func TestComponentsNeedOnlyRequiredArgs(t *testing.T) {
	t.Parallel()
	for name, construct := range constructors {
		r, err := register(func(ctx *pulumi.Context) error {
			provider, err := kubernetes.NewProvider(ctx, "elsewhere", nil)
			if err != nil {
				return err
			}
			return construct(ctx, pulumi.Providers(provider))
		})
		require.NoError(t, err, name)
		require.Empty(t, r.Errors())
		children := 0
		for _, reg := range r.Registrations() {
			switch {
			case reg.Type == "pulumi:providers:kubernetes":
			case reg.Name == "x":
				require.Equal(t, "llm-d-sim:index:"+name, reg.Type)
				require.Equal(t, "sim", reg.Inputs["namespace"], "the arguments are inputs of %s", name)
			default:
				children++
				require.Equal(t, "llm-d-sim:index:"+name+"::x", reg.Parent)
				require.True(t, strings.HasPrefix(reg.Name, "x-"), "%s: the prefix distinguishes two of a kind", reg.Name)
				require.Contains(t, reg.Provider, "elsewhere", "%s of %s uses the component's provider", reg.Name, name)
				metadata := reg.Inputs["metadata"].(map[string]any)
				require.Equal(t, "sim", metadata["namespace"])
				require.NotContains(t, metadata["annotations"], llmd.StackAnnotation, "objects of another program carry no owner")
			}
		}
		require.Positive(t, children, name)
	}
}

func TestComponentsReportEveryInvalidArg(t *testing.T) {
	t.Parallel()
	epp := func(args *components.EPPArgs) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error { _, err := components.NewEPP(ctx, "x", args); return err }
	}
	gateway := func(args *components.InferenceGatewayArgs) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error { _, err := components.NewInferenceGateway(ctx, "x", args); return err }
	}
	stage := func(args *components.ModelServiceStageArgs) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error { _, err := components.NewModelServiceStage(ctx, "x", args); return err }
	}
	proxy := func(args *components.ProxyServiceArgs) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error { _, err := components.NewProxyService(ctx, "x", args); return err }
	}
	gatewayAPI := func(args *components.GatewayAPIArgs) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error { _, err := components.NewGatewayAPI(ctx, "x", args); return err }
	}
	balancing := func(args *components.IstioLoadBalancingArgs) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error {
			_, err := components.NewIstioLoadBalancing(ctx, "x", args)
			return err
		}
	}
	autoscaler := func(args *components.AutoscalerArgs) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error { _, err := components.NewAutoscaler(ctx, "x", args); return err }
	}
	budgets := func(args *components.PodDisruptionBudgetsArgs) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error {
			_, err := components.NewPodDisruptionBudgets(ctx, "x", args)
			return err
		}
	}
	objectives := func(args *components.InferenceObjectivesArgs) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error {
			_, err := components.NewInferenceObjectives(ctx, "x", args)
			return err
		}
	}
	monitoring := func(args *components.MonitoringArgs) func(*pulumi.Context) error {
		return func(ctx *pulumi.Context) error { _, err := components.NewMonitoring(ctx, "x", args); return err }
	}
	for name, test := range map[string]struct {
		construct func(*pulumi.Context) error
		want      []string
	}{
		"EPP without args":             {epp(nil), []string{"EPP x: args are required"}},
		"gateway without args":         {gateway(nil), []string{"inference gateway x: args are required"}},
		"stage without args":           {stage(nil), []string{"model service stage x: args are required"}},
		"proxy Service without args":   {proxy(nil), []string{"proxy service x: args are required"}},
		"Gateway without args":         {gatewayAPI(nil), []string{"gateway API x: args are required"}},
		"DestinationRule without args": {balancing(nil), []string{"istio load balancing x: args are required"}},
		"monitoring without args":      {monitoring(nil), []string{"monitoring x: args are required"}},
		"autoscaler without args":      {autoscaler(nil), []string{"autoscaler x: args are required"}},
		"budgets without args":         {budgets(nil), []string{"pod disruption budgets x: args are required"}},

		"objectives without args": {objectives(nil), []string{"inference objectives x: args are required"}},

		"EPP": {epp(&components.EPPArgs{
			Replicas: new(-1), Port: 65536, TargetPort: -1, Image: pulumi.String("epp:v0.3.0"), ReadyTimeout: "5",
		}), []string{
			"namespace is required", "replicas must be 0 or more, got -1", "port must be within 1 to 65535, got 65536",
			"target port must be within 1 to 65535, got -1", "image is the EPP v0.3.0: must be v0.4.0 or newer",
		}},
		"EPP without a pool": {epp(&components.EPPArgs{Namespace: namespace, Image: pulumi.String("epp:v0.7.1")}), []string{
			"EPP v0.7.1 finds pods only through an InferencePool",
		}},
		"EPP without queues": {epp(&components.EPPArgs{
			Namespace: namespace, Image: pulumi.String("epp:v0.6.0"), FlowControl: &components.FlowControl{},
		}), []string{"EPP v0.6.0 cannot queue requests by priority"}},
		"EPP without traces": {epp(&components.EPPArgs{
			Namespace: namespace, Image: pulumi.String("epp:v0.6.0"), Tracing: &components.Tracing{Endpoint: "http://collector:4317", Sampling: new(1.5)},
		}), []string{
			"EPP v0.6.0 cannot continue the trace of a request", `endpoint of the traces must be host:port: "http://collector:4317" has a scheme`,
		}},
		"sampling": {gateway(&components.InferenceGatewayArgs{Namespace: namespace, Standard: &components.StandardGateway{
			Tracing: &components.Tracing{Endpoint: "collector:4317", Sampling: new(1.5)},
		}}), []string{"sampling of the traces must be within 0 to 1, got 1.5"}},
		"sidecar without traces": {stage(&components.ModelServiceStageArgs{
			Namespace:      namespace,
			RoutingSidecar: &components.RoutingSidecar{Version: "v0.8.0", Tracing: &components.Tracing{Endpoint: "collector:4317"}},
		}), []string{"routing sidecar v0.8.0 cannot be told to trace"}},
		"objectives": {objectives(&components.InferenceObjectivesArgs{EPPImage: "epp:v0.3.0"}), []string{
			"namespace is required", "is the EPP v0.3.0: must be v0.4.0 or newer",
		}},
		"timeout": {epp(&components.EPPArgs{Namespace: namespace, ReadyTimeout: "5"}), []string{
			`ready timeout must be a positive duration such as 5m, got "5"`,
		}},
		"gateway": {gateway(&components.InferenceGatewayArgs{
			Replicas: new(-1), Port: -1, Standard: &components.StandardGateway{Algorithm: "FASTEST", BackendPort: -1},
			DrainTimeout: "500ms",
		}), []string{
			"namespace is required", "replicas must", "port must be within", "FASTEST",
			`drain timeout must be a duration of 1s or more, got "500ms"`,
		}},
		"both kinds of gateway": {gateway(&components.InferenceGatewayArgs{
			Namespace: namespace, Standard: &components.StandardGateway{}, Istio: &components.IstioGateway{},
		}), []string{"standard and istio exclude each other"}},
		"keys for Istio": {gateway(&components.InferenceGatewayArgs{
			Namespace: namespace, Istio: &components.IstioGateway{}, APIKeys: pulumi.ToStringArray([]string{"key"}),
		}), []string{"API keys are for the standard gateway only"}},
		"stage": {stage(&components.ModelServiceStageArgs{
			Role: "encode", Replicas: new(-1), Image: pulumi.String("sim"), Port: 65535,
			RoutingSidecar: &components.RoutingSidecar{},
			Simulator:      &components.SimulatorSettings{MaxNumSeqs: -1, MaxRequestMiB: 513, TimeToFirstToken: "soon", InterTokenLatency: "-1s"},
		}), []string{
			"namespace is required", `role must be prefill or decode, got "encode"`, "replicas must", "image has no tag",
			"port of the simulator behind the sidecar must be within 1 to 65535, got 65536",
			"max num seqs must be 1 or more, got -1", "max request MiB must be within 1 to 512, got 513",
			`time to first token must be a duration such as 150ms, got "soon"`,
			`inter-token latency must be a duration such as 150ms, got "-1s"`,
		}},
		"an old simulator": {stage(&components.ModelServiceStageArgs{
			Namespace: namespace, Version: "v0.8.0", Simulator: &components.SimulatorSettings{MaxRequestMiB: 8, StartupDuration: "1s"},
		}), []string{
			"max request MiB needs a newer simulator than v0.8.0, got 8", "startup duration needs a newer simulator than v0.8.0",
		}},
		"sidecar": {stage(&components.ModelServiceStageArgs{
			Namespace: namespace, RoutingSidecar: &components.RoutingSidecar{Version: "v0.1.0"},
		}), []string{"image of the routing sidecar is the routing sidecar v0.1.0"}},
		"proxy Service": {proxy(&components.ProxyServiceArgs{Port: -1, Type: "Headless"}), []string{
			"namespace is required", "port must be within 1 to 65535, got -1", `type must be one of ClusterIP, NodePort, LoadBalancer, got "Headless"`,
		}},
		"autoscaler": {autoscaler(&components.AutoscalerArgs{
			Port: -1, MinReplicas: 3, MaxReplicas: 2, RequestsPerPod: -1, ScaleDownAfter: "100ms",
		}), []string{
			"namespace is required", "port must be within 1 to 65535, got -1", "max replicas no less: got 3 and 2",
			"requests per pod must be 1 or more, got -1", `whole seconds within 0s to 1h, got "100ms"`,
		}},
		"Gateway": {gatewayAPI(&components.GatewayAPIArgs{Port: -1, ServicePort: 65536}), []string{
			"namespace is required", "port must be within", "service port must be within",
		}},
		"DestinationRule": {balancing(&components.IstioLoadBalancingArgs{}), []string{"namespace is required"}},
		"monitoring": {monitoring(&components.MonitoringArgs{
			SimulatorVersion: "v0.1.0", EPP: true, EPPVersion: "new", Operator: &components.PrometheusOperator{Interval: "often"},
		}), []string{
			"namespace is required", "simulator version is the simulator v0.1.0", "EPP version must be a version",
			`interval must be a positive duration such as 15s, got "often"`,
		}},
		"alerts": {monitoring(&components.MonitoringArgs{
			Namespace: namespace, Operator: &components.PrometheusOperator{AlertAfter: "-1s"},
		}), []string{`alert after must be a positive duration such as 15s, got "-1s"`}},
		"budgets": {budgets(&components.PodDisruptionBudgetsArgs{}), []string{"namespace is required"}},
	} {
		r, err := register(test.construct)
		for _, want := range test.want {
			require.ErrorContains(t, err, want, name)
		}
		require.Empty(t, r.Registrations(), "nothing is registered: %s", name)
	}
}

func TestImageFromAnotherResourceCountsAsNewestRelease(t *testing.T) {
	t.Parallel()
	args := func(version string) []any {
		r, err := register(func(ctx *pulumi.Context) error {
			built := pulumi.Sprintf("%s/epp:build", pulumi.String("registry.example"))
			_, err := components.NewEPP(ctx, "x", &components.EPPArgs{Namespace: namespace, Image: built, Version: version})
			return err
		})
		require.NoError(t, err)
		deployment, found := r.Find("kubernetes:apps/v1:Deployment", llmd.EPPName)
		require.True(t, found)
		pod := deployment.Inputs["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
		container := pod["containers"].([]any)[0].(map[string]any)
		require.Equal(t, "registry.example/epp:build", container["image"])
		return container["args"].([]any)
	}
	const flag = "--kv-cache-usage-percentage-metric=" + llmd.KVCacheMetric
	require.NotContains(t, args(""), flag)
	require.Contains(t, args("v0.4.0"), flag)
}

func TestAPIKeysAreNeverInPlainText(t *testing.T) {
	t.Parallel()
	r, err := register(func(ctx *pulumi.Context) error {
		_, err := components.NewInferenceGateway(ctx, "x", &components.InferenceGatewayArgs{
			Namespace: namespace, APIKeys: pulumi.ToStringArray([]string{"letMeIn"}),
		})
		return err
	})
	require.NoError(t, err)
	for _, reg := range r.Registrations() {
		for key, value := range reg.Inputs {
			if !reg.IsSecret(key) {
				require.NotContains(t, recorder.Text(value), "letMeIn", "%s of %s", key, reg.Name)
			}
		}
	}
	_, found := r.Find("kubernetes:core/v1:Secret", llmd.StandardGatewayName)
	require.True(t, found)
}
