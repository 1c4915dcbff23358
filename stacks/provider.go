package stacks

import (
	"context"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
)

// providers returns the option that puts resources into the target cluster.
func (r *run) providers(random *random.Provider) (pulumi.ResourceOption, error) {
	settings := r.provider
	args := &kubernetes.ProviderArgs{
		// Names are fixed, so a changed ConfigMap or Secret is updated rather than replaced;
		// a checksum on the pods rolls them.
		EnableConfigMapMutable:      pulumi.Bool(true),
		EnableSecretMutable:         pulumi.Bool(true),
		DeleteUnreachable:           pulumi.BoolPtrFromPtr(settings.DeleteUnreachable),
		SkipUpdateUnreachable:       pulumi.BoolPtrFromPtr(settings.SkipUpdateUnreachable),
		SuppressDeprecationWarnings: pulumi.BoolPtrFromPtr(settings.SuppressDeprecationWarnings),
		KubeClientSettings:          clientSettings(settings.ClientSettings),
	}
	if r.kubeconfig != nil {
		args.Kubeconfig = pulumi.ToSecret(r.kubeconfig.ToStringOutput()).(pulumi.StringOutput)
	}
	if settings.Context != "" {
		args.Context = pulumi.String(settings.Context)
	}
	if settings.Cluster != "" {
		args.Cluster = pulumi.String(settings.Cluster)
	}
	if id := clusterID(r.ctx.Context(), r.live); id != "" {
		// Otherwise another address of the same cluster counts as another cluster: every object
		// would be created again, which adopts it, and then deleted as the old one.
		args.ClusterIdentifier = pulumi.String(id)
	}
	name, opts, err := r.around("kubernetes")
	if err != nil {
		return nil, err
	}
	k8s, err := kubernetes.NewProvider(r.ctx, name, args, opts)
	if err != nil {
		return nil, err
	}
	return pulumi.Providers(k8s, random), nil
}

func clientSettings(settings config.ClientSettings) kubernetes.KubeClientSettingsPtrInput {
	if settings == (config.ClientSettings{}) {
		return nil
	}
	args := &kubernetes.KubeClientSettingsArgs{Qps: pulumi.Float64PtrFromPtr(settings.QPS)}
	if n := settings.Burst; n != nil {
		args.Burst = pulumi.Int(*n)
	}
	if n := settings.Timeout; n != nil {
		args.Timeout = pulumi.Int(*n)
	}
	return args
}

// clusterID returns an identifier of a cluster that is independent of its address and never
// reused. It is empty if the cluster does not reveal it, or if there is none.
func clusterID(ctx context.Context, live cluster.Cluster) string {
	if live == nil {
		return ""
	}
	system, err := live.Namespace(ctx, metav1.NamespaceSystem)
	if err != nil || system == nil {
		return ""
	}
	return string(system.UID)
}
