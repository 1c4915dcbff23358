// Package llmd holds the contract of the llm-d stack that other programs rely on: object
// names, ports, labels and the published images. It has only constants, so that
// configuration and components share one definition of each.
package llmd

import "time"

// Names of the objects that other programs look up. llm-d's own charts and the
// SimulatorDeployment operator use the same ones.
const (
	EPPName             = "gaie-sim-epp"
	PoolName            = "gaie-sim"
	StandardGatewayName = "infra-sim-inference-gateway"
	IstioGatewayName    = "infra-sim-inference-gateway-istio"
	ProxyServiceName    = "gaie-inference-scheduling-proxy"
	PrefillName         = "ms-sim-llm-d-modelservice-prefill"
	DecodeName          = "ms-sim-llm-d-modelservice-decode"
	// MonitoringName names the dashboard and the alerts.
	MonitoringName = "llm-d-sim-monitoring"
)

// SingleName returns the name of the single-mode Deployment of a stack.
func SingleName(stack string) string { return "ms-sim-" + stack + "-decode" }

// ForModel returns the name of an object that a further model has of its own, like the one of
// this name that the stack's own model has. For that model, "", it is the name itself.
func ForModel(name, model string) string {
	if model == "" {
		return name
	}
	return name + "-" + model
}

// ClusterDomain is the DNS domain of nearly all clusters.
const ClusterDomain = "cluster.local"

// KVHashSeed is what simulators and an EPP that reads their KV events begin the hashes of
// prompts with.
const KVHashSeed = "llm-d-sim"

// ServiceHost returns the DNS name of a Service within the cluster.
func ServiceHost(service, namespace, clusterDomain string) string {
	return service + "." + namespace + ".svc." + clusterDomain
}

// Ports, TCP.
const (
	// SimulatorPort serves HTTP on prefill and decode pods.
	SimulatorPort = 8200
	// EPPServicePort is the EPP's Service port, in front of EPPGRPCPort.
	EPPServicePort = 8100
	// EPPGRPCPort, EPPHealthPort and EPPMetricsPort are the EPP's own defaults.
	EPPGRPCPort    = 9002
	EPPHealthPort  = 9003
	EPPMetricsPort = 9090
	// EPPEventsPort is where the EPP receives KV events, as in llm-d's guides.
	EPPEventsPort = 5557
	// GatewayServicePort is a gateway's Service port, in front of GatewayListenPort.
	GatewayServicePort = 8080
	GatewayListenPort  = 80
	// GatewayProbePort answers /ready and EnvoyMetricsPath of the standard gateway.
	GatewayProbePort = 19000
)

// Images that upstream publishes.
const (
	SimulatorImage       = "ghcr.io/llm-d/llm-d-inference-sim:v0.10.2"
	EPPImage             = "ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.10.0"
	RoutingSidecarImage  = "ghcr.io/llm-d/llm-d-router-disagg-sidecar:v0.10.0"
	StandardGatewayImage = "cr.kgateway.dev/kgateway-dev/envoy-wrapper:v2.1.1"
	IstioGatewayImage    = "docker.io/istio/proxyv2:1.28.1"
)

// Defaults of the operator that configuration and components share.
const (
	// StageReplicas is the number of simulator pods.
	StageReplicas = 2
	// StageMaxReplicas is how many an autoscaler may make of them, and RequestsPerPod is what each
	// should have to do: a bit less than the simulator's default of 5 at once.
	StageMaxReplicas = 6
	RequestsPerPod   = 4
	// SimulatorVerbosity and EPPVerbosity are klog levels.
	SimulatorVerbosity = 5
	EPPVerbosity       = 1
	// RoundRobin is the load-balancing algorithm by Istio's name for it.
	RoundRobin = "ROUND_ROBIN"
)

// ScaleDownAfter is Kubernetes' own default for how long fewer pods must have been enough.
const ScaleDownAfter = 5 * time.Minute

// ScrapeInterval is the time between two scrapes by Prometheus.
const ScrapeInterval = 15 * time.Second

// What the alerts tolerate: how long a condition may hold, how many requests may wait in a
// decode pod, and how many of a hundred may fail.
const (
	AlertAfter        = 1 * time.Minute
	AlertQueueLength  = 5
	AlertErrorPercent = 5
)

// TraceSampling is the share of the requests that llm-d traces by default.
const TraceSampling = 0.1

// KEDANamespace is where KEDA's own documentation installs it.
const KEDANamespace = "keda"

// DrainTimeout is how long a gateway pod that is being replaced keeps serving.
const DrainTimeout = 30 * time.Second

// EPPConnectionTime is how long new requests go over one of a gateway's connections to an
// EPP. An EPP that is being replaced keeps its connections, through which it would get
// requests until it exits.
const EPPConnectionTime = 5 * time.Second

