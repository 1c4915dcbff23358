package config

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// idlePart has no effect in some configurations: a path with everything below it, when it has an
// effect, and what is missing otherwise.
type idlePart struct {
	path  string
	works func(*Spec) bool
	lacks string
}

// idleParts lists them. The first match counts.
var idleParts = []idlePart{
	{"replicas", (*Spec).SingleMode, "with prefill.enabled or decode.enabled: each stage has its own replicas"},
	{"logVerbosity", (*Spec).SingleMode, "with prefill.enabled or decode.enabled: each stage has its own logVerbosity"},
	{"prefill.simulator.kvCacheTransferLatency", never, "on prefill pods, which fetch no KV cache"},
	{"prefill.simulator.interTokenLatency", never, "on prefill pods, which answer with one token"},
	{"prefill.simulator.interTokenLatencyStdDev", never, "on prefill pods, which answer with one token"},
	{"prefill", func(s *Spec) bool { return s.Prefill.Enabled }, "without prefill.enabled"},
	{"decode.routingSidecar", (*Spec).Sidecar, "without the sidecar, which needs epp.enabled, prefill.enabled and decode.enabled"},
	{"decode.simulator.kvCacheTransferLatency", (*Spec).Sidecar, "without prefill pods and the routing sidecar, which fetches from them"},
	{"decode", func(s *Spec) bool { return s.Decode.Enabled }, "without decode.enabled: in single mode, only the top-level keys count"},
	{"epp.fairness", func(s *Spec) bool { return s.EPP.Enabled && len(s.Objectives) > 0 }, "without objectives"},
	{"epp", func(s *Spec) bool { return s.EPP.Enabled }, "without epp.enabled"},
	{"inferenceGateway.standard", (*Spec).StandardGateway, "without inferenceGateway.enabled and inferenceGateway.standard.enabled"},
	{"inferenceGateway.istio", (*Spec).IstioGateway, "without inferenceGateway.enabled and inferenceGateway.istio.enabled"},
	{"inferenceGateway.auth", (*Spec).Auth, "without inferenceGateway.auth.enabled"},
	{"gateway", func(s *Spec) bool { return s.Gateway.Enabled }, "without gateway.enabled"},
	{"loadBalancing.algorithm", func(s *Spec) bool { return s.LoadBalancing.Enabled || s.StandardGateway() }, "without loadBalancing.enabled or the standard gateway"},
	{"loadBalancing.connectionPool", func(s *Spec) bool { return s.LoadBalancing.Enabled }, "without loadBalancing.enabled"},
	{"networkPolicy.proxyService", func(s *Spec) bool { return s.NetworkPolicy.Enabled }, "without networkPolicy.enabled"},
	{"monitoring.prometheus", func(s *Spec) bool { return s.Monitoring.Enabled && s.NetworkPolicy.Enabled }, "without monitoring.enabled and networkPolicy.enabled: everyone may read the metrics"},
	{"monitoring.labels", (*Spec).Monitors, "without monitoring.enabled and monitoring.operator"},
	{"monitoring.interval", (*Spec).Monitors, "without monitoring.enabled and monitoring.operator"},
	{"monitoring.alerts", (*Spec).Monitors, "without monitoring.enabled and monitoring.operator"},
	{"monitoring", func(s *Spec) bool { return s.Monitoring.Enabled }, "without monitoring.enabled"},
	{"tracing", (*Spec).tracesRequests, "without tracing.enabled and epp.enabled or the standard gateway, which have spans"},
	{"simulator.kvCache", (*Spec).KVCache, "without simulator.kvCache.enabled"},
	{"simulator.maxLoras", func(s *Spec) bool { return len(s.Simulator.LoRAs) > 0 }, "without simulator.loras"},
	{"simulator.maxCpuLoras", func(s *Spec) bool { return len(s.Simulator.LoRAs) > 0 }, "without simulator.loras"},
	{"simulator.failures.types", (*Spec).fails, "without simulator.failures.rate"},
	{"simulator.kvCacheTransferLatency", (*Spec).Sidecar, "without prefill pods and the routing sidecar, which fetches from them"},
}

// never is that of a setting that has no effect in any configuration.
func never(*Spec) bool { return false }

// idleStageParts lists those of a stage. simulator has what all stages share, too.
func idleStageParts(name string, stage Stage, simulator StageSimulator) []idlePart {
	scales := stage.Enabled && stage.Autoscaling.Enabled
	without := func(keys string) string { return "without " + strings.ReplaceAll(keys, "STAGE", name) }
	return []idlePart{
		{name + ".autoscaling.enabled", func(*Spec) bool { return stage.Enabled }, without("STAGE.enabled")},
		{name + ".autoscaling.scaler", func(*Spec) bool { return scales }, without("STAGE.autoscaling.enabled")},
		{name + ".autoscaling.kedaNamespace", func(s *Spec) bool { return stage.KEDAScales() && s.NetworkPolicy.Enabled }, without("networkPolicy.enabled and STAGE.autoscaling.enabled, whose scaler is keda")},
		{name + ".autoscaling", func(*Spec) bool { return stage.KEDAScales() }, without("STAGE.autoscaling.enabled, whose scaler is keda")},
		{name + ".simulator.kvCache", func(*Spec) bool { return stage.Enabled && *simulator.KVCache.Enabled }, without("STAGE.enabled and STAGE.simulator.kvCache.enabled")},
		{name + ".simulator.failures.types", func(*Spec) bool { return stage.Enabled && *simulator.Failures.Rate > 0 }, without("STAGE.enabled and STAGE.simulator.failures.rate")},
	}
}

// idleModelParts lists those of the further models.
func (s *Spec) idleModelParts() []idlePart {
	var list []idlePart
	for _, key := range s.ModelKeys() {
		path, model := property(field.NewPath("models"), key).String(), s.ForModel(key)
		list = append(list,
			idlePart{path + ".prefillReplicas", func(s *Spec) bool { return s.Prefill.Enabled }, "without prefill.enabled"},
			idlePart{path + ".simulator.kvCache", func(*Spec) bool { return model.KVCache() }, "without simulator.kvCache.enabled"},
			idlePart{path + ".simulator.failures.types", func(*Spec) bool { return model.fails() }, "without simulator.failures.rate"},
			idlePart{path + ".simulator.kvCacheTransferLatency", (*Spec).Sidecar, "without prefill pods and the routing sidecar, which fetches from them"},
		)
	}
	return list
}

// fails reports whether any simulators fail at random.
func (s *Spec) fails() bool {
	return slices.ContainsFunc(s.simulatorStages(), func(stage Stage) bool { return *stage.Simulator.Failures.Rate > 0 })
}

// idle returns a warning for each setting that has no effect. Switches that are off are
// consistent with that, so they get none.
func (s *Spec) idle(settings []setting) []Warning {
	var warnings []Warning
	parts := slices.Concat(
		s.idleModelParts(),
		idleStageParts("prefill", s.Prefill, s.PrefillStage().Simulator),
		idleStageParts("decode", s.Decode.Stage, s.DecodeStage().Simulator),
		idleParts,
	)
	for _, set := range settings {
		path := withoutNamespace(set.path.String())
		for _, part := range parts {
			if path != part.path && !strings.HasPrefix(path, part.path+".") {
				continue
			}
			if isOff := strings.HasSuffix(path, ".enabled") && set.value == false; !isOff && !part.works(s) {
				warnings = append(warnings, Warning{Problem{
					Path: set.path.String(), Value: set.value, Detail: "has no effect " + part.lacks, Fix: removeCommand(set.path),
				}})
			}
			break
		}
	}
	return warnings
}
