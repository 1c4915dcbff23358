package components

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/endpointpicker"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// eppGraceSeconds is what the inference extension's own chart (v1.2.0) allows.
const eppGraceSeconds = 130

// EPPArgs describes an Endpoint Picker.
type EPPArgs struct {
	Common

	// Replicas is the number of EPP pods. Above 1 they elect a leader, and only the
	// leader is ready.
	Replicas int

	// Container of the EPP.
	Container Container

	// Port of the EPP's Service. Required.
	Port int

	// TargetPort is the port that all simulator pods serve on. Required.
	TargetPort int

	// Verbosity is the log level (--v).
	Verbosity int

	// KVCacheMetric is the simulators' name of the KV-cache usage metric. Required.
	KVCacheMetric string

	// PluginsConfig is the EndpointPickerConfig, YAML. Required.
	PluginsConfig string

	// SecureServing speaks TLS, with a certificate that the EPP makes for itself. Who asks
	// it has to do the same. Default: plain HTTP/2.
	SecureServing bool

	// Istio is set where Istio's proxies ask the EPP: with SecureServing they learn to
	// speak TLS by a DestinationRule, which needs Istio's CRDs. Default: they do not ask.
	Istio bool

	// Args are appended to the EPP's arguments. Default: none.
	Args []string

	// InferencePool finds the pods by an InferencePool, which is created before the
	// EPP and needs the inference extension's CRDs. Default: by label, without CRDs.
	InferencePool bool
}

// EPP is the Endpoint Picker: ServiceAccount, Role, RoleBinding, ConfigMap,
// Deployment and Service of one name, and the InferencePool if asked for.
type EPP struct {
	pulumi.ResourceState

	// ServiceName is the name of the Service, which speaks Envoy's ext_proc.
	ServiceName pulumi.StringOutput `pulumi:"serviceName"`
	// PoolName is the name of the InferencePool, empty without one.
	PoolName pulumi.StringOutput `pulumi:"poolName"`

	// Deployment is the Deployment itself, ready once its outputs are known.
	Deployment *appsv1.Deployment
}

func (a *EPPArgs) validate() error {
	if a == nil {
		return errors.New("args are required")
	}
	errs := []error{
		a.Common.validate(), a.Container.validate(), checkReplicas(a.Replicas),
		checkPort("port", a.Port), checkPort("target port", a.TargetPort),
	}
	if a.PluginsConfig == "" {
		errs = append(errs, errors.New("plugins config is required"))
	}
	if a.KVCacheMetric == "" {
		errs = append(errs, errors.New("KV-cache metric is required"))
	}
	return errors.Join(errs...)
}

// NewEPP registers an Endpoint Picker.
func NewEPP(ctx *pulumi.Context, name string, args *EPPArgs, opts ...pulumi.ResourceOption) (*EPP, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("EPP %s: %w", name, err)
	}
	e := &EPP{}
	inputs := pulumi.Map{
		"namespace":     args.Namespace,
		"inferencePool": pulumi.Bool(args.InferencePool),
	}
	if err := ctx.RegisterComponentResourceV2("llm-d-sim:index:EPP", name, inputs, e, opts...); err != nil {
		return nil, err
	}
	// The EPP exits or serves nothing when one of these is missing at its start.
	needs, err := args.prerequisites(ctx, name, pulumi.Parent(e))
	if err != nil {
		return nil, err
	}
	e.PoolName = pulumi.String("").ToStringOutput()
	if args.InferencePool {
		pool, err := args.pool(ctx, name, pulumi.Parent(e))
		if err != nil {
			return nil, err
		}
		e.PoolName = pool.Metadata.Name().Elem()
		needs = append(needs, pool)
	}
	if e.Deployment, err = args.deployment(ctx, name+"-deployment", args.workload(),
		pulumi.Parent(e), pulumi.DependsOn(needs)); err != nil {
		return nil, err
	}
	service, err := args.service(ctx, name+"-service", llmd.EPPName, llmd.ComponentEPP, &corev1.ServiceSpecArgs{
		Selector: pulumi.ToStringMap(selector(llmd.EPPName)),
		Ports: corev1.ServicePortArray{corev1.ServicePortArgs{
			// Name and protocol tell Istio that this is gRPC in plain HTTP/2.
			Name: pulumi.String("grpc-ext-proc"), AppProtocol: pulumi.String("http2"),
			Port: pulumi.Int(args.Port), TargetPort: pulumi.String("grpc"),
		}},
	}, pulumi.Parent(e))
	if err != nil {
		return nil, err
	}
	if args.SecureServing && args.Istio {
		if err := args.originateTLS(ctx, name, pulumi.Parent(e)); err != nil {
			return nil, err
		}
	}
	if err := args.networkPolicy(ctx, name, llmd.EPPName, llmd.ComponentEPP, llmd.EPPGRPCPort,
		fromGateways(), pulumi.Parent(e)); err != nil {
		return nil, err
	}
	e.ServiceName = service.Metadata.Name().Elem()
	return e, ctx.RegisterResourceOutputs(e, pulumi.Map{"serviceName": e.ServiceName, "poolName": e.PoolName})
}

