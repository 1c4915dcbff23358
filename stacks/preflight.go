package stacks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
)

// oldestKubernetes is the first release whose kubelet knows the preStop sleep that
// every pod uses (on by default since 1.30).
const oldestKubernetes = "1.30"

// preflight fails when the cluster lacks what the spec needs, or when an object that
// the stack would create is somebody else's. It changes nothing. A preview without
// a reachable cluster goes on with a warning. It returns who has edited which object.
func preflight(
	ctx *pulumi.Context, live cluster.Cluster, spec *config.Spec, owner string,
) (edits map[string]string, err error) {
	if _, err := live.Version(ctx.Context()); err != nil {
		if ctx.DryRun() {
			return nil, ctx.Log.Warn(fmt.Sprintf("the cluster was not checked, since it can't be reached: %v", err), nil)
		}
		return nil, fmt.Errorf("the cluster can't be reached: %w", err)
	}
	checks := []func(context.Context, cluster.Cluster, *config.Spec) error{
		checkVersion,
		checkKinds,
		func(ctx context.Context, live cluster.Cluster, spec *config.Spec) (err error) {
			edits, err = checkOwners(ctx, live, spec, owner)
			return err
		},
	}
	problems := make([]error, len(checks))
	var group errgroup.Group
	for i, check := range checks {
		group.Go(func() error {
			problems[i] = check(ctx.Context(), live, spec)
			return nil
		})
	}
	_ = group.Wait()
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("the cluster is not ready for this configuration, nothing was changed:\n%w", err)
	}
	return edits, nil
}

func checkVersion(ctx context.Context, live cluster.Cluster, _ *config.Spec) error {
	is, err := live.Version(ctx)
	if err != nil {
		return err
	}
	if is.LessThan(version.MustParseGeneric(oldestKubernetes)) {
		return fmt.Errorf("kubernetes %s is too old: %s or newer is needed", is, oldestKubernetes)
	}
	return nil
}

// need is a part of the stack that works only where the cluster serves certain kinds.
type need struct {
	part    string // The configuration key that asks for it.
	enabled bool
	kinds   []schema.GroupVersionKind
	install string // How to get the kinds.
	// class is a GatewayClass that a controller must have accepted, if the part needs one.
	class string
}

const (
	installIstio     = "install Istio 1.28 (https://istio.io/latest/docs/setup/install/)"
	installGateway   = "install the Gateway API (https://gateway-api.sigs.k8s.io/guides/)"
	installInference = "install the inference extension's CRDs (https://gateway-api-inference-extension.sigs.k8s.io/guides/)"
)

func needs(spec *config.Spec) []need {
	gateway := schema.GroupVersion{Group: "gateway.networking.k8s.io", Version: "v1"}
	istio := schema.GroupVersion{Group: "networking.istio.io", Version: "v1"}
	gatewayAPI := []schema.GroupVersionKind{gateway.WithKind("Gateway"), gateway.WithKind("HTTPRoute")}
	return []need{
		{
			part: "loadBalancing.enabled", enabled: spec.LoadBalancing.Enabled,
			kinds:   []schema.GroupVersionKind{istio.WithKind("DestinationRule")},
			install: installIstio,
		},
		{
			part: "inferenceGateway.istio.enabled", enabled: spec.IstioGateway(),
			kinds: gatewayAPI, install: installGateway, class: llmd.IstioClassName,
		},
		{
			part: "gateway.enabled", enabled: spec.Gateway.Enabled,
			kinds: gatewayAPI, install: installGateway, class: spec.Gateway.ClassName,
		},
		{
			part: "inferencePool.enabled", enabled: spec.Pool(),
			kinds: []schema.GroupVersionKind{
				{Group: "inference.networking.k8s.io", Version: "v1", Kind: "InferencePool"},
				// EPP v0.4.0 exits at its start when this one is missing.
				{Group: "inference.networking.x-k8s.io", Version: "v1alpha2", Kind: "InferenceObjective"},
			},
			install: installInference,
		},
	}
}

