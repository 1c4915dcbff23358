package components

import (
	"maps"
	"slices"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// Resources are a container's resource requests and limits, as Kubernetes quantities by
// resource name: {"cpu": "100m", "memory": "256Mi"}.
type Resources struct {
	// Requests are what the scheduler sets aside. Default: none.
	Requests map[string]string `pulumi:"requests,optional"`

	// Limits are what the container may not exceed. Default: none.
	Limits map[string]string `pulumi:"limits,optional"`
}

// container holds the parts of a container that its user chooses.
type container struct {
	image           pulumi.StringInput
	imagePullPolicy string
	resources       *Resources
}

// args starts a ContainerArgs that the Pod Security level "restricted" admits.
func (c container) args(name string) *corev1.ContainerArgs {
	args := &corev1.ContainerArgs{
		Name:      pulumi.String(name),
		Image:     c.image,
		Resources: c.resources.args(),
		SecurityContext: &corev1.SecurityContextArgs{
			AllowPrivilegeEscalation: pulumi.Bool(false),
			ReadOnlyRootFilesystem:   pulumi.Bool(true),
			Capabilities:             &corev1.CapabilitiesArgs{Drop: pulumi.ToStringArray([]string{"ALL"})},
		},
	}
	if c.imagePullPolicy != "" {
		args.ImagePullPolicy = pulumi.String(c.imagePullPolicy)
	}
	return args
}

func (r *Resources) args() corev1.ResourceRequirementsPtrInput {
	if r == nil {
		return nil
	}
	args := &corev1.ResourceRequirementsArgs{}
	if len(r.Requests) > 0 {
		args.Requests = pulumi.ToStringMap(r.Requests)
	}
	if len(r.Limits) > 0 {
		args.Limits = pulumi.ToStringMap(r.Limits)
	}
	return args
}

// workload describes a Deployment as this package creates them: `restricted`, never below
// its replicas during a rollout, and stopped only after clients have stopped sending.
type workload struct {
	name, component string
	replicas        int
	// autoscaled: replicas are what the Deployment starts with; an autoscaler sets them.
	autoscaled bool
	// labels are additional labels of Deployment and pods, annotations those of the pods.
	labels      map[string]string
	annotations pulumi.StringMap
	// uid is the image's numeric user, so that an image whose USER is a name, or root, still
	// runs.
	uid int
	// bindLowPorts lets the containers listen on ports below 1024 without a capability.
	bindLowPorts bool
	// leaderOnly: of several replicas only the leader ever becomes ready. All are replaced at
	// once, since a new one cannot lead while an old one does.
	leaderOnly bool
	// serviceAccount is mounted with its token. Empty: no token in the pod.
	serviceAccount string
	// graceSeconds is how long the pod may take to stop, including its preStop hook.
	graceSeconds int
	containers   corev1.ContainerArray
	volumes      corev1.VolumeArray
	metrics      metricsEndpoint
}

// deployment registers the Deployment; `up` waits until it is ready.
func (c common) deployment(
	ctx *pulumi.Context, name string, w workload, opts ...pulumi.ResourceOption,
) (*appsv1.Deployment, error) {
	strategy := &appsv1.DeploymentStrategyArgs{
		Type: pulumi.String("RollingUpdate"),
		RollingUpdate: &appsv1.RollingUpdateDeploymentArgs{
			MaxUnavailable: pulumi.Int(0), MaxSurge: pulumi.String("25%"),
		},
	}
	var await map[string]string
	if w.leaderOnly {
		strategy = &appsv1.DeploymentStrategyArgs{Type: pulumi.String("Recreate")}
		// Pulumi would wait for all replicas. These fields exist once there is a replica of the
		// new version, and once one is ready.
		await = map[string]string{
			llmd.WaitForAnnotation: `["jsonpath={.status.updatedReplicas}","jsonpath={.status.readyReplicas}"]`,
		}
	}
	labels := c.labels(w.name, w.component)
	maps.Copy(labels, w.labels)
	// In a namespace with Istio's automatic injection, a sidecar would come between gateway, EPP
	// and simulators, which reach each other by pod address, and its init container would
	// violate `restricted`.
	labels["sidecar.istio.io/inject"] = "false"
	opts = c.timeouts(opts...)
	if w.autoscaled {
		// The provider then applies the field with its present value while nobody else owns it, and
		// not at all once an autoscaler does. Left out, server-side apply would reset it to 1.
		opts = append(opts, pulumi.IgnoreChanges([]string{"spec.replicas"}))
	}
	return appsv1.NewDeployment(ctx, name, &appsv1.DeploymentArgs{
		Metadata: c.metadata(w.name, w.component, w.labels, await),
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(w.replicas),
			Selector: &metav1.LabelSelectorArgs{MatchLabels: pulumi.ToStringMap(selector(w.name))},
			Strategy: strategy,
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{
					Labels: pulumi.ToStringMap(labels), Annotations: c.annotations(w.annotations, w.metrics),
				},
				Spec: c.pod(w),
			},
		},
	}, opts...)
}

