package components

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/envoy"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/simulator"
)

// routeAccepted holds once a controller has accepted the route and resolved its backends.
const routeAccepted = `["jsonpath={.status.parents[*].conditions[?(@.type==\"Accepted\")].status}=True",` +
	`"jsonpath={.status.parents[*].conditions[?(@.type==\"ResolvedRefs\")].status}=True"]`

// gatewayNameLabel marks the proxies of a Gateway.
const gatewayNameLabel = "gateway.networking.k8s.io/gateway-name"

// GatewayAPIArgs describes a Gateway API Gateway in front of the stack. Only Namespace is
// required.
type GatewayAPIArgs struct {
	// Namespace of every object, and of Service and Proxies. Required.
	Namespace pulumi.StringInput `pulumi:"namespace"`

	// Instance is the app.kubernetes.io/instance label of every object.
	// Default: the component's name.
	Instance string `pulumi:"instance,optional"`

	// Name of the Gateway and of its HTTPRoute. Default: llmd.StandardGatewayName.
	Name string `pulumi:"name,optional"`

	// ClassName is the GatewayClass, whose controller runs the gateway. Default: istio.
	ClassName string `pulumi:"className,optional"`

	// Port that the Gateway listens on. Default: llmd.GatewayListenPort.
	Port int `pulumi:"port,optional"`

	// Proxies is the Service, with a port Port, of existing proxies that only need routes.
	// Default: the class's controller runs its own.
	Proxies pulumi.StringInput `pulumi:"proxies,optional"`

	// InferencePool routes to the InferencePool of this name, whose EPP picks the pod.
	// Default: route to Service.
	InferencePool pulumi.StringInput `pulumi:"inferencePool,optional"`

	// Service receives the requests if there is no InferencePool, and otherwise those that no
	// EPP can schedule. Default: llmd.ProxyServiceName.
	Service pulumi.StringInput `pulumi:"service,optional"`

	// ServicePort is the port of Service. Default: llmd.SimulatorPort.
	ServicePort int `pulumi:"servicePort,optional"`

	// ModelNames are those that the pods of the gateway's own model answer to: of the model and of
	// its adapters. Required with Models.
	ModelNames []string `pulumi:"modelNames,optional"`

	// Models are further models, at most llmd.MaxRoutedModels: a request whose header
	// x-gateway-base-model-name has the first of a model's names goes to the Services of that model,
	// and any other to the gateway's own. With class istio, the gateway sets the header by the field
	// model of a request's JSON. Default: none.
	Models []GatewayModel `pulumi:"models,optional"`

	// MaxRequestMiB is the largest request body that the simulators read, in MiB. With Models,
	// Istio's proxies answer a larger one 413. Default: 4, the simulators' own.
	MaxRequestMiB int `pulumi:"maxRequestMiB,optional"`

	// StripFairness makes Istio's proxies remove the headers by which clients name a tenant to
	// the EPP, such as x-gateway-inference-fairness-id. Default: they pass.
	StripFairness bool `pulumi:"stripFairness,optional"`

	// ClusterDomain is the DNS domain of the cluster. Default: llmd.ClusterDomain.
	ClusterDomain string `pulumi:"clusterDomain,optional"`

	// ReadyTimeout is how long `up` waits for the controller, a duration such as 5m.
	// Default: the Kubernetes provider's, 10m.
	ReadyTimeout string `pulumi:"readyTimeout,optional"`
}

// GatewayAPI is a Gateway and the HTTPRoute that binds it to the stack. It needs the
// Gateway API's CRDs and a controller for the class, and is ready once that controller has
// programmed the Gateway, accepted the route and resolved its backends. With class istio, it also has
// an EnvoyFilter, and a ConfigMap that customizes the proxies that istiod runs.
type GatewayAPI struct {
	pulumi.ResourceState

	// GatewayName is the name of the Gateway.
	GatewayName pulumi.StringOutput `pulumi:"gatewayName"`
	// RouteName is the name of the HTTPRoute.
	RouteName pulumi.StringOutput `pulumi:"routeName"`
	// ServiceName is the name of the proxies' Service, empty if only the class's controller
	// knows it.
	ServiceName pulumi.StringOutput `pulumi:"serviceName"`
	// Endpoint is that Service's address within the cluster, host:port, or empty.
	Endpoint pulumi.StringOutput `pulumi:"endpoint"`
}

// gatewayAPI is a GatewayAPIArgs with its defaults filled in.
type gatewayAPI struct {
	common
	GatewayAPIArgs
}

// IstioServiceName returns the name that istiod gives to the Deployment and the Service
// that it creates for a Gateway.
func IstioServiceName(gateway string) string { return gateway + "-" + llmd.IstioClassName }