func checkKinds(ctx context.Context, live cluster.Cluster, spec *config.Spec) error {
	var problems []error
	for _, need := range needs(spec) {
		if !need.enabled {
			continue
		}
		var missing []string
		for _, kind := range need.kinds {
			served, err := live.Kinds(ctx, kind.GroupVersion())
			if err != nil {
				return fmt.Errorf("asking the cluster for %s: %w", kind.GroupVersion(), err)
			}
			if !served.Has(kind.Kind) {
				missing = append(missing, fmt.Sprintf("%s (%s)", kind.Kind, kind.GroupVersion()))
			}
		}
		if len(missing) > 0 {
			problems = append(problems, need.problem("the cluster does not know "+strings.Join(missing, " and "), need.install))
			continue
		}
		if err := need.checkClass(ctx, live, spec); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// problem says what a part lacks, how to get it, and how to do without.
func (n need) problem(what, mend string) error {
	return fmt.Errorf("%s: %s: %s, or switch the part off: pulumi config set --path %s false", n.part, what, mend, n.part)
}

// checkClass refuses a Gateway that nobody would program.
func (n need) checkClass(ctx context.Context, live cluster.Cluster, spec *config.Spec) error {
	if n.class == "" {
		return nil
	}
	exists, accepted, err := live.GatewayClass(ctx, n.class)
	if apierrors.IsForbidden(err) {
		return nil // Who may not look learns from the wait for the Gateway.
	}
	mend := "install a controller for it"
	if n.class == llmd.IstioClassName {
		mend = installIstio
	}
	switch {
	case err != nil:
		return fmt.Errorf("reading GatewayClass %s: %w", n.class, err)
	case !exists:
		return n.problem("there is no GatewayClass "+n.class, mend)
	case !accepted:
		return n.problem("no controller has accepted GatewayClass "+n.class, mend)
	case n.class == llmd.IstioClassName:
		return n.checkIstiod(ctx, live, spec)
	}
	return nil
}

// inferenceVariable lets istiod route to an InferencePool; Istio 1.28 has it off.
const inferenceVariable = "ENABLE_GATEWAY_API_INFERENCE_EXTENSION"

// checkIstiod refuses an istiod that is down, since its webhooks would refuse objects
// half way, and one that would leave out an InferencePool's route. One that it may not
// or cannot see, as outside of the cluster, it believes to be right.
func (n need) checkIstiod(ctx context.Context, live cluster.Cluster, spec *config.Spec) error {
	istiods, err := live.Deployments(ctx, metav1.NamespaceAll, "app=istiod")
	if apierrors.IsForbidden(err) || err == nil && len(istiods) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for istiod: %w", err)
	}
	down := func(d appsv1.Deployment) bool { return d.Status.ReadyReplicas == 0 }
	if istiods = slices.DeleteFunc(istiods, down); len(istiods) == 0 {
		return n.problem("istiod is not ready", "see why: kubectl describe pods -A -l app=istiod")
	}
	if !spec.Pool() {
		return nil
	}
	for _, istiod := range istiods {
		for _, c := range istiod.Spec.Template.Spec.Containers {
			for _, v := range c.Env {
				if v.Name == inferenceVariable && v.Value == "true" {
					return nil
				}
			}
		}
	}
	return n.problem("istiod does not support InferencePools, by which this part reaches the EPP",
		"switch that on: istioctl install --set values.pilot.env."+inferenceVariable+"=true, "+
			"or go without the EPP: pulumi config set --path inferencePool.enabled false")
}

// checkOwners refuses to take over what somebody else made: the Kubernetes provider
// would adopt it silently, and delete it on destroy. Of this stack's own objects it returns,
// by kind and name, who has edited them.
func checkOwners(
	ctx context.Context, live cluster.Cluster, spec *config.Spec, owner string,
) (edits map[string]string, err error) {
	namespace, err := live.Namespace(ctx, spec.Namespace)
	if err != nil {
		return nil, fmt.Errorf("reading namespace %s: %w", spec.Namespace, err)
	}
	if err := checkNamespace(namespace, spec, owner); err != nil || namespace == nil {
		return nil, err
	}
	planned := map[schema.GroupVersionResource]map[string]bool{}
	for _, o := range objects(spec) {
		if planned[o.resource] == nil {
			planned[o.resource] = map[string]bool{}
		}
		planned[o.resource][o.name] = true
	}
	var group errgroup.Group
	var mu sync.Mutex
	var problems []error
	edits = map[string]string{}
	for resource, names := range planned {
		group.Go(func() error {
			list, err := live.List(ctx, resource, spec.Namespace)
			if err != nil {
				return fmt.Errorf("listing %s in namespace %s: %w", resource.Resource, spec.Namespace, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, o := range list {
				if !names[o.Name] {
					continue
				}
				if o.Annotations[llmd.StackAnnotation] != owner {
					problems = append(problems, foreignObject(resource, o, owner))
				} else if ruling, is := rulings[resource]; is {
					edits[ruling.kind+" "+o.Name] = editedBy(ruling.field, o)
				}
			}
			return nil
		})
	}
	err = group.Wait()
	return edits, errors.Join(append(problems, err)...)
}

func checkNamespace(namespace *metav1.PartialObjectMetadata, spec *config.Spec, owner string) error {
	switch {
	case namespace == nil && !spec.CreateNamespace:
		return fmt.Errorf("namespace %s does not exist: create it, or let this stack do it: pulumi config set createNamespace true",
			spec.Namespace)
	case namespace == nil:
		return nil
	case namespace.DeletionTimestamp != nil:
		return fmt.Errorf("namespace %s is being deleted: wait until it is gone", spec.Namespace)
	}
	ours := namespace.Annotations[llmd.StackAnnotation] == owner
	switch {
	case spec.CreateNamespace && !ours:
		return fmt.Errorf("namespace %s exists already and %s: use it without owning it: pulumi config set createNamespace false, "+
			"or choose another: pulumi config set namespace NAME", spec.Namespace, maker(namespace))
	case !spec.CreateNamespace && ours:
		return fmt.Errorf("namespace %[1]s was created by this stack, and createNamespace false would delete it with all it holds: "+
			"leave createNamespace true, or first hand the namespace over: "+
			"pulumi state delete --target-dependents 'URN of the namespace' and kubectl annotate namespace %[1]s %[2]s-",
			spec.Namespace, llmd.StackAnnotation)
	}
	return nil
}

func foreignObject(resource schema.GroupVersionResource, o metav1.PartialObjectMetadata, owner string) error {
	return fmt.Errorf("%s %s in namespace %s exists already and %s: delete it, choose another namespace "+
		"(pulumi config set namespace NAME), or hand it to this stack: kubectl annotate --overwrite -n %s %s %s %s=%s",
		resource.Resource, o.Name, o.Namespace, maker(&o),
		o.Namespace, resource.GroupResource(), o.Name, llmd.StackAnnotation, owner)
}

// maker says whose an object is, as far as the object tells.
func maker(o *metav1.PartialObjectMetadata) string {
	if stack := o.Annotations[llmd.StackAnnotation]; stack != "" {
		return "belongs to the Pulumi stack " + stack
	}
	for _, ref := range o.OwnerReferences {
		return fmt.Sprintf("belongs to %s %s", ref.Kind, ref.Name)
	}
	return "was not made by this stack"
}
