// Package config defines the stack configuration under `llm-d-sim:`, which mirrors the
// spec of the SimulatorDeployment resource field by field.
//
// It uses neither Pulumi nor a cluster: Load turns strings into a checked Spec, which the
// rest of the program deploys.
package config

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// Spec is the whole stack configuration. Default returns it with every default
// filled in that depends on no other key; Load and Validate guarantee the bounds named at
// each field.
type Spec struct {
	// Name of the deployment; names the single-mode Deployment ms-sim-{name}-decode.
	// A DNS label of at most 49 characters. Default: llm-sim.
	Name string `json:"name"`

	// Namespace that holds every object. A DNS label. Default: llm-d-sim.
	Namespace string `json:"namespace"`

	// CreateNamespace creates the namespace (with Pod Security "restricted" enforced)
	// and deletes it on destroy; false uses an existing one and leaves it. Default: true.
	CreateNamespace bool `json:"createNamespace"`

	// ClusterDomain is the DNS domain of the cluster. A DNS name. Default: cluster.local.
	ClusterDomain string `json:"clusterDomain"`

	// ReadyTimeout is how long `pulumi up` waits for each Deployment to become ready.
	// A Go duration of at least 1s. Default: 5m.
	ReadyTimeout metav1.Duration `json:"readyTimeout"`

	// Replicas is the number of simulator pods in single mode, that is when neither
	// prefill nor decode is enabled. At least 1. Default: 2.
	Replicas int32 `json:"replicas"`

	// Image of the simulator, also for stages that name none of their own.
	// Default: ghcr.io/llm-d/llm-d-inference-sim:v0.10.2.
	Image string `json:"image"`

	// ImagePullPolicy for every container: Always, IfNotPresent or Never.
	// Default: IfNotPresent for a tag `local`, else Kubernetes' own rule
	// (Always for `latest` or no tag, IfNotPresent otherwise).
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy"`

	// ImagePullSecrets names Secrets in the namespace that every pod pulls images with.
	// Default: none.
	ImagePullSecrets []string `json:"imagePullSecrets"`

	// LogVerbosity is the klog level (0 to 10) of the simulator in single mode; stages have
	// their own. Default: 5.
	LogVerbosity int32 `json:"logVerbosity"`

	// Resources of the simulator container in single mode, and of stages that name
	// none of their own. Default: requests of 100m CPU and 256Mi memory.
	Resources corev1.ResourceRequirements `json:"resources"`

	// Service is the proxy Service in front of the decode pods.
	Service Service `json:"service"`

	// Gateway is a Gateway API Gateway and HTTPRoute in front of the stack.
	Gateway Gateway `json:"gateway"`

	// LoadBalancing chooses how requests are spread where no EPP decides.
	LoadBalancing LoadBalancing `json:"loadBalancing"`

	// EPP is the Endpoint Picker that scores pods for each request.
	EPP EPP `json:"epp"`

	// Objectives are priorities by their names: a request chooses one by the header
	// x-gateway-inference-objective. While all pods are busy, the EPP queues requests and serves
	// the highest priority first. Needs epp.enabled, an EPP from v0.7.0 on and the CRD
	// InferenceObjective. Default: none, pods queue requests in the order of their arrival.
	Objectives map[string]Objective `json:"objectives"`

	// InferencePool lets the EPP and Gateway API gateways find pods by an InferencePool.
	InferencePool InferencePool `json:"inferencePool"`

	// InferenceGateway holds the gateways that this program runs itself.
	InferenceGateway InferenceGateway `json:"inferenceGateway"`

	// NetworkPolicy restricts connections to the pods.
	NetworkPolicy NetworkPolicy `json:"networkPolicy"`

	// Monitoring opens the stack's metrics to Prometheus and Grafana.
	Monitoring Monitoring `json:"monitoring"`

	// Tracing sends the spans of requests to an OpenTelemetry collector.
	Tracing Tracing `json:"tracing"`

	// PodDisruptionBudget keeps the stack serving while nodes are drained.
	PodDisruptionBudget PodDisruptionBudget `json:"podDisruptionBudget"`

	// PodSecurity says as whom the containers run.
	PodSecurity PodSecurity `json:"podSecurity"`

	// Prefill is the prefill stage.
	Prefill Stage `json:"prefill"`

	// Decode is the decode stage.
	Decode DecodeStage `json:"decode"`

	// Simulator holds what all simulators share.
	Simulator Simulator `json:"simulator"`

	// Models are further models by a short name, a DNS label, which is appended to the names of their
	// objects. The gateways send each request to the pods of the model that it names, and what
	// names none of them to those of the stack's own model, simulator.model. Needs a gateway.
	// Default: none.
	Models map[string]Model `json:"models"`
}

