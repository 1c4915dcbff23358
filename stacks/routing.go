package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// proxy registers the proxy Service.
func (c *composer) proxy() error {
	p, err := components.NewProxyService(c.ctx, c.part("proxy"), &components.ProxyServiceArgs{
		Namespace: c.Namespace,
		Instance:  c.spec.Name,
		Model:     c.model,
		Name:      llmd.ForModel(c.spec.Service.Name, c.model),
		Port:      int(c.spec.Service.Port),
		Type:      string(c.spec.Service.Type),

		ClusterDomain: c.spec.ClusterDomain,
	}, c.child("proxy"))
	if err != nil {
		return err
	}
	c.proxyService = p.ServiceName
	if c.model != "" {
		c.services = append(c.services, p.Endpoint)
		return nil
	}
	c.services = append(pulumi.StringArray{p.Endpoint}, c.services...)
	return nil
}

func gatewayEnabled(spec *config.Spec) bool { return spec.Gateway.Enabled }

// gateway registers the Gateway that a Gateway API controller runs.
func (c *composer) gateway() error {
	args := c.routes()
	args.Name, args.ClassName = c.spec.Gateway.RouteName, c.spec.Gateway.ClassName
	g, err := components.NewGatewayAPI(c.ctx, c.name+"-gateway", args, c.child("gateway"))
	if err != nil {
		return err
	}
	c.routeNames = append(c.routeNames, g.RouteName)
	if args.ClassName == llmd.IstioClassName { // Other controllers use other names.
		c.gateways = append(c.gateways, g.Endpoint)
	}
	return nil
}

// gatewayImplied returns the objects that istiod creates for the Gateway.
func gatewayImplied(spec *config.Spec) []plan.Object {
	if spec.Gateway.ClassName != llmd.IstioClassName {
		return nil
	}
	name := components.IstioServiceName(spec.Gateway.RouteName)
	return []plan.Object{
		{GroupVersionKind: schema.GroupVersionKind{Version: "v1", Kind: "Service"}, Namespace: spec.Namespace, Name: name},
		{GroupVersionKind: schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, Namespace: spec.Namespace, Name: name},
	}
}

// istioGatewayRoutes registers the routes of the Istio gateway, whose proxies this
// program runs.
func (c *composer) istioGatewayRoutes() error {
	args := c.routes()
	args.Name, args.ClassName = llmd.IstioGatewayName, llmd.IstioClassName
	args.Port = int(c.spec.InferenceGateway.Istio.Port)
	args.Proxies = pulumi.String(llmd.IstioGatewayName)
	g, err := components.NewGatewayAPI(c.ctx, c.name+"-istio-gateway-routes", args, c.child("istio-gateway-routes"))
	if err != nil {
		return err
	}
	c.routeNames = append(c.routeNames, g.RouteName)
	return nil
}

// routes returns the arguments that both Gateways share: where they send requests.
func (c *composer) routes() *components.GatewayAPIArgs {
	args := &components.GatewayAPIArgs{
		Namespace:     c.Namespace,
		Instance:      c.spec.Name,
		InferencePool: c.pool,
		Service:       c.proxyService,
		ServicePort:   int(c.spec.Service.Port),
		ClusterDomain: c.spec.ClusterDomain,
		StripFairness: stripFairness(c.spec),
		ReadyTimeout:  c.spec.ReadyTimeout.Duration.String(),
	}
	if models := c.gatewayModels(); len(models) > 0 {
		args.ModelNames, args.Models = c.spec.ModelNames(), models
		args.MaxRequestMiB = int(c.spec.Simulator.MaxRequestMiB) // Only these gateways read bodies.
	}
	return args
}

func loadBalancingEnabled(spec *config.Spec) bool { return spec.LoadBalancing.Enabled }

func (c *composer) loadBalancing() error {
	args := &components.IstioLoadBalancingArgs{
		Namespace: c.Namespace,
		Instance:  c.spec.Name,
		Service:   llmd.ForModel(c.spec.Service.Name, c.model),
		Algorithm: string(c.spec.LoadBalancing.Algorithm),

		ClusterDomain: c.spec.ClusterDomain,
	}
	if pool := c.spec.LoadBalancing.ConnectionPool; pool != nil {
		if n := pool.HTTP1MaxPendingRequests; n != nil {
			args.HTTP1MaxPendingRequests = integer(*n)
		}
		if n := pool.MaxRequestsPerConnection; n != nil {
			args.MaxRequestsPerConnection = integer(*n)
		}
	}
	_, err := components.NewIstioLoadBalancing(c.ctx, c.part("load-balancing"), args, c.child("load-balancing"))
	return err
}
