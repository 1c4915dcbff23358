package stacks

import (
	"fmt"
	"math"
	"sync"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/urn"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/config"
)

// StackArgs describes a whole stack. The zero value is the default configuration.
type StackArgs struct {
	// Spec is the configuration, which NewStack validates: start from config.Default().
	// Default: config.Default().
	Spec *config.Spec

	// Namespace is one that another resource provides; the stack waits for it. Default:
	// Spec.Namespace, created if Spec.CreateNamespace.
	Namespace pulumi.StringInput

	// Images are those that other resources provide, such as builds of the same program.
	// Default: the images of Spec.
	Images Images

	// ImagePullSecrets are names of Secrets that other resources provide.
	// Default: Spec.ImagePullSecrets.
	ImagePullSecrets pulumi.StringArrayInput
}

// Images replace those of a Spec, whose tags or versions still say which releases they are.
type Images struct {
	// Simulator is the image of the simulators of all stages.
	Simulator pulumi.StringInput `pulumi:"simulator,optional"`
	// EPP is the image of the Endpoint Picker.
	EPP pulumi.StringInput `pulumi:"epp,optional"`
	// RoutingSidecar is the image of the sidecar of the decode pods.
	RoutingSidecar pulumi.StringInput `pulumi:"routingSidecar,optional"`
	// StandardGateway is the image of the standard gateway.
	StandardGateway pulumi.StringInput `pulumi:"standardGateway,optional"`
	// IstioGateway is the image of the Istio gateway.
	IstioGateway pulumi.StringInput `pulumi:"istioGateway,optional"`
}

func (i *Images) all() []*pulumi.StringInput {
	return []*pulumi.StringInput{&i.Simulator, &i.EPP, &i.RoutingSidecar, &i.StandardGateway, &i.IstioGateway}
}

// stackType is the type of a Stack, as the state names it.
const stackType = "llm-d-sim:index:Stack"

// Stack is a whole llm-d simulator stack: the parts that are enabled, in a namespace of its
// own or an existing one.
//
// The resource options of NewStack must provide a Kubernetes and a random provider, unless the
// default providers should be used.
type Stack struct {
	pulumi.ResourceState

	// Namespace holds every object.
	Namespace pulumi.StringOutput `pulumi:"namespace"`
	// Endpoints are the Services that clients can use, host:port: the gateways, the proxy
	// Service, and the decode stage's own.
	Endpoints pulumi.StringArrayOutput `pulumi:"endpoints"`
	// GatewayURL is the URL of the first gateway, empty without any.
	GatewayURL pulumi.StringOutput `pulumi:"gatewayUrl"`
	// APIKey is the bearer token that the standard gateway expects, a secret. Empty if it
	// requires none.
	APIKey pulumi.StringOutput `pulumi:"apiKey"`
	// Monitoring says where to look: the path of the dashboard in Grafana and, with the Prometheus
	// Operator, the jobs in Prometheus and the PrometheusRule of the alerts. Empty without monitoring.
	Monitoring pulumi.MapOutput `pulumi:"monitoring"`

	deployments []deployed
	// routeNames are the names of the HTTPRoutes, known once the provider has waited for them.
	routeNames pulumi.StringArray
}

// deployed is a Deployment of the stack, ready once the outputs of its resource are known.
type deployed struct {
	resource pulumi.CustomResource
	name     string
	// several: it has, or may have, more than one replica.
	several bool
	// leaderOnly: only one of the replicas ever becomes ready.
	leaderOnly bool
}

// composer registers the parts of one Stack.
type composer struct {
	*Stack
	ctx  *pulumi.Context
	name string
	spec *config.Spec
	args StackArgs
	// model is the further model whose parts are being registered, and spec its configuration.
	model string
	// opts are the options of the component, and inherited those of all its resources.
	opts      []pulumi.ResourceOption
	inherited []pulumi.ResourceOption
	start     func() error

	seed    pulumi.IntInput
	apiKeys pulumi.StringArray
	served
	models map[string]served
	// gateways and services are endpoints for clients, in order of preference.
	gateways, services pulumi.StringArray
	// targets are where the parts serve their metrics.
	targets []components.MonitorTarget
}

// served are the parts of a model that other parts refer to.
type served struct {
	// prefillName and decodeName are those of the stages' Deployments, known once they are ready.
	prefillName, decodeName pulumi.StringInput
	// proxyService and pool are where gateways of the Gateway API send requests.
	proxyService, pool pulumi.StringInput
}

// NewStack registers a stack. It fails if the Spec is invalid.
func NewStack(ctx *pulumi.Context, name string, args *StackArgs, opts ...pulumi.ResourceOption) (*Stack, error) {
	c := newComposer(ctx, name, args, opts...)
	if err := c.compose(); err != nil {
		return nil, err
	}
	return c.Stack, nil
}

func newComposer(ctx *pulumi.Context, name string, args *StackArgs, opts ...pulumi.ResourceOption) *composer {
	c := &composer{Stack: &Stack{}, ctx: ctx, name: name, opts: opts}
	if args != nil {
		c.args = *args
	}
	if c.spec = c.args.Spec; c.spec == nil {
		spec := config.Default()
		c.spec = &spec
	}
	c.models = map[string]served{}
	c.start = sync.OnceValue(c.register)
	return c
}

// register registers the component itself. start does it only once.
func (c *composer) register() error {
	if err := c.spec.Validate(); err != nil {
		return fmt.Errorf("stack %s: %w", c.name, err)
	}
	opts := c.opts
	for _, p := range partsOf(c.spec) {
		if p.transform != nil {
			opts = append(opts, pulumi.Transformations([]pulumi.ResourceTransformation{p.transform}))
		}
	}
	if !c.spec.PodSecurity.FixedIDs {
		opts = append(opts, pulumi.Transformations([]pulumi.ResourceTransformation{leaveIDsToCluster}))
	}
	inputs := pulumi.Map{"name": pulumi.String(c.spec.Name)}
	return c.ctx.RegisterComponentResourceV2(stackType, c.name, inputs, c.Stack, opts...)
}

