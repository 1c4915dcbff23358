package stacks

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	k8scorev1 "k8s.io/api/core/v1"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/endpointpicker"
	"github.com/llm-d-sim/llm-d-sim/components/envoy"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/simulator"
	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
)

// stack registers the resources of one stack and remembers what its outputs tell.
type stack struct {
	ctx   *pulumi.Context
	spec  *config.Spec
	owner string
	// target is the cluster for the provider, and live the same one for reading.
	target cluster.Target
	live   cluster.Cluster
	// clusterID is the cluster's identity, empty if it does not tell.
	clusterID string
	// settle is how long what is not ready at the end is looked at again.
	settle time.Duration
	// edits are who has edited which object, by its kind and name.
	edits map[string]string

	common components.Common
	seed   pulumi.IntInput
	// apiKeys let in clients of the standard gateway, the one to use first.
	apiKeys []pulumi.StringOutput
	// proxyService and pool are where gateways of the Gateway API send requests.
	proxyService, pool pulumi.StringInput
	// parts are the registered Deployments, in the order of the request path.
	parts []part
	// gateways are the Services of those that clients send to, the first one first.
	gateways []gatewayService
}

// gatewayService is where a gateway takes requests.
type gatewayService struct {
	name pulumi.StringInput
	port int32
}

// part is one Deployment of the stack, for the outputs.
type part struct {
	// name is the part's key in the status output.
	name, deployment, image string
	// service is the Service of the part, if it has one, and port that of decode pods.
	service string
	port    int32
	// decode marks the part that answers requests.
	decode bool
	// oneLeads marks a part of whose replicas only one is ever ready.
	oneLeads bool
	resource *appsv1.Deployment
}

func (s *stack) register() error {
	inCluster, err := s.provider()
	if err != nil {
		return err
	}
	namespace, err := s.namespace(inCluster)
	if err != nil {
		return err
	}
	s.common = components.Common{
		Namespace:        namespace,
		Instance:         s.spec.Name,
		Owner:            s.owner,
		ImagePullSecrets: s.spec.ImagePullSecrets,
		NetworkPolicy:    s.spec.NetworkPolicy.Enabled,
		EditedBy:         s.edits,
		ReadyTimeout:     s.spec.ReadyTimeout.Duration,
	}
	if err := s.randomValues(); err != nil {
		return err
	}
	for _, register := range []func(pulumi.ResourceOption) error{
		s.standardGateway, s.istioGateway, s.epp, s.prefill, s.decode, s.proxy, s.gatewayAPI, s.istioLoadBalancing,
	} {
		if err := register(inCluster); err != nil {
			return err
		}
	}
	return nil
}

// provider returns the option that puts resources into the target cluster.
func (s *stack) provider() (pulumi.ResourceOption, error) {
	args := &kubernetes.ProviderArgs{
		// Names are fixed, so a changed ConfigMap is updated rather than replaced; a
		// checksum on the pods rolls them.
		EnableConfigMapMutable: pulumi.Bool(true),
	}
	if s.target.Kubeconfig != "" {
		args.Kubeconfig = pulumi.ToSecret(pulumi.String(s.target.Kubeconfig)).(pulumi.StringOutput)
	}
	if s.target.Context != "" {
		args.Context = pulumi.String(s.target.Context)
	}
	if s.clusterID != "" {
		// Otherwise another address of the same cluster counts as another cluster: every
		// object would be made again, which is to adopt it, and then deleted as the old one.
		args.ClusterIdentifier = pulumi.String(s.clusterID)
	}
	provider, err := kubernetes.NewProvider(s.ctx, "kubernetes", args)
	if err != nil {
		return nil, err
	}
	return pulumi.Providers(provider), nil
}