// Service configures the proxy Service.
type Service struct {
	// Name of the Service. A DNS label. Default: gaie-inference-scheduling-proxy.
	Name string `json:"name"`
	// Port of the Service; in single mode also the port the simulator listens on.
	// 1 to 65535. Default: 8200.
	Port int32 `json:"port"`
	// Type of the Service: ClusterIP, NodePort or LoadBalancer. Default: ClusterIP.
	Type corev1.ServiceType `json:"type"`
}

// Gateway configures a Gateway API Gateway; needs the Gateway API CRDs and a controller.
type Gateway struct {
	// Enabled creates the Gateway and its HTTPRoute. The proxies that istiod runs for it get
	// a ClusterIP Service, like the stack's other gateways. Default: false.
	Enabled bool `json:"enabled"`
	// ClassName is the GatewayClass: istio, kgateway or any other. Default: istio.
	ClassName string `json:"className"`
	// RouteName names both Gateway and HTTPRoute. Default: infra-sim-inference-gateway.
	RouteName string `json:"routeName"`
}

// LoadBalancing configures the balancing among decode pods.
type LoadBalancing struct {
	// Enabled creates an Istio DestinationRule for the proxy Service; needs Istio's CRDs.
	// The standard gateway uses Algorithm either way. Default: false.
	Enabled bool `json:"enabled"`
	// Algorithm is ROUND_ROBIN, LEAST_REQUEST, RANDOM or LEAST_CONN (Istio's deprecated
	// name of LEAST_REQUEST). Default: ROUND_ROBIN.
	Algorithm Algorithm `json:"algorithm"`
	// ConnectionPool limits of the DestinationRule. Default: none, Istio's own limits hold.
	ConnectionPool *ConnectionPool `json:"connectionPool"`
}

// Algorithm is a load-balancing algorithm.
type Algorithm string

// The algorithms of SimulatorDeployment.
const (
	RoundRobin   Algorithm = llmd.RoundRobin
	LeastRequest Algorithm = "LEAST_REQUEST"
	Random       Algorithm = "RANDOM"
	LeastConn    Algorithm = "LEAST_CONN"
)

// ConnectionPool limits connections to the proxy Service. Requests over a limit
// are answered 503.
type ConnectionPool struct {
	// HTTP1MaxPendingRequests is the number of requests that may wait for a connection.
	// At least 1. Default: not set.
	HTTP1MaxPendingRequests *int32 `json:"http1MaxPendingRequests"`
	// MaxRequestsPerConnection closes a connection after this many requests; 1 disables
	// keep-alive. At least 1. Default: not set.
	MaxRequestsPerConnection *int32 `json:"maxRequestsPerConnection"`
}

// EPP configures the Endpoint Picker.
type EPP struct {
	// Enabled deploys the EPP and sends the gateways' requests through it. Default: false.
	Enabled bool `json:"enabled"`
	// Replicas is the number of EPP pods; with more than one, the pods elect a leader.
	// At least 1. Default: 1.
	Replicas int32 `json:"replicas"`
	// Image of the EPP. Default: ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.10.0.
	Image string `json:"image"`
	// Version of the EPP, such as v0.10.0, where the image's tag does not say it.
	// Default: that of the tag; the newest known one if the tag is no version.
	Version string `json:"version"`
	// Port of the EPP Service. 1 to 65535. Default: 8100.
	Port int32 `json:"port"`
	// Verbosity is the EPP's log level (--v), 0 to 10. Default: 1.
	Verbosity int32 `json:"verbosity"`
	// SecureServing makes the gateways use TLS to the EPP, which generates its certificate;
	// the certificate is not verified. Otherwise they use plain HTTP/2. Default: false.
	SecureServing bool `json:"secureServing"`
	// Fairness makes tenants take turns within a priority of objectives: the header
	// x-gateway-inference-fairness-id of a request names its tenant. Otherwise requests are
	// served in the order of their arrival, and the gateways remove the header. Default: false.
	Fairness bool `json:"fairness"`
	// PrefixCache is how the EPP knows which pod has the beginning of a prompt in its KV cache:
	// approximate, by the requests that it has sent there, or precise, by the events of the
	// simulators' caches. precise needs simulator.kvCache.enabled, an EPP from v0.9.0 on, and
	// simulators from v0.9.2 on. Default: approximate.
	PrefixCache PrefixCache `json:"prefixCache"`
	// Args are appended to the EPP's arguments. Default: none.
	Args []string `json:"args"`
	// Resources of the EPP container. Default: requests of 100m CPU and 128Mi memory.
	Resources corev1.ResourceRequirements `json:"resources"`
	// PluginsConfig is a whole EndpointPickerConfig to use instead of the generated one, as
	// an object or as its YAML text.
	// Default: generated for the stages that are enabled.
	PluginsConfig map[string]any `json:"pluginsConfig"`
	// PluginsConfigCheck checks PluginsConfig against the EPP's version, and migrates one of
	// an older version. Plugins that are not llm-d's need it off. Default: true.
	PluginsConfigCheck bool `json:"pluginsConfigCheck"`
}