// istioOverlays are merged by istiod (since 1.26) into the objects that it creates for a
// Gateway: pods that the Pod Security level "restricted" admits, and a Service that exposes
// the unauthenticated simulators only within the cluster.
var istioOverlays = map[string]string{
	"deployment": "spec: {template: {spec: {securityContext: {seccompProfile: {type: RuntimeDefault}}}}}\n",
	"service":    "spec: {type: ClusterIP}\n",
}

func (a *GatewayAPIArgs) withDefaults(name string) (*gatewayAPI, error) {
	if a == nil {
		return nil, errors.New("args are required")
	}
	g := &gatewayAPI{common{
		namespace: a.Namespace, instance: or(a.Instance, name), readyTimeout: a.ReadyTimeout, clusterDomain: a.ClusterDomain,
	}, *a}
	g.Name = or(a.Name, llmd.StandardGatewayName)
	g.ClassName = or(a.ClassName, llmd.IstioClassName)
	g.Port = or(a.Port, llmd.GatewayListenPort)
	if a.Service == nil {
		g.Service = pulumi.String(llmd.ProxyServiceName)
	}
	g.ServicePort = or(a.ServicePort, llmd.SimulatorPort)
	g.MaxRequestMiB = or(a.MaxRequestMiB, simulator.DefaultMaxRequestMiB)
	if err := checkModels(a.ModelNames, forEnvoy(a.Models)); err != nil {
		return nil, err
	}
	if len(a.Models) > llmd.MaxRoutedModels {
		return nil, fmt.Errorf("models: at most %d, got %d", llmd.MaxRoutedModels, len(a.Models))
	}
	return g, errors.Join(g.validate(), checkPort("port", g.Port), checkPort("service port", g.ServicePort))
}

// NewGatewayAPI registers the Gateway and its HTTPRoute.
func NewGatewayAPI(
	ctx *pulumi.Context, name string, args *GatewayAPIArgs, opts ...pulumi.ResourceOption,
) (*GatewayAPI, error) {
	a, err := args.withDefaults(name)
	if err != nil {
		return nil, fmt.Errorf("gateway API %s: %w", name, err)
	}
	g := &GatewayAPI{}
	if err := ctx.RegisterComponentResourceV2(typeToken("GatewayAPI"), name, inputs(args), g, opts...); err != nil {
		return nil, err
	}
	object := func(suffix, kind string, spec pulumi.Map, waitFor string) (*apiextensions.CustomResource, error) {
		return apiextensions.NewCustomResource(ctx, name+suffix, &apiextensions.CustomResourceArgs{
			ApiVersion:  pulumi.String("gateway.networking.k8s.io/v1"),
			Kind:        pulumi.String(kind),
			Metadata:    a.metadata(a.Name, llmd.ComponentGateway, nil, map[string]string{llmd.WaitForAnnotation: waitFor}),
			OtherFields: kubernetes.UntypedArgs{"spec": spec},
		}, a.timeouts(pulumi.Parent(g))...)
	}
	spec := pulumi.Map{
		"gatewayClassName": pulumi.String(a.ClassName),
		"listeners": pulumi.Array{pulumi.Map{
			"name":          pulumi.String("http"),
			"port":          pulumi.Int(a.Port),
			"protocol":      pulumi.String("HTTP"),
			"allowedRoutes": pulumi.Map{"namespaces": pulumi.Map{"from": pulumi.String("Same")}},
		}},
	}
	service, endpoint := pulumi.StringInput(pulumi.String("")), pulumi.String("").ToStringOutput()
	switch {
	case a.Proxies != nil:
		service = a.Proxies
		endpoint = a.endpoint(service, a.Port)
		spec["addresses"] = pulumi.Array{pulumi.Map{
			"type": pulumi.String("Hostname"), "value": a.serviceHost(service),
		}}
	case a.ClassName == llmd.IstioClassName:
		service = pulumi.String(IstioServiceName(a.Name))
		endpoint = a.endpoint(service, a.Port)
		overlays, err := corev1.NewConfigMap(ctx, name+"-overlays", &corev1.ConfigMapArgs{
			Metadata: a.metadata(a.Name, llmd.ComponentGateway, nil, nil),
			Data:     pulumi.ToStringMap(istioOverlays),
		}, pulumi.Parent(g))
		if err != nil {
			return nil, err
		}
		spec["infrastructure"] = pulumi.Map{"parametersRef": pulumi.Map{
			"group": pulumi.String(""), "kind": pulumi.String("ConfigMap"), "name": overlays.Metadata.Name().Elem(),
		}}
	}
	g.ServiceName, g.Endpoint = service.ToStringOutput(), endpoint
	if a.ClassName == llmd.IstioClassName {
		if err := a.protect(ctx, name, pulumi.Parent(g)); err != nil {
			return nil, err
		}
	}
	gateway, err := object("-gateway", "Gateway", spec, "condition=Programmed")
	if err != nil {
		return nil, err
	}
	g.GatewayName = gateway.Metadata.Name().Elem()
	route, err := object("-route", "HTTPRoute", pulumi.Map{
		"parentRefs": pulumi.Array{pulumi.Map{"name": g.GatewayName}},
		"rules":      a.rules(),
	}, routeAccepted)
	if err != nil {
		return nil, err
	}
	g.RouteName = route.Metadata.Name().Elem()
	return g, ctx.RegisterResourceOutputs(g, pulumi.Map{
		"gatewayName": g.GatewayName, "routeName": g.RouteName, "serviceName": g.ServiceName, "endpoint": g.Endpoint,
	})
}