func (c common) pod(w workload) *corev1.PodSpecArgs {
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
	if c.imagePullSecrets != nil {
		spec.ImagePullSecrets = c.imagePullSecrets.ToStringArrayOutput().ApplyT(
			func(names []string) []corev1.LocalObjectReference {
				references := make([]corev1.LocalObjectReference, len(names))
				for i := range names {
					references[i].Name = &names[i]
				}
				return references
			}).(corev1.LocalObjectReferenceArrayOutput)
	}
	return spec
}

// service registers a Service. Pulumi would wait at least 10 s for its endpoints to
// settle; the Deployments' own readiness covers that.
//
// A Service whose port changes is replaced: Kubernetes identifies ports by number, so an
// update would keep a port that someone else has set next to the new one. A second port, for
// metrics, comes and goes by an update.
func (c common) service(
	ctx *pulumi.Context, name, object, component string, spec *corev1.ServiceSpecArgs, opts ...pulumi.ResourceOption,
) (*corev1.Service, error) {
	return corev1.NewService(ctx, name, &corev1.ServiceArgs{
		Metadata: c.metadata(object, component, nil, map[string]string{"pulumi.com/skipAwait": "true"}),
		Spec:     spec,
	}, append(slices.Clip(opts), pulumi.ReplaceOnChanges([]string{"spec.ports[0].port"}), pulumi.DeleteBeforeReplace(true))...)
}

func httpProbe(path string, port pulumi.Input, period, failures int) *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		HttpGet:          &corev1.HTTPGetActionArgs{Path: pulumi.String(path), Port: port},
		PeriodSeconds:    pulumi.Int(period),
		FailureThreshold: pulumi.Int(failures),
	}
}

// sleepBeforeStop keeps a container serving until its clients have learned of its removal.
// It uses the kubelet's own sleep action, since the images have no shell.
func sleepBeforeStop(seconds int) *corev1.LifecycleArgs {
	return &corev1.LifecycleArgs{PreStop: &corev1.LifecycleHandlerArgs{
		Sleep: &corev1.SleepActionArgs{Seconds: pulumi.Int(seconds)},
	}}
}

// podField returns an environment variable that holds a field of the pod.
func podField(name, path string) corev1.EnvVarArgs {
	return corev1.EnvVarArgs{
		Name: pulumi.String(name),
		ValueFrom: &corev1.EnvVarSourceArgs{
			FieldRef: &corev1.ObjectFieldSelectorArgs{FieldPath: pulumi.String(path)},
		},
	}
}

func containerPort(name string, port int) corev1.ContainerPortArgs {
	return corev1.ContainerPortArgs{Name: pulumi.String(name), ContainerPort: pulumi.Int(port)}
}