// PrefixCache is a way to know what the pods' caches hold.
type PrefixCache string

// The ways to know it.
const (
	PrefixCacheApproximate PrefixCache = "approximate"
	PrefixCachePrecise     PrefixCache = "precise"
)

// InferencePool configures pod discovery by InferencePool; needs the inference
// extension's CRDs.
type InferencePool struct {
	// Enabled creates the InferencePool gaie-sim. Without it the EPP finds pods by
	// label, which needs no CRDs, and only the standard gateway asks it. Needs
	// epp.enabled. Default: true if the EPP is enabled together with gateway or
	// inferenceGateway.istio, which reach it by the pool, or with objectives, or if its version
	// finds pods in no other way (v0.7 and v0.8); else false.
	Enabled *bool `json:"enabled"`
}

// InferenceGateway configures the gateways that this program runs itself.
type InferenceGateway struct {
	// Enabled is the main switch for both gateways. Default: false.
	Enabled bool `json:"enabled"`
	// Standard is a plain Envoy that asks the EPP by ext_proc.
	// Its image defaults to cr.kgateway.dev/kgateway-dev/envoy-wrapper:v2.1.1.
	Standard GatewayInstance `json:"standard"`
	// Istio is an Istio proxy, routed to by the Gateway API; needs Istio and the Gateway
	// API's CRDs.
	// Its image defaults to docker.io/istio/proxyv2:1.28.1.
	Istio GatewayInstance `json:"istio"`
	// Auth makes the standard gateway require an API key.
	Auth GatewayAuth `json:"auth"`
	// DrainTimeout is how long a gateway pod that is being replaced keeps serving: a response
	// that streams for longer is cut off. A Go duration of at least 5s. Default: 30s.
	DrainTimeout metav1.Duration `json:"drainTimeout"`
}

// GatewayAuth configures the API key of the standard gateway.
type GatewayAuth struct {
	// Enabled accepts only requests with the header `Authorization: Bearer KEY`; others are
	// answered 401. The key is random and is the stack output apiKey. Needs the standard
	// gateway, and refuses the others, which cannot check a key. Default: false.
	Enabled bool `json:"enabled"`
	// KeyGeneration counts the keys: increase it by one for a new key. The previous key stays
	// valid until the next one is generated. At least 1. Default: 1.
	KeyGeneration int32 `json:"keyGeneration"`
}

// NetworkPolicy configures the NetworkPolicies, which the cluster's network has to enforce.
type NetworkPolicy struct {
	// Enabled allows only clients to gateways, gateways to the EPP and simulators, the EPP to
	// simulators, and decode pods to prefill pods. Default: false.
	Enabled bool `json:"enabled"`
	// ProxyService lets clients bypass the gateways and reach the decode pods through the
	// proxy Service. Default: true without a gateway, else false.
	ProxyService *bool `json:"proxyService"`
}

// PodDisruptionBudget configures what a node drain may do to the stack.
type PodDisruptionBudget struct {
	// Enabled lets only one pod at a time be evicted of each Deployment with several
	// replicas, and spreads pods over nodes. Default: false.
	Enabled bool `json:"enabled"`
}

// PodSecurity configures the identity of the containers, which never is root.
type PodSecurity struct {
	// FixedIDs runs each container as a fixed user and group, so that images whose user is root
	// or has only a name still run. Set it to false where the cluster assigns IDs from a range
	// of the namespace, as OpenShift does. Default: true.
	FixedIDs bool `json:"fixedIDs"`
}

// GatewayInstance configures one gateway.
type GatewayInstance struct {
	// Enabled deploys this gateway. Default: false.
	Enabled bool `json:"enabled"`
	// Replicas is the number of gateway pods. At least 1. Default: 1.
	Replicas int32 `json:"replicas"`
	// Image of the gateway.
	Image string `json:"image"`
	// Port of the gateway's Service. 1 to 65535. Default: 8080.
	Port int32 `json:"port"`
	// Resources of the gateway container. Default: requests of 100m CPU and 128Mi memory.
	Resources corev1.ResourceRequirements `json:"resources"`
}