// compose registers the stack with everything in it.
func (c *composer) compose() error {
	if err := c.start(); err != nil {
		return err
	}
	if err := c.createNamespace(); err != nil {
		return err
	}
	if err := c.randomValues(); err != nil {
		return err
	}
	c.Monitoring = pulumi.Map{}.ToMapOutput()
	for _, p := range partsOf(c.spec) {
		if err := p.register(c); err != nil {
			return err
		}
	}
	c.setOutputs()
	return c.ctx.RegisterResourceOutputs(c.Stack, pulumi.Map{
		"namespace": c.Namespace, "endpoints": c.Endpoints, "gatewayUrl": c.GatewayURL, "apiKey": c.APIKey,
		"monitoring": c.Monitoring,
	})
}

// forModel registers a part of a further model.
func (c *composer) forModel(model string, register func(*composer) error) error {
	own := *c
	c.model, c.spec, c.served = model, own.spec.ForModel(model), c.models[model]
	err := register(c)
	c.models[model] = c.served
	c.model, c.spec, c.served = own.model, own.spec, own.served
	return err
}

// part returns the name of a part of the present model as a resource.
func (c *composer) part(name string) string {
	if c.model == "" {
		return c.name + "-" + name
	}
	return modelPart(c.name+"-"+name, c.model)
}

func (c *composer) setOutputs() {
	c.Endpoints = append(c.gateways, c.services...).ToStringArrayOutput()
	c.GatewayURL = pulumi.String("").ToStringOutput()
	if len(c.gateways) > 0 {
		c.GatewayURL = pulumi.Sprintf("http://%s", c.gateways[0])
	}
	c.APIKey = pulumi.String("").ToStringOutput()
	if len(c.apiKeys) > 0 {
		c.APIKey = pulumi.ToSecret(c.apiKeys[0]).(pulumi.StringOutput)
	}
}

// child returns the options of a resource. The resources of this repository's program have
// the names that they had before they became the stack's as aliases, so that they are kept.
func (c *composer) child(formerly ...string) pulumi.ResourceOption {
	opts := append([]pulumi.ResourceOption{pulumi.Parent(c.Stack)}, c.inherited...)
	if c.name == stackName && c.model == "" {
		for _, name := range formerly {
			opts = append(opts, pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String(name), NoParent: pulumi.Bool(true)}}))
		}
	}
	return pulumi.Composite(opts...)
}

// urnOf returns the URN that a top-level resource of the stack's name has.
func (c *composer) urnOf(typ tokens.Type) pulumi.URN {
	return pulumi.URN(urn.New(tokens.QName(c.ctx.Stack()), tokens.PackageName(c.ctx.Project()), "", typ, c.name))
}

// namespaceDeletion is how long a destroy waits for an empty namespace to go. It takes
// seconds, unless an API whose server is gone keeps Kubernetes from seeing what is in it.
const namespaceDeletion = "5m"

// createNamespace creates the namespace, or uses the existing one.
func (c *composer) createNamespace() error {
	if given := c.args.Namespace; given != nil {
		c.Namespace = given.ToStringOutput()
		return nil
	}
	if !c.spec.CreateNamespace {
		c.Namespace = pulumi.String(c.spec.Namespace).ToStringOutput()
		return nil
	}
	namespace, err := corev1.NewNamespace(c.ctx, c.name+"-namespace", &corev1.NamespaceArgs{
		Metadata: &metav1.ObjectMetaArgs{
			Name:        pulumi.String(c.spec.Namespace),
			Annotations: pulumi.StringMap{llmd.PatchForceAnnotation: pulumi.String("true")},
			Labels: pulumi.StringMap{
				"app.kubernetes.io/managed-by":       pulumi.String("pulumi"),
				"pod-security.kubernetes.io/enforce": pulumi.String("restricted"),
			},
		},
	}, c.child("namespace"), pulumi.Timeouts(&pulumi.CustomTimeouts{Delete: namespaceDeletion}))
	if err != nil {
		return err
	}
	c.Namespace = namespace.Metadata.Name().Elem()
	return nil
}

// apiKeyLength letters and digits carry 238 random bits.
const apiKeyLength = 40

// randomValues registers values that are random once and then kept: the simulators' seed,
// unless it is configured, and the gateway's keys.
func (c *composer) randomValues() error {
	if configured := c.spec.Simulator.Seed; configured != nil {
		c.seed = pulumi.Int(*configured)
	} else {
		seed, err := random.NewRandomInteger(c.ctx, c.name+"-simulator-seed", &random.RandomIntegerArgs{
			Min: pulumi.Int(0), Max: pulumi.Int(math.MaxInt32),
		}, c.child("simulator-seed"))
		if err != nil {
			return err
		}
		c.seed = seed.Result
	}
	if !c.spec.Auth() {
		return nil
	}
	// Two generations, so that clients can switch from one to the next.
	latest := c.spec.InferenceGateway.Auth.KeyGeneration
	for generation := latest; generation > max(0, latest-2); generation-- {
		name := fmt.Sprintf("api-key-%d", generation)
		key, err := random.NewRandomPassword(c.ctx, c.name+"-"+name, &random.RandomPasswordArgs{
			Length: pulumi.Int(apiKeyLength), Special: pulumi.Bool(false),
		}, c.child(name))
		if err != nil {
			return err
		}
		c.apiKeys = append(c.apiKeys, key.Result)
	}
	return nil
}
