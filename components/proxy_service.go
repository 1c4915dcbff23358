package components

import (
	"errors"
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// ProxyServiceArgs describes the proxy Service.
type ProxyServiceArgs struct {
	Common

	// Name of the Service. Required.
	Name string

	// Port of the Service. Required.
	Port int

	// Type of the Service: ClusterIP, NodePort or LoadBalancer. Default: ClusterIP.
	Type string
}

// ProxyService is the one Service in front of all decode pods, whichever Deployment
// they come from. Clients without a gateway use it, and Istio balances its traffic.
type ProxyService struct {
	pulumi.ResourceState

	// ServiceName is the name of the Service.
	ServiceName pulumi.StringOutput `pulumi:"serviceName"`
	// Host is its DNS name within the cluster.
	Host pulumi.StringOutput `pulumi:"host"`
}

func (a *ProxyServiceArgs) validate() error {
	if a == nil {
		return errors.New("args are required")
	}
	errs := []error{a.Common.validate(), checkPort("port", a.Port)}
	if a.Name == "" {
		errs = append(errs, errors.New("name is required"))
	}
	return errors.Join(errs...)
}

// NewProxyService registers the proxy Service.
func NewProxyService(
	ctx *pulumi.Context, name string, args *ProxyServiceArgs, opts ...pulumi.ResourceOption,
) (*ProxyService, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("proxy service %s: %w", name, err)
	}
	p := &ProxyService{}
	inputs := pulumi.Map{"namespace": args.Namespace, "name": pulumi.String(args.Name)}
	if err := ctx.RegisterComponentResourceV2("llm-d-sim:index:ProxyService", name, inputs, p, opts...); err != nil {
		return nil, err
	}
	spec := &corev1.ServiceSpecArgs{
		Selector: pulumi.ToStringMap(DecodePodSelector()),
		Ports: corev1.ServicePortArray{corev1.ServicePortArgs{
			Name: pulumi.String("http"), Port: pulumi.Int(args.Port), TargetPort: pulumi.String("http"),
		}},
	}
	if args.Type != "" {
		spec.Type = pulumi.String(args.Type)
	}
	service, err := args.service(ctx, name+"-service", args.Name, "proxy", spec, pulumi.Parent(p))
	if err != nil {
		return nil, err
	}
	p.ServiceName = service.Metadata.Name().Elem()
	p.Host = ServiceHost(p.ServiceName, args.Namespace)
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"serviceName": p.ServiceName, "host": p.Host})
}

// ServiceHost returns the DNS name of a Service within the cluster.
func ServiceHost(service, namespace pulumi.StringInput) pulumi.StringOutput {
	return pulumi.Sprintf("%s.%s.svc.cluster.local", service, namespace)
}
