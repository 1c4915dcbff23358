package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

const installIstio = "install Istio 1.28 (https://istio.io/latest/docs/setup/install/)"

// apis are the API groups that a cluster need not serve.
var apis = map[string]struct {
	install string
	// key disables just the objects of the group, if there is such a key.
	key string
}{
	"networking.istio.io": {install: installIstio},
	"monitoring.coreos.com": {
		install: "install the Prometheus Operator, such as with the Helm chart kube-prometheus-stack " +
			"(https://prometheus-operator.dev/docs/getting-started/installation/)",
		key: "monitoring.operator",
	},
	"keda.sh":                   {install: "install KEDA 2.20 or newer (https://keda.sh/docs/latest/deploy/)"},
	"gateway.networking.k8s.io": {install: "install the Gateway API (https://gateway-api.sigs.k8s.io/guides/)"},
	"inference.networking.k8s.io": {
		install: installInference, key: "inferencePool.enabled",
	},
	"inference.networking.x-k8s.io": {
		install: installInference, key: "inferencePool.enabled",
	},
	"llm-d.ai": {install: installObjectives},
}

// installObjectives names the release of the default EPP; those of others have the same kind.
const installObjectives = "install llm-d's CRD: kubectl apply -f " +
	"https://raw.githubusercontent.com/llm-d/llm-d-router/v0.10.0/config/crd/bases/llm-d.ai_inferenceobjectives.yaml"

// installInference names the newest release with all kinds that any EPP reads; later ones
// have only InferencePool.
const installInference = "install the CRDs of the inference extension v1.5.0: kubectl apply -f " +
	"https://github.com/kubernetes-sigs/gateway-api-inference-extension/releases/download/v1.5.0/manifests.yaml"

// checkKinds refuses parts whose kinds the cluster does not serve, or whose Gateway no
// controller would program.
func (c *checker) checkKinds(ctx context.Context) error {
	return c.each(ctx, func(ctx context.Context, part plan.Part) error {
		err := c.checkServed(ctx, part)
		if err != nil {
			return err
		}
		return c.checkGateways(ctx, part)
	})
}

// checkServed reports the kinds of a part that the cluster does not serve, by API group.
func (c *checker) checkServed(ctx context.Context, part plan.Part) error {
	kinds := slices.Clone(part.Needs)
	for _, o := range part.Objects {
		kinds = append(kinds, o.GroupVersionKind)
	}
	missing := map[string][]string{}
	var groups []string
	for _, kind := range kinds {
		api, optional := apis[kind.Group]
		if !optional {
			continue
		}
		served, err := c.live.Kinds(ctx, kind.GroupVersion())
		if err != nil {
			return fmt.Errorf("reading the kinds of %s: %w", kind.GroupVersion(), err)
		}
		if served.Has(kind.Kind) {
			continue
		}
		if !slices.Contains(groups, api.install) {
			groups = append(groups, api.install)
		}
		if name := kindName(kind); !slices.Contains(missing[api.install], name) {
			missing[api.install] = append(missing[api.install], name)
		}
	}
	var errs []error
	for _, install := range groups {
		key := part.Key
		for _, api := range apis {
			if api.install == install && api.key != "" && plan.IsSwitch(part.Key) {
				key = api.key
			}
		}
		errs = append(errs, problem(key, "the cluster does not know "+strings.Join(missing[install], " and "), install))
	}
	return errors.Join(errs...)
}

func kindName(kind schema.GroupVersionKind) string {
	return fmt.Sprintf("%s (%s)", kind.Kind, kind.GroupVersion())
}
