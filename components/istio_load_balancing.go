package components

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// IstioLoadBalancingArgs describes how Istio's proxies balance a Service's traffic.
type IstioLoadBalancingArgs struct {
	Common

	// Service is the name of the Service, in Namespace. Required.
	Service string

	// Algorithm is Istio's name of a simple algorithm: ROUND_ROBIN, LEAST_REQUEST,
	// RANDOM, LEAST_CONN or PASSTHROUGH. Required; the API server checks it.
	Algorithm string

	// HTTP1MaxPendingRequests that may wait for a connection; more are answered 503.
	// Default: Istio's own.
	HTTP1MaxPendingRequests *int

	// MaxRequestsPerConnection, after which a connection is closed. Default: Istio's own.
	MaxRequestsPerConnection *int
}

// IstioLoadBalancing is the DestinationRule of one Service. It acts on the proxies
// of Istio only; needs Istio's CRDs.
type IstioLoadBalancing struct {
	pulumi.ResourceState

	// DestinationRuleName is the name of the DestinationRule.
	DestinationRuleName pulumi.StringOutput `pulumi:"destinationRuleName"`
}

func (a *IstioLoadBalancingArgs) validate() error {
	if a == nil {
		return errors.New("args are required")
	}
	errs := []error{a.Common.validate()}
	if a.Service == "" {
		errs = append(errs, errors.New("service is required"))
	}
	if a.Algorithm == "" {
		errs = append(errs, errors.New("algorithm is required"))
	}
	return errors.Join(errs...)
}

// NewIstioLoadBalancing registers the DestinationRule.
func NewIstioLoadBalancing(
	ctx *pulumi.Context, name string, args *IstioLoadBalancingArgs, opts ...pulumi.ResourceOption,
) (*IstioLoadBalancing, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("istio load balancing %s: %w", name, err)
	}
	l := &IstioLoadBalancing{}
	inputs := pulumi.Map{
		"namespace": args.Namespace,
		"service":   pulumi.String(args.Service),
		"algorithm": pulumi.String(args.Algorithm),
	}
	if err := ctx.RegisterComponentResourceV2("llm-d-sim:index:IstioLoadBalancing", name, inputs, l, opts...); err != nil {
		return nil, err
	}
	policy := pulumi.Map{"loadBalancer": pulumi.Map{"simple": pulumi.String(args.Algorithm)}}
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
	objectName := args.Service + "-lb"
	rule, err := apiextensions.NewCustomResource(ctx, name+"-destination-rule", &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String("networking.istio.io/v1"),
		Kind:       pulumi.String("DestinationRule"),
		Metadata:   args.metadata(objectName, "load-balancing", nil, nil),
		OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{
			"host":          ServiceHost(pulumi.String(args.Service), args.Namespace),
			"trafficPolicy": policy,
		}},
	}, pulumi.Parent(l))
	if err != nil {
		return nil, err
	}
	l.DestinationRuleName = rule.Metadata.Name().Elem()
	return l, ctx.RegisterResourceOutputs(l, pulumi.Map{"destinationRuleName": l.DestinationRuleName})
}
