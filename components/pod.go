package components

import (
	"errors"
	"maps"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Container is the part of a container that its user chooses.
type Container struct {
	// Image with its tag or digest. Required.
	Image string

	// ImagePullPolicy is Always, IfNotPresent or Never. Default: Kubernetes' own rule.
	ImagePullPolicy string

	// Resources requested and limited. Default: none.
	Resources corev1.ResourceRequirementsPtrInput
}

func (c Container) validate() error {
	if c.Image == "" {
		return errors.New("image is required")
	}
	return nil
}

// container starts a ContainerArgs that the Pod Security level "restricted" admits.
func (c Container) container(name string) *corev1.ContainerArgs {
	args := &corev1.ContainerArgs{
		Name:      pulumi.String(name),
		Image:     pulumi.String(c.Image),
		Resources: c.Resources,
		SecurityContext: &corev1.SecurityContextArgs{
			AllowPrivilegeEscalation: pulumi.Bool(false),
			ReadOnlyRootFilesystem:   pulumi.Bool(true),
			Capabilities:             &corev1.CapabilitiesArgs{Drop: pulumi.ToStringArray([]string{"ALL"})},
		},
	}
	if c.ImagePullPolicy != "" {
		args.ImagePullPolicy = pulumi.String(c.ImagePullPolicy)
	}
	return args
}

// workload is a Deployment as this package makes them: `restricted`, never below its
// replicas during a rollout, and stopped only once clients have stopped sending.
type workload struct {
	name, component string
	replicas        int
	// labels are further labels of Deployment and pods, annotations those of the pods.
	labels      map[string]string
	annotations pulumi.StringMap
	// uid is the numeric user of the image, so that an image whose USER is a name,
	// or root, runs all the same.
	uid int
	// bindLowPorts lets the containers listen on ports below 1024 without a capability.
	bindLowPorts bool
	// oneLeads: of several replicas only the one that leads is ever ready. All are
	// replaced at once, since a new one cannot lead while an old one does.
	oneLeads bool
	// serviceAccount is mounted with its token. Empty: no token in the pod.
	serviceAccount string
	// graceSeconds is how long the pod may take to stop, with its preStop sleep.
	graceSeconds int
	containers   corev1.ContainerArray
	volumes      corev1.VolumeArray
}

// deployment registers the Deployment; `up` waits until it is ready.
func (c Common) deployment(
	ctx *pulumi.Context, urn string, w workload, opts ...pulumi.ResourceOption,
) (*appsv1.Deployment, error) {
	security := &corev1.PodSecurityContextArgs{
		RunAsNonRoot:   pulumi.Bool(true),
		RunAsUser:      pulumi.Int(w.uid),
		RunAsGroup:     pulumi.Int(w.uid),
		FsGroup:        pulumi.Int(w.uid),
		SeccompProfile: &corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")},
	}
	if w.bindLowPorts {
		security.Sysctls = corev1.SysctlArray{corev1.SysctlArgs{
			Name: pulumi.String("net.ipv4.ip_unprivileged_port_start"), Value: pulumi.String("0"),
		}}
	}
	spec := &corev1.PodSpecArgs{
		SecurityContext:               security,
		AutomountServiceAccountToken:  pulumi.Bool(w.serviceAccount != ""),
		EnableServiceLinks:            pulumi.Bool(false),
		TerminationGracePeriodSeconds: pulumi.Int(w.graceSeconds),
		Containers:                    w.containers,
		Volumes:                       w.volumes,
	}
	if w.serviceAccount != "" {
		spec.ServiceAccountName = pulumi.String(w.serviceAccount)
	}
	if len(c.ImagePullSecrets) > 0 {
		secrets := make(corev1.LocalObjectReferenceArray, len(c.ImagePullSecrets))
		for i, name := range c.ImagePullSecrets {
			secrets[i] = corev1.LocalObjectReferenceArgs{Name: pulumi.String(name)}
		}
		spec.ImagePullSecrets = secrets
	}

	strategy := &appsv1.DeploymentStrategyArgs{
		Type: pulumi.String("RollingUpdate"),
		RollingUpdate: &appsv1.RollingUpdateDeploymentArgs{
			MaxUnavailable: pulumi.Int(0), MaxSurge: pulumi.String("25%"),
		},
	}
	var await map[string]string
	if w.oneLeads {
		strategy = &appsv1.DeploymentStrategyArgs{Type: pulumi.String("Recreate")}
		// Pulumi would wait for all replicas. These fields exist once there is one, of this
		// version and none before, and once one is ready.
		await = map[string]string{
			"pulumi.com/waitFor": `["jsonpath={.status.updatedReplicas}","jsonpath={.status.readyReplicas}"]`,
		}
	}

	labels := c.labels(w.name, w.component)
	maps.Copy(labels, w.labels)
	return appsv1.NewDeployment(ctx, urn, &appsv1.DeploymentArgs{
		Metadata: c.metadata(w.name, w.component, w.labels, await),
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(w.replicas),
			Selector: &metav1.LabelSelectorArgs{MatchLabels: pulumi.ToStringMap(selector(w.name))},
			Strategy: strategy,
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{
					Labels: stringMap(labels), Annotations: w.annotations,
				},
				Spec: spec,
			},
		},
	}, c.timeouts(opts...)...)
}

// service registers a Service. Pulumi would wait at least 10 s for its endpoints to
// settle; the Deployments' own readiness covers that.
//
// One whose port is another is replaced: Kubernetes tells ports from each other by their
// numbers, and by an update would leave beside the new port one that somebody else set.
func (c Common) service(
	ctx *pulumi.Context, urn, name, component string, spec *corev1.ServiceSpecArgs, opts ...pulumi.ResourceOption,
) (*corev1.Service, error) {
	return corev1.NewService(ctx, urn, &corev1.ServiceArgs{
		Metadata: c.metadata(name, component, nil, map[string]string{"pulumi.com/skipAwait": "true"}),
		Spec:     spec,
	}, append(opts, pulumi.ReplaceOnChanges([]string{"spec.ports[*].port"}), pulumi.DeleteBeforeReplace(true))...)
}

func httpProbe(path string, port pulumi.Input, period, failures int) *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		HttpGet:          &corev1.HTTPGetActionArgs{Path: pulumi.String(path), Port: port},
		PeriodSeconds:    pulumi.Int(period),
		FailureThreshold: pulumi.Int(failures),
	}
}

// sleepBeforeStop keeps a container serving while its removal reaches the clients.
// The kubelet's own sleep action, since the images have no shell.
func sleepBeforeStop(seconds int) *corev1.LifecycleArgs {
	return &corev1.LifecycleArgs{PreStop: &corev1.LifecycleHandlerArgs{
		Sleep: &corev1.SleepActionArgs{Seconds: pulumi.Int(seconds)},
	}}
}

// podField is an environment variable with a field of the pod.
func podField(name, path string) corev1.EnvVarArgs {
	return corev1.EnvVarArgs{
		Name: pulumi.String(name),
		ValueFrom: &corev1.EnvVarSourceArgs{
			FieldRef: &corev1.ObjectFieldSelectorArgs{FieldPath: pulumi.String(path)},
		},
	}
}