// namespace creates the namespace, or adopts the existing one.
func (s *stack) namespace(inCluster pulumi.ResourceOption) (pulumi.StringInput, error) {
	if !s.spec.CreateNamespace {
		return pulumi.String(s.spec.Namespace), nil
	}
	namespace, err := corev1.NewNamespace(s.ctx, "namespace", &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name:        pulumi.String(s.spec.Namespace),
			Annotations: pulumi.ToStringMap(components.OwnedBy(s.owner)),
			Labels: pulumi.StringMap{
				"app.kubernetes.io/managed-by":       pulumi.String("pulumi"),
				"pod-security.kubernetes.io/enforce": pulumi.String("restricted"),
			},
		},
	}, inCluster)
	if err != nil {
		return nil, err
	}
	return namespace.Metadata.Name().Elem(), nil
}

// apiKeyLength in letters and digits makes 238 random bits.
const apiKeyLength = 40

// randomValues registers what is random once and then stays: the simulators' seed, unless
// it is configured, and the gateway's keys.
func (s *stack) randomValues() error {
	if configured := s.spec.Simulator.Seed; configured != nil {
		s.seed = pulumi.Int(*configured)
		if !s.spec.Auth() {
			return nil
		}
	}
	provider, err := random.NewProvider(s.ctx, "random", nil)
	if err != nil {
		return err
	}
	if s.seed == nil {
		seed, err := random.NewRandomInteger(s.ctx, "simulator-seed", &random.RandomIntegerArgs{
			Min: pulumi.Int(0), Max: pulumi.Int(math.MaxInt32),
		}, pulumi.Provider(provider))
		if err != nil {
			return err
		}
		s.seed = seed.Result
	}
	if !s.spec.Auth() {
		return nil
	}
	// Two generations, so that clients can go over from one to the next.
	latest := s.spec.InferenceGateway.Auth.KeyGeneration
	for generation := latest; generation > max(0, latest-2); generation-- {
		key, err := random.NewRandomPassword(s.ctx, fmt.Sprintf("api-key-%d", generation), &random.RandomPasswordArgs{
			Length: pulumi.Int(apiKeyLength), Special: pulumi.Bool(false),
		}, pulumi.Provider(provider))
		if err != nil {
			return err
		}
		s.apiKeys = append(s.apiKeys, key.Result)
	}
	return nil
}

func (s *stack) standardGateway(inCluster pulumi.ResourceOption) error {
	gateway := s.spec.InferenceGateway.Standard
	if !s.spec.StandardGateway() {
		return nil
	}
	bootstrap := envoy.Bootstrap{
		Backend:   envoy.Upstream{Host: s.spec.DecodeName(), Port: s.spec.DecodeStage().Port},
		Algorithm: string(s.spec.LoadBalancing.Algorithm),
	}
	if s.spec.EPP.Enabled {
		bootstrap.EPP = &envoy.Upstream{Host: llmd.EPPName, Port: s.spec.EPP.Port}
		bootstrap.EPPSecure = s.spec.EPP.SecureServing
	}
	g, err := components.NewInferenceGateway(s.ctx, "standard-gateway", &components.InferenceGatewayArgs{
		Common:    s.common,
		Replicas:  int(gateway.Replicas),
		Container: s.container(gateway.Image, gateway.Resources),
		Port:      int(gateway.Port),
		Standard:  &components.StandardGateway{Bootstrap: bootstrap, APIKeys: s.apiKeys},
	}, inCluster)
	if err != nil {
		return err
	}
	s.parts = append(s.parts, part{
		name: "standardGateway", deployment: llmd.StandardGatewayName, image: gateway.Image,
		service: llmd.StandardGatewayName, resource: g.Deployment,
	})
	s.gateways = append(s.gateways, gatewayService{g.ServiceName, gateway.Port})
	return nil
}

func (s *stack) istioGateway(inCluster pulumi.ResourceOption) error {
	gateway := s.spec.InferenceGateway.Istio
	if !s.spec.IstioGateway() {
		return nil
	}
	g, err := components.NewInferenceGateway(s.ctx, "istio-gateway", &components.InferenceGatewayArgs{
		Common:    s.common,
		Replicas:  int(gateway.Replicas),
		Container: s.container(gateway.Image, gateway.Resources),
		Port:      int(gateway.Port),
		Istio:     &components.IstioGateway{GatewayName: llmd.IstioGatewayName},
	}, inCluster)
	if err != nil {
		return err
	}
	s.parts = append(s.parts, part{
		name: "istioGateway", deployment: llmd.IstioGatewayName, image: gateway.Image,
		service: llmd.IstioGatewayName, resource: g.Deployment,
	})
	s.gateways = append(s.gateways, gatewayService{g.ServiceName, gateway.Port})
	return nil
}