// prerequisites registers what the EPP must find when it starts.
func (a *EPPArgs) prerequisites(
	ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption,
) ([]pulumi.Resource, error) {
	account, err := corev1.NewServiceAccount(ctx, name+"-service-account", &corev1.ServiceAccountArgs{
		Metadata:                     a.metadata(llmd.EPPName, llmd.ComponentEPP, nil, nil),
		AutomountServiceAccountToken: pulumi.Bool(false),
	}, opts...)
	if err != nil {
		return nil, err
	}
	role, err := rbacv1.NewRole(ctx, name+"-role", &rbacv1.RoleArgs{
		Metadata: a.editedMetadata("Role", llmd.EPPName, llmd.ComponentEPP),
		Rules:    a.rules(),
	}, opts...)
	if err != nil {
		return nil, err
	}
	binding, err := rbacv1.NewRoleBinding(ctx, name+"-role-binding", &rbacv1.RoleBindingArgs{
		Metadata: a.editedMetadata("RoleBinding", llmd.EPPName, llmd.ComponentEPP),
		RoleRef: &rbacv1.RoleRefArgs{
			ApiGroup: pulumi.String("rbac.authorization.k8s.io"),
			Kind:     pulumi.String("Role"),
			Name:     role.Metadata.Name().Elem(),
		},
		Subjects: rbacv1.SubjectArray{rbacv1.SubjectArgs{
			Kind: pulumi.String("ServiceAccount"), Name: account.Metadata.Name().Elem(), Namespace: a.Namespace,
		}},
	}, opts...)
	if err != nil {
		return nil, err
	}
	plugins, err := corev1.NewConfigMap(ctx, name+"-config", &corev1.ConfigMapArgs{
		Metadata: a.metadata(llmd.EPPName, llmd.ComponentEPP, nil, nil),
		Data:     pulumi.StringMap{endpointpicker.ConfigFile: pulumi.String(a.PluginsConfig)},
	}, opts...)
	if err != nil {
		return nil, err
	}
	return []pulumi.Resource{binding, plugins}, nil
}

// rules is what EPP v0.4.0 needs, and no more.
func (a *EPPArgs) rules() rbacv1.PolicyRuleArray {
	rule := func(group, resource string, verbs ...string) rbacv1.PolicyRuleArgs {
		return rbacv1.PolicyRuleArgs{
			ApiGroups: pulumi.ToStringArray([]string{group}),
			Resources: pulumi.ToStringArray([]string{resource}),
			Verbs:     pulumi.ToStringArray(verbs),
		}
	}
	rules := rbacv1.PolicyRuleArray{rule("", "pods", "get", "list", "watch")}
	if a.InferencePool {
		rules = append(rules,
			rule("inference.networking.k8s.io", "inferencepools", "get", "list", "watch"),
			rule("inference.networking.x-k8s.io", "inferenceobjectives", "get", "list", "watch"))
	}
	if a.leaderElection() {
		rules = append(rules,
			rule("coordination.k8s.io", "leases", "get", "list", "watch", "create", "update", "patch", "delete"),
			rule("", "events", "create", "patch"))
	}
	return rules
}

func (a *EPPArgs) leaderElection() bool { return a.Replicas > 1 }

