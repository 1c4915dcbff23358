package stacks

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/endpointpicker"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/config"
)

func eppEnabled(spec *config.Spec) bool { return spec.EPP.Enabled }

func (c *composer) epp() error {
	epp := c.spec.EPP
	plugins, err := ownPlugins(c.spec)
	if err != nil {
		return err
	}
	e, err := components.NewEPP(c.ctx, c.part("epp"), &components.EPPArgs{
		Namespace:        c.Namespace,
		Instance:         c.spec.Name,
		Model:            c.model,
		Replicas:         integer(epp.Replicas),
		Image:            image(c.args.Images.EPP, epp.Image),
		Version:          version(c.args.Images.EPP, epp.Version, c.spec.EPPRelease().Release),
		ImagePullPolicy:  c.pullPolicy(epp.Image),
		ImagePullSecrets: c.pullSecrets(),
		Resources:        resources(epp.Resources),
		Port:             int(epp.Port),
		TargetPort:       int(c.spec.DecodeStage().Port),
		Verbosity:        integer(epp.Verbosity),
		KVCacheMetric:    c.spec.SimulatorRelease().KVCacheMetric,
		PrefillDecode:    c.spec.Sidecar(),
		PrecisePrefixes:  c.precisePrefixes(),
		FlowControl:      flowControl(c.spec),
		PluginsConfig:    plugins,
		Tracing:          c.tracing(),
		SecureServing:    epp.SecureServing,
		Istio:            c.spec.IstioProxies(),
		Args:             epp.Args,
		InferencePool:    c.spec.Pool(),
		NetworkPolicy:    c.spec.NetworkPolicy.Enabled,
		ClusterDomain:    c.spec.ClusterDomain,
		Metrics:          c.metrics(),
		ReadyTimeout:     c.spec.ReadyTimeout.Duration.String(),
	}, c.child("epp"))
	if err != nil {
		return err
	}
	c.targets = append(c.targets, e.Target)
	c.deployments = append(c.deployments, deployed{e.Deployment, llmd.ForModel(llmd.EPPName, c.model), epp.Replicas > 1, epp.Replicas > 1})
	if c.spec.Pool() {
		c.pool = e.PoolName
	}
	return nil
}

// ownPlugins returns the user's own EndpointPickerConfig, migrated to the EPP's release, or
// nothing if there is none.
func ownPlugins(spec *config.Spec) (string, error) {
	own := spec.EPP.PluginsConfig
	if own == nil {
		return "", nil
	}
	if spec.EPP.PluginsConfigCheck {
		own, _ = endpointpicker.Migrate(own, spec.EPPRelease())
	}
	return endpointpicker.Override(own)
}

// eppNeeds returns the kinds without which the EPP exits.
func eppNeeds(spec *config.Spec) []schema.GroupVersionKind {
	if !spec.Pool() || !spec.EPPRelease().ObjectiveRequired {
		return nil
	}
	return []schema.GroupVersionKind{
		schema.FromAPIVersionAndKind(spec.EPPRelease().ObjectiveAPI, "InferenceObjective"),
	}
}

func (c *composer) precisePrefixes() *components.PrecisePrefixes {
	if !c.spec.PrecisePrefixes() {
		return nil
	}
	return &components.PrecisePrefixes{
		Model: c.spec.Simulator.Model, BlockSize: int(c.spec.Simulator.KVCache.BlockSize),
		// The decode pods have no Service of their own in every mode.
		Tokenizer: fmt.Sprintf("http://%s:%d", llmd.ForModel(c.spec.Service.Name, c.model), c.spec.Service.Port),
	}
}