func (s *stack) epp(inCluster pulumi.ResourceOption) error {
	epp := s.spec.EPP
	if !epp.Enabled {
		return nil
	}
	plugins, err := s.pluginsConfig()
	if err != nil {
		return err
	}
	e, err := components.NewEPP(s.ctx, "epp", &components.EPPArgs{
		Common:        s.common,
		Replicas:      int(epp.Replicas),
		Container:     s.container(epp.Image, epp.Resources),
		Port:          int(epp.Port),
		TargetPort:    int(s.spec.DecodeStage().Port),
		Verbosity:     int(epp.Verbosity),
		KVCacheMetric: simulator.KVCacheMetric(s.spec.DecodeStage().Image),
		PluginsConfig: plugins,
		SecureServing: epp.SecureServing,
		Istio:         s.spec.IstioProxies(),
		Args:          epp.Args,
		InferencePool: s.spec.Pool(),
	}, inCluster)
	if err != nil {
		return err
	}
	s.pool = e.PoolName
	s.parts = append(s.parts, part{
		name: "epp", deployment: llmd.EPPName, image: epp.Image,
		service: llmd.EPPName, oneLeads: epp.Replicas > 1, resource: e.Deployment,
	})
	return nil
}

func (s *stack) pluginsConfig() (string, error) {
	if own := s.spec.EPP.PluginsConfig; own != nil {
		return endpointpicker.Override(own)
	}
	return endpointpicker.PluginsConfig(endpointpicker.Config{PrefillDecode: s.spec.Sidecar()})
}

func (s *stack) prefill(inCluster pulumi.ResourceOption) error {
	if !s.spec.Prefill.Enabled {
		return nil
	}
	stage := s.spec.PrefillStage()
	return s.stage(inCluster, "prefill", stage, components.ModelServiceStageArgs{
		Name: llmd.PrefillName, Role: llmd.RolePrefill, Service: true,
	})
}

// decode registers the decode pods: the stage, or in single mode the Deployment that
// stands for all stages.
func (s *stack) decode(inCluster pulumi.ResourceOption) error {
	args := components.ModelServiceStageArgs{
		Name: s.spec.DecodeName(), Role: llmd.RoleDecode, Service: s.spec.DecodeService(), Open: s.spec.OpenDecode(),
	}
	if s.spec.SingleMode() {
		return s.stage(inCluster, "simulator", s.spec.DecodeStage(), args)
	}
	if s.spec.Sidecar() {
		sidecar := s.container(s.spec.Decode.RoutingSidecar.Image, s.spec.Decode.RoutingSidecar.Resources)
		args.RoutingSidecar = &sidecar
	}
	return s.stage(inCluster, "decode", s.spec.DecodeStage(), args)
}

// stage fills in what all stages have in common, and registers it.
func (s *stack) stage(
	inCluster pulumi.ResourceOption, name string, stage config.Stage, args components.ModelServiceStageArgs,
) error {
	args.Common = s.common
	args.Replicas = int(stage.Replicas)
	args.Container = s.container(stage.Image, stage.Resources)
	args.Port = int(stage.Port)
	args.Model = s.spec.Simulator.Model
	args.Seed = s.seed
	args.Simulator = simulator.Options{
		Verbosity:              stage.LogVerbosity,
		MaxNumSeqs:             s.spec.Simulator.MaxNumSeqs,
		TimeToFirstToken:       s.spec.Simulator.TimeToFirstToken.Duration,
		InterTokenLatency:      s.spec.Simulator.InterTokenLatency.Duration,
		KVCacheTransferLatency: s.spec.Simulator.KVCacheTransferLatency.Duration,
		Args:                   stage.Args,
	}
	m, err := components.NewModelServiceStage(s.ctx, name, &args, inCluster)
	if err != nil {
		return err
	}
	p := part{
		name: args.Role, deployment: args.Name, image: stage.Image,
		port: stage.Port, decode: args.Role == llmd.RoleDecode, resource: m.Deployment,
	}
	if args.Service {
		p.service = args.Name
	}
	s.parts = append(s.parts, p)
	return nil
}

