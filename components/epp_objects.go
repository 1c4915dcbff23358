package components

import (
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/endpointpicker"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// eppGraceSeconds is the grace period of the inference extension's own chart (v1.2.0).
const eppGraceSeconds = 130

var eppMetrics = metricsEndpoint{llmd.EPPMetricsPort, "/metrics"}

// prerequisites registers the objects that must exist when the EPP starts.
func (a *epp) prerequisites(
	ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption,
) ([]pulumi.Resource, error) {
	account, err := corev1.NewServiceAccount(ctx, name+"-service-account", &corev1.ServiceAccountArgs{
		Metadata:                     a.metadata(a.objectName(), llmd.ComponentEPP, nil, nil),
		AutomountServiceAccountToken: pulumi.Bool(false),
	}, opts...)
	if err != nil {
		return nil, err
	}
	role, err := rbacv1.NewRole(ctx, name+"-role", &rbacv1.RoleArgs{
		Metadata: a.metadata(a.objectName(), llmd.ComponentEPP, nil, nil),
		Rules:    a.rules(),
	}, opts...)
	if err != nil {
		return nil, err
	}
	binding, err := rbacv1.NewRoleBinding(ctx, name+"-role-binding", &rbacv1.RoleBindingArgs{
		Metadata: a.metadata(a.objectName(), llmd.ComponentEPP, nil, nil),
		RoleRef: &rbacv1.RoleRefArgs{
			ApiGroup: pulumi.String("rbac.authorization.k8s.io"),
			Kind:     pulumi.String("Role"),
			Name:     role.Metadata.Name().Elem(),
		},
		Subjects: rbacv1.SubjectArray{rbacv1.SubjectArgs{
			Kind: pulumi.String("ServiceAccount"), Name: account.Metadata.Name().Elem(), Namespace: a.namespace,
		}},
	}, opts...)
	if err != nil {
		return nil, err
	}
	plugins, err := corev1.NewConfigMap(ctx, name+"-config", &corev1.ConfigMapArgs{
		Metadata: a.metadata(a.objectName(), llmd.ComponentEPP, nil, nil),
		Data:     pulumi.StringMap{endpointpicker.ConfigFile: pulumi.String(a.PluginsConfig)},
	}, opts...)
	if err != nil {
		return nil, err
	}
	return []pulumi.Resource{binding, plugins}, nil
}

// rules are the permissions that the EPP needs, and no more.
func (a *epp) rules() rbacv1.PolicyRuleArray {
	var rules rbacv1.PolicyRuleArray
	for _, rule := range endpointpicker.Rules(a.options()) {
		rules = append(rules, rbacv1.PolicyRuleArgs{
			ApiGroups: pulumi.ToStringArray(rule.APIGroups),
			Resources: pulumi.ToStringArray(rule.Resources),
			Verbs:     pulumi.ToStringArray(rule.Verbs),
		})
	}
	return rules
}

func (a *epp) objectName() string { return llmd.ForModel(llmd.EPPName, a.Model) }

func (a *epp) poolName() string { return llmd.ForModel(llmd.PoolName, a.Model) }

func (a *epp) leaderElection() bool { return a.replicas > 1 }

// pool registers the InferencePool. Only a gateway controller writes its status, and a
// cluster need not have one, so nothing waits for it.
func (a *epp) pool(
	ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption,
) (*apiextensions.CustomResource, error) {
	return apiextensions.NewCustomResource(ctx, name+"-pool", &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String("inference.networking.k8s.io/v1"),
		Kind:       pulumi.String("InferencePool"),
		Metadata:   a.metadata(a.poolName(), llmd.ComponentEPP, nil, nil),
		OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{
			"selector":    pulumi.Map{"matchLabels": pulumi.ToStringMap(llmd.ServingSelector(a.Model))},
			"targetPorts": pulumi.Array{pulumi.Map{"number": pulumi.Int(a.TargetPort)}},
			"endpointPickerRef": pulumi.Map{
				"name": pulumi.String(a.objectName()),
				"port": pulumi.Map{"number": pulumi.Int(a.Port)},
				// Without an EPP requests are balanced rather than refused.
				"failureMode": pulumi.String("FailOpen"),
			},
		}},
	}, opts...)
}

// originateTLS makes Istio's proxies use TLS to the EPP. Its certificate names no host, so
// there is nothing to verify.
func (a *epp) originateTLS(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) error {
	_, err := apiextensions.NewCustomResource(ctx, name+"-destination-rule", &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String("networking.istio.io/v1"),
		Kind:       pulumi.String("DestinationRule"),
		Metadata:   a.metadata(a.objectName(), llmd.ComponentEPP, nil, nil),
		OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{
			"host": a.serviceHost(pulumi.String(a.objectName())),
			"trafficPolicy": pulumi.Map{"tls": pulumi.Map{
				"mode": pulumi.String("SIMPLE"), "insecureSkipVerify": pulumi.Bool(true),
			}},
		}},
	}, opts...)
	return err
}

func (a *epp) options() endpointpicker.Options {
	options := endpointpicker.Options{
		Release:        a.release,
		Verbosity:      int32(a.verbosity),
		KVCacheMetric:  a.KVCacheMetric,
		PodLabels:      llmd.ServingSelector(a.Model),
		TargetPort:     int32(a.TargetPort),
		LeaderElection: a.leaderElection(),
		SecureServing:  a.SecureServing,
		Tracing:        a.Tracing != nil,
		Args:           a.Args,
	}
	if a.InferencePool {
		options.PoolName = a.poolName()
	}
	return options
}

func (a *epp) workload() workload {
	c := container{a.Image, a.ImagePullPolicy, a.Resources}.args("epp")
	c.Args = pulumi.ToStringArray(endpointpicker.Args(a.options()))
	c.Env = append(corev1.EnvVarArray{
		podField("POD_NAME", "metadata.name"), podField("NAMESPACE", "metadata.namespace"),
	}, a.Tracing.environment(a.objectName())...)
	c.Ports = append(corev1.ContainerPortArray{
		containerPort("grpc", llmd.EPPGRPCPort), containerPort("grpc-health", llmd.EPPHealthPort), containerPort("metrics", llmd.EPPMetricsPort),
	}, a.PrecisePrefixes.containerPorts()...)
	// Ready means able to pick. Alive means only that the port is open: a gRPC check would
	// kill an EPP that waits for its pool.
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
	c.Lifecycle = sleepBeforeStop(int(llmd.EPPDrainTime.Seconds()))
	c.VolumeMounts = corev1.VolumeMountArray{corev1.VolumeMountArgs{
		Name: pulumi.String("config"), MountPath: pulumi.String(endpointpicker.ConfigDir), ReadOnly: pulumi.Bool(true),
	}}
	return workload{
		name:           a.objectName(),
		component:      llmd.ComponentEPP,
		replicas:       a.replicas,
		labels:         map[string]string{llmd.ComponentLabel: llmd.ComponentEPP},
		annotations:    checksum(pulumi.String(a.PluginsConfig)),
		uid:            simulatorUser,
		leaderOnly:     a.leaderElection(),
		serviceAccount: a.objectName(),
		graceSeconds:   eppGraceSeconds,
		metrics:        eppMetrics,
		containers:     corev1.ContainerArray{c},
		volumes: corev1.VolumeArray{corev1.VolumeArgs{
			Name:      pulumi.String("config"),
			ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: pulumi.String(a.objectName())},
		}},
	}
}