// EPPDrainTime is how long such an EPP goes on serving: until the last of these connections
// ends, and kube-proxy has followed.
const EPPDrainTime = EPPConnectionTime + 3*time.Second

// IstioClassName is the GatewayClass that istiod creates and accepts.
const IstioClassName = "istio"

// EPPHealthService is the gRPC health service that reports whether an EPP can pick. With
// leader election, only the leader can, since only it knows the pods.
const EPPHealthService = "envoy.service.ext_proc.v3.ExternalProcessor"

// Label keys and values.
const (
	// RoleLabel distinguishes prefill from decode pods; the EPP's filters read it.
	RoleLabel   = "llm-d.ai/role"
	RolePrefill = "prefill"
	RoleDecode  = "decode"
	// ServingLabel marks every simulator pod; ServingLabelNew is its newer spelling.
	ServingLabel    = "llm-d.ai/inferenceServing"
	ServingLabelNew = "llm-d.ai/inference-serving"
	// ModelLabel has the name of a further model, on the pods that answer for it.
	ModelLabel = "llm-d.ai/model"
	// PartOfLabel with the value PartOf marks every object of this package's components.
	PartOfLabel = "app.kubernetes.io/part-of"
	PartOf      = "llm-d-sim"
	// ComponentLabel selects logs in the operator's documentation.
	ComponentLabel      = "component"
	ComponentEPP        = "epp"
	ComponentGateway    = "gateway"
	ComponentProxy      = "proxy"
	ComponentMonitoring = "monitoring"
	// WaitForAnnotation names what `up` waits for, instead of all replicas being ready.
	WaitForAnnotation = "pulumi.com/waitFor"
	// PatchForceAnnotation lets an update override other field managers.
	PatchForceAnnotation = "pulumi.com/patchForce"
	// OwnerAnnotation identifies the Pulumi state that an object belongs to, and
	// StackAnnotation names its stack for people.
	OwnerAnnotation = "llm-d-sim/owner"
	StackAnnotation = "llm-d-sim/stack"
	// EditedByAnnotation records who edited an object by hand before it was restored.
	EditedByAnnotation = "llm-d-sim/edited-by"
)

// ServingSelector returns the labels that select the simulators of a model in a namespace, but
// not model servers that other charts of llm-d deploy beside them. The pods of further models
// lack ServingLabel: those of the stack's own model, "", are selected alike with and without them.
func ServingSelector(model string) map[string]string {
	if model == "" {
		return map[string]string{ServingLabel: "true", PartOfLabel: PartOf}
	}
	return map[string]string{ModelLabel: model, PartOfLabel: PartOf}
}

// Where the Prometheus is that scrapes the stack, by default, and how its pods are labelled by the
// Prometheus Operator and the usual Helm charts.
const (
	PrometheusNamespace  = "monitoring"
	PrometheusLabel      = "app.kubernetes.io/name"
	PrometheusLabelValue = "prometheus"
)

// DashboardLabel makes Grafana's sidecar load a dashboard from a ConfigMap.
const DashboardLabel = "grafana_dashboard"

// APIKey is the entry with the clients' key in the standard gateway's Secret, and the stack
// output with the same key.
const APIKey = "apiKey"

// KVCacheMetric is the simulators' KV-cache usage metric, under vLLM's name.
const KVCacheMetric = "vllm:kv_cache_usage_perc"

// EnvoyMetricsPath is where an Envoy serves its metrics.
const EnvoyMetricsPath = "/stats/prometheus"

// RunningMetric and WaitingMetric count the requests of a simulator, under vLLM's names.
const (
	RunningMetric = "vllm:num_requests_running"
	WaitingMetric = "vllm:num_requests_waiting"
)

// HealthPath is answered by a simulator that serves requests.
const HealthPath = "/health"

// ModelsPath lists the models.
const ModelsPath = "/v1/models"

// MaxRoutedModels is how many further models one HTTPRoute has room for: it may have 16 rules, and
// each model, the stack's own included, needs two.
const MaxRoutedModels = 7

// ModelHeader names the model of a request to a gateway of the Gateway API, as llm-d's payload
// processor does.
const ModelHeader = "x-gateway-base-model-name"

// Paths that clients may call, with everything below them. The rest of a simulator (its
// admin interface, metrics, sleep mode, adapter loading) is not for clients.
var (
	// PickedPaths go to the pod that the EPP picks.
	PickedPaths = []string{"/v1/completions", "/v1/chat/completions"}
	// BalancedPaths bypass the EPP, which, depending on its release, reads them, refuses them or
	// picks at random among all pods, including prefill.
	BalancedPaths = []string{
		ModelsPath, "/v1/embeddings", "/v1/responses", "/v1/messages",
		"/inference/v1/generate", "/tokenize", HealthPath,
	}
)
