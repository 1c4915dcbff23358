package components

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// ProxyServiceArgs describes the proxy Service. Only Namespace is required.
type ProxyServiceArgs struct {
	// Namespace of the Service. Required.
	Namespace pulumi.StringInput `pulumi:"namespace"`

	// Instance is the app.kubernetes.io/instance label of the Service.
	// Default: the component's name.
	Instance string `pulumi:"instance,optional"`

	// Model is the label llm-d.ai/model of the pods, in a namespace with several models. Default: the
	// only model, or the one that the names of package llmd belong to.
	Model string `pulumi:"model,optional"`

	// Name of the Service. Default: llmd.ProxyServiceName, with Model appended.
	Name string `pulumi:"name,optional"`

	// Port of the Service. Default: llmd.SimulatorPort.
	Port int `pulumi:"port,optional"`

	// Type of the Service: ClusterIP, NodePort or LoadBalancer. Default: ClusterIP.
	Type string `pulumi:"type,optional"`

	// ClusterDomain is the DNS domain of the cluster. Default: llmd.ClusterDomain.
	ClusterDomain string `pulumi:"clusterDomain,optional"`
}

// ProxyService is the one Service in front of all decode pods of a model, whichever Deployment
// they come from. Clients without a gateway use it, and Istio balances its traffic.
type ProxyService struct {
	pulumi.ResourceState

	// ServiceName is the name of the Service.
	ServiceName pulumi.StringOutput `pulumi:"serviceName"`
	// Endpoint is the Service's address within the cluster, host:port.
	Endpoint pulumi.StringOutput `pulumi:"endpoint"`
}

// proxyService is a ProxyServiceArgs with its defaults filled in.
type proxyService struct {
	common
	ProxyServiceArgs
}

var serviceTypes = []string{"ClusterIP", "NodePort", "LoadBalancer"}

func (a *ProxyServiceArgs) withDefaults(name string) (*proxyService, error) {
	if a == nil {
		return nil, errors.New("args are required")
	}
	p := &proxyService{common{
		namespace: a.Namespace, instance: or(a.Instance, name), clusterDomain: a.ClusterDomain,
	}, *a}
	p.Name = or(a.Name, llmd.ForModel(llmd.ProxyServiceName, a.Model))
	p.Port = or(a.Port, llmd.SimulatorPort)
	p.Type = or(a.Type, serviceTypes[0])
	errs := []error{p.validate(), checkModel(a.Model), checkPort("port", p.Port)}
	if !slices.Contains(serviceTypes, p.Type) {
		errs = append(errs, fmt.Errorf("type must be one of %s, got %q", strings.Join(serviceTypes, ", "), p.Type))
	}
	return p, errors.Join(errs...)
}

// NewProxyService registers the proxy Service.
func NewProxyService(
	ctx *pulumi.Context, name string, args *ProxyServiceArgs, opts ...pulumi.ResourceOption,
) (*ProxyService, error) {
	a, err := args.withDefaults(name)
	if err != nil {
		return nil, fmt.Errorf("proxy service %s: %w", name, err)
	}
	p := &ProxyService{}
	if err := ctx.RegisterComponentResourceV2(typeToken("ProxyService"), name, inputs(args), p, opts...); err != nil {
		return nil, err
	}
	service, err := a.service(ctx, name+"-service", a.Name, llmd.ComponentProxy, &corev1.ServiceSpecArgs{
		Type:     pulumi.String(a.Type),
		Selector: pulumi.ToStringMap(StagePodSelector(a.Model, llmd.RoleDecode)),
		Ports: corev1.ServicePortArray{corev1.ServicePortArgs{
			Name: pulumi.String("http"), Port: pulumi.Int(a.Port), TargetPort: pulumi.String("http"),
		}},
	}, pulumi.Parent(p))
	if err != nil {
		return nil, err
	}
	p.ServiceName = service.Metadata.Name().Elem()
	p.Endpoint = a.endpoint(p.ServiceName, a.Port)
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"serviceName": p.ServiceName, "endpoint": p.Endpoint})
}