// proxy registers the proxy Service.
func (s *stack) proxy(inCluster pulumi.ResourceOption) error {
	p, err := components.NewProxyService(s.ctx, "proxy", &components.ProxyServiceArgs{
		Common: s.common,
		Name:   s.spec.Service.Name,
		Port:   int(s.spec.Service.Port),
		Type:   string(s.spec.Service.Type),
	}, inCluster)
	if err != nil {
		return err
	}
	s.proxyService = p.ServiceName
	return nil
}

// gatewayAPI registers what the Gateway API knows of the stack: the gateway that its
// controller runs, and the routes of the Istio gateway, which this program runs.
func (s *stack) gatewayAPI(inCluster pulumi.ResourceOption) error {
	args := components.GatewayAPIArgs{
		Common: s.common, Service: s.proxyService, ServicePort: int(s.spec.Service.Port),
	}
	if s.spec.Pool() {
		args.InferencePool = s.pool
	}
	if s.spec.Gateway.Enabled {
		own := args
		own.Name, own.ClassName, own.Port = s.spec.Gateway.RouteName, s.spec.Gateway.ClassName, llmd.GatewayListenPort
		g, err := components.NewGatewayAPI(s.ctx, "gateway", &own, inCluster)
		if err != nil {
			return err
		}
		if own.ClassName == llmd.IstioClassName { // Others have names of their own for it.
			s.gateways = append(s.gateways, gatewayService{g.ServiceName, llmd.GatewayListenPort})
		}
	}
	if s.spec.IstioGateway() {
		args.Name, args.ClassName, args.Port = llmd.IstioGatewayName, llmd.IstioClassName, int(s.spec.InferenceGateway.Istio.Port)
		args.Proxies = pulumi.String(llmd.IstioGatewayName)
		if _, err := components.NewGatewayAPI(s.ctx, "istio-gateway-routes", &args, inCluster); err != nil {
			return err
		}
	}
	return nil
}

func (s *stack) istioLoadBalancing(inCluster pulumi.ResourceOption) error {
	balancing := s.spec.LoadBalancing
	if !balancing.Enabled {
		return nil
	}
	args := &components.IstioLoadBalancingArgs{
		Common:    s.common,
		Service:   s.spec.Service.Name,
		Algorithm: string(balancing.Algorithm),
	}
	if pool := balancing.ConnectionPool; pool != nil {
		args.HTTP1MaxPendingRequests = optionalInt(pool.HTTP1MaxPendingRequests)
		args.MaxRequestsPerConnection = optionalInt(pool.MaxRequestsPerConnection)
	}
	_, err := components.NewIstioLoadBalancing(s.ctx, "load-balancing", args, inCluster)
	return err
}

// container turns the configured image and resources into a component's Container.
func (s *stack) container(image string, resources k8scorev1.ResourceRequirements) components.Container {
	return components.Container{
		Image:           image,
		ImagePullPolicy: string(config.PullPolicy(image, s.spec.ImagePullPolicy)),
		Resources: &corev1.ResourceRequirementsArgs{
			Requests: quantities(resources.Requests), Limits: quantities(resources.Limits),
		},
	}
}

func quantities(list k8scorev1.ResourceList) pulumi.StringMapInput {
	if len(list) == 0 {
		return nil
	}
	m := pulumi.StringMap{}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		quantity := list[name]
		m[string(name)] = pulumi.String(quantity.String())
	}
	return m
}

func optionalInt(n *int32) *int {
	if n == nil {
		return nil
	}
	i := int(*n)
	return &i
}
