package preflight

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// checkGateways refuses a part whose Gateway no controller would program.
func (c *checker) checkGateways(ctx context.Context, part plan.Part) error {
	for _, o := range part.Objects {
		if o.Kind != "Gateway" {
			continue
		}
		class, _ := o.Field("spec", "gatewayClassName").(string)
		if err := c.checkClass(ctx, part, class); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) checkClass(ctx context.Context, part plan.Part, class string) error {
	exists, accepted, err := c.live.GatewayClass(ctx, class)
	if apierrors.IsForbidden(err) {
		return nil // Without permission to read it, `up` finds out while it waits for the Gateway.
	}
	fix := "install a controller for it"
	if class == llmd.IstioClassName {
		fix = installIstio
	}
	switch {
	case err != nil:
		return fmt.Errorf("reading GatewayClass %s: %w", class, err)
	case !exists:
		return problem(part.Key, "there is no GatewayClass "+class, fix)
	case !accepted:
		return problem(part.Key, "no controller has accepted GatewayClass "+class, fix)
	case class == llmd.IstioClassName:
		return c.checkIstiod(ctx, part)
	}
	return nil
}

// inferenceVariable lets istiod route to an InferencePool; it is off in Istio 1.28.
const inferenceVariable = "ENABLE_GATEWAY_API_INFERENCE_EXTENSION"

// checkIstiod refuses an istiod that is down, since its webhooks would reject objects
// halfway, and one that would ignore an InferencePool's route. An istiod that can't be
// seen, because it runs outside the cluster or may not be read, passes.
func (c *checker) checkIstiod(ctx context.Context, part plan.Part) error {
	istiods, err := c.live.Deployments(ctx, metav1.NamespaceAll, "app=istiod")
	if apierrors.IsForbidden(err) || err == nil && len(istiods) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for istiod: %w", err)
	}
	down := func(d appsv1.Deployment) bool { return d.Status.ReadyReplicas == 0 }
	if istiods = slices.DeleteFunc(istiods, down); len(istiods) == 0 {
		return problem(part.Key, "istiod is not ready", "see why: kubectl describe pods -A -l app=istiod")
	}
	isPool := func(o plan.Object) bool { return o.Kind == "InferencePool" }
	if !slices.ContainsFunc(c.Objects(), isPool) || slices.ContainsFunc(istiods, supportsPools) {
		return nil
	}
	return problem(part.Key, "istiod does not support InferencePools, which this part needs to reach the EPP",
		"switch that on: istioctl install --set values.pilot.env."+inferenceVariable+"=true, "+
			"or go without the EPP: pulumi config set --path inferencePool.enabled false")
}

func supportsPools(istiod appsv1.Deployment) bool {
	for _, c := range istiod.Spec.Template.Spec.Containers {
		for _, v := range c.Env {
			if v.Name == inferenceVariable && v.Value == "true" {
				return true
			}
		}
	}
	return false
}