// pool registers the InferencePool. Its status is written by a gateway controller,
// which a cluster need not have, so nothing waits for it.
func (a *EPPArgs) pool(
	ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption,
) (*apiextensions.CustomResource, error) {
	return apiextensions.NewCustomResource(ctx, name+"-pool", &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String("inference.networking.k8s.io/v1"),
		Kind:       pulumi.String("InferencePool"),
		Metadata:   a.metadata(llmd.PoolName, llmd.ComponentEPP, nil, nil),
		OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{
			"selector":    pulumi.Map{"matchLabels": pulumi.StringMap{llmd.ServingLabel: pulumi.String("true")}},
			"targetPorts": pulumi.Array{pulumi.Map{"number": pulumi.Int(a.TargetPort)}},
			"endpointPickerRef": pulumi.Map{
				"name": pulumi.String(llmd.EPPName),
				"port": pulumi.Map{"number": pulumi.Int(a.Port)},
				// Without an EPP requests are balanced rather than refused.
				"failureMode": pulumi.String("FailOpen"),
			},
		}},
	}, opts...)
}

// originateTLS has Istio's proxies speak TLS with the EPP. There is nothing to check in its
// certificate, which names nobody.
func (a *EPPArgs) originateTLS(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) error {
	_, err := apiextensions.NewCustomResource(ctx, name+"-destination-rule", &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String("networking.istio.io/v1"),
		Kind:       pulumi.String("DestinationRule"),
		Metadata:   a.metadata(llmd.EPPName, llmd.ComponentEPP, nil, nil),
		OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{
			"host": ServiceHost(pulumi.String(llmd.EPPName), a.Namespace),
			"trafficPolicy": pulumi.Map{"tls": pulumi.Map{
				"mode": pulumi.String("SIMPLE"), "insecureSkipVerify": pulumi.Bool(true),
			}},
		}},
	}, opts...)
	return err
}

func (a *EPPArgs) workload() workload {
	options := endpointpicker.Options{
		Verbosity:      int32(a.Verbosity),
		KVCacheMetric:  a.KVCacheMetric,
		TargetPort:     int32(a.TargetPort),
		LeaderElection: a.leaderElection(),
		SecureServing:  a.SecureServing,
		Args:           a.Args,
	}
	if a.InferencePool {
		options.PoolName = llmd.PoolName
	}
	c := a.Container.container("epp")
	c.Args = pulumi.ToStringArray(endpointpicker.Args(options))
	c.Env = corev1.EnvVarArray{podField("POD_NAME", "metadata.name"), podField("NAMESPACE", "metadata.namespace")}
	port := func(name string, n int) corev1.ContainerPortArgs {
		return corev1.ContainerPortArgs{Name: pulumi.String(name), ContainerPort: pulumi.Int(n)}
	}
	c.Ports = corev1.ContainerPortArray{
		port("grpc", llmd.EPPGRPCPort), port("grpc-health", llmd.EPPHealthPort), port("metrics", llmd.EPPMetricsPort),
	}
	// Ready means able to pick. Alive is only that the port is open: by gRPC, an EPP
	// that waits for its pool would be killed.
	c.ReadinessProbe = &corev1.ProbeArgs{
		Grpc: &corev1.GRPCActionArgs{
			Port: pulumi.Int(llmd.EPPHealthPort), Service: pulumi.String(llmd.EPPHealthService),
		},
		PeriodSeconds: pulumi.Int(2),
	}
	c.LivenessProbe = &corev1.ProbeArgs{
		TcpSocket:           &corev1.TCPSocketActionArgs{Port: pulumi.String("grpc-health")},
		InitialDelaySeconds: pulumi.Int(5),
		PeriodSeconds:       pulumi.Int(10),
	}
	c.VolumeMounts = corev1.VolumeMountArray{corev1.VolumeMountArgs{
		Name: pulumi.String("config"), MountPath: pulumi.String(endpointpicker.ConfigDir), ReadOnly: pulumi.Bool(true),
	}}
	return workload{
		name:           llmd.EPPName,
		component:      llmd.ComponentEPP,
		replicas:       a.Replicas,
		labels:         map[string]string{llmd.ComponentLabel: llmd.ComponentEPP},
		annotations:    checksum(pulumi.String(a.PluginsConfig)),
		uid:            simulatorUser,
		oneLeads:       a.leaderElection(),
		serviceAccount: llmd.EPPName,
		graceSeconds:   eppGraceSeconds,
		containers:     corev1.ContainerArray{c},
		volumes: corev1.VolumeArray{corev1.VolumeArgs{
			Name:      pulumi.String("config"),
			ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: pulumi.String(llmd.EPPName)},
		}},
	}
}
