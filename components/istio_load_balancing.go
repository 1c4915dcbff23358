package components

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// IstioLoadBalancingArgs describes how Istio's proxies balance a Service's traffic. Only
// Namespace is required.
type IstioLoadBalancingArgs struct {
	// Namespace of the DestinationRule and of the Service. Required.
	Namespace pulumi.StringInput `pulumi:"namespace"`

	// Instance is the app.kubernetes.io/instance label of the DestinationRule.
	// Default: the component's name.
	Instance string `pulumi:"instance,optional"`

	// Service is the name of the Service, in Namespace. Default: llmd.ProxyServiceName.
	Service string `pulumi:"service,optional"`

	// ClusterDomain is the DNS domain of the cluster. Default: llmd.ClusterDomain.
	ClusterDomain string `pulumi:"clusterDomain,optional"`

	// Algorithm is Istio's name for a simple algorithm: ROUND_ROBIN, LEAST_REQUEST, RANDOM,
	// LEAST_CONN or PASSTHROUGH; the API server checks it. Default: ROUND_ROBIN.
	Algorithm string `pulumi:"algorithm,optional"`

	// HTTP1MaxPendingRequests is the number of requests that may wait for a connection; more
	// are answered 503. Default: Istio's own.
	HTTP1MaxPendingRequests *int `pulumi:"http1MaxPendingRequests,optional"`

	// MaxRequestsPerConnection closes a connection after this many requests. Default: Istio's
	// own.
	MaxRequestsPerConnection *int `pulumi:"maxRequestsPerConnection,optional"`
}

// IstioLoadBalancing is the DestinationRule of one Service. It affects only Istio's proxies
// and needs Istio's CRDs.
type IstioLoadBalancing struct {
	pulumi.ResourceState

	// DestinationRuleName is the name of the DestinationRule.
	DestinationRuleName pulumi.StringOutput `pulumi:"destinationRuleName"`
}

// NewIstioLoadBalancing registers the DestinationRule.
func NewIstioLoadBalancing(
	ctx *pulumi.Context, name string, args *IstioLoadBalancingArgs, opts ...pulumi.ResourceOption,
) (*IstioLoadBalancing, error) {
	if args == nil {
		return nil, fmt.Errorf("istio load balancing %s: %w", name, errors.New("args are required"))
	}
	c := common{namespace: args.Namespace, instance: or(args.Instance, name), clusterDomain: args.ClusterDomain}
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("istio load balancing %s: %w", name, err)
	}
	l := &IstioLoadBalancing{}
	if err := ctx.RegisterComponentResourceV2(typeToken("IstioLoadBalancing"), name, inputs(args), l, opts...); err != nil {
		return nil, err
	}
	policy := pulumi.Map{"loadBalancer": pulumi.Map{"simple": pulumi.String(or(args.Algorithm, llmd.RoundRobin))}}
	limits := pulumi.Map{}
	if n := args.HTTP1MaxPendingRequests; n != nil {
		limits["http1MaxPendingRequests"] = pulumi.Int(*n)
	}
	if n := args.MaxRequestsPerConnection; n != nil {
		limits["maxRequestsPerConnection"] = pulumi.Int(*n)
	}
	if len(limits) > 0 {
		policy["connectionPool"] = pulumi.Map{"http": limits}
	}
	service := or(args.Service, llmd.ProxyServiceName)
	rule, err := apiextensions.NewCustomResource(ctx, name+"-destination-rule", &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String("networking.istio.io/v1"),
		Kind:       pulumi.String("DestinationRule"),
		Metadata: c.metadata(service+"-lb", "load-balancing",
			// A label value holds 63 characters, like a Service's name; the rule's own name may be
			// longer.
			map[string]string{"app.kubernetes.io/name": service}, nil),
		OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{
			"host":          c.serviceHost(pulumi.String(service)),
			"trafficPolicy": policy,
		}},
	}, pulumi.Parent(l))
	if err != nil {
		return nil, err
	}
	l.DestinationRuleName = rule.Metadata.Name().Elem()
	return l, ctx.RegisterResourceOutputs(l, pulumi.Map{"destinationRuleName": l.DestinationRuleName})
}