// rules returns those of all models. They are in one HTTPRoute, since istiod asks the EPP of only one
// of several (istio#58392).
func (a *gatewayAPI) rules() pulumi.Array {
	var rules pulumi.Array
	for _, model := range append([]GatewayModel{{}}, a.Models...) {
		rules = append(rules,
			rule(model, a.backend(model), llmd.PickedPaths), rule(model, a.serviceRef(model), llmd.BalancedPaths))
	}
	return rules
}

// rule routes the paths of a model's requests, and everything below them.
func rule(model GatewayModel, backend pulumi.Map, paths []string) pulumi.Map {
	matches := make(pulumi.Array, len(paths))
	for i, path := range paths {
		match := pulumi.Map{"path": pulumi.Map{
			"type": pulumi.String("PathPrefix"), "value": pulumi.String(path),
		}}
		if model.Model != "" {
			match["headers"] = pulumi.Array{pulumi.Map{
				"name": pulumi.String(llmd.ModelHeader), "value": pulumi.String(model.Names[0]),
			}}
		}
		matches[i] = match
	}
	return pulumi.Map{
		"matches":     matches,
		"backendRefs": pulumi.Array{backend},
		// A generation may take long: no limit, as in the standard gateway.
		"timeouts": pulumi.Map{"request": pulumi.String("0s")},
	}
}

// backend returns the InferencePool of a model, or its Service if there is none.
func (a *gatewayAPI) backend(model GatewayModel) pulumi.Map {
	if a.InferencePool == nil {
		return a.serviceRef(model)
	}
	return pulumi.Map{
		"group": pulumi.String("inference.networking.k8s.io"),
		"kind":  pulumi.String("InferencePool"),
		"name":  model.named(a.InferencePool),
	}
}

func (a *gatewayAPI) serviceRef(model GatewayModel) pulumi.Map {
	return pulumi.Map{"name": model.named(a.Service), "port": pulumi.Int(a.ServicePort)}
}

// protect makes the Gateway's Istio proxies remove the headers that only the EPP may set, with
// which a client could choose the prefill pod, or any other address; and judge a path by what
// a simulator would take it for, or an escaped slash would lead to its admin interface.
func (a *gatewayAPI) protect(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) error {
	filter, err := envoy.StripFilter(a.StripFairness)
	if err != nil {
		return err
	}
	paths, err := envoy.PlainPaths()
	if err != nil {
		return err
	}
	patches := pulumi.Array{
		istioPatch("HTTP_FILTER", "INSERT_FIRST", filter),
		istioPatch("NETWORK_FILTER", "MERGE", map[string]any{"typed_config": paths}),
	}
	if len(a.Models) > 0 {
		byModel, err := a.istioModels()
		if err != nil {
			return err
		}
		patches = append(patches, byModel...)
	}
	_, err = apiextensions.NewCustomResource(ctx, name+"-strip-headers", &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String("networking.istio.io/v1alpha3"),
		Kind:       pulumi.String("EnvoyFilter"),
		Metadata:   a.metadata(a.Name, llmd.ComponentGateway, nil, nil),
		OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{
			"workloadSelector": pulumi.Map{"labels": pulumi.StringMap{gatewayNameLabel: pulumi.String(a.Name)}},
			"configPatches":    patches,
		}},
	}, opts...)
	return err
}

// istioPatch changes the connection managers of a Gateway's Istio proxies, or what they contain.
func istioPatch(applyTo, operation string, value map[string]any) pulumi.Map {
	return pulumi.Map{
		"applyTo": pulumi.String(applyTo),
		"match": pulumi.Map{
			"context": pulumi.String("GATEWAY"),
			"listener": pulumi.Map{"filterChain": pulumi.Map{"filter": pulumi.Map{
				"name": pulumi.String("envoy.filters.network.http_connection_manager"),
			}}},
		},
		"patch": pulumi.Map{"operation": pulumi.String(operation), "value": pulumi.ToMap(value)},
	}
}
