package config

import (
	"slices"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// SingleMode reports whether one Deployment takes the place of all stages: neither prefill
// nor decode is enabled.
func (s *Spec) SingleMode() bool { return !s.Prefill.Enabled && !s.Decode.Enabled }

// StandardGateway reports whether the standard gateway is deployed.
func (s *Spec) StandardGateway() bool {
	return s.InferenceGateway.Enabled && s.InferenceGateway.Standard.Enabled
}

// IstioGateway reports whether the Istio gateway is deployed.
func (s *Spec) IstioGateway() bool {
	return s.InferenceGateway.Enabled && s.InferenceGateway.Istio.Enabled
}

// Pool reports whether there is an InferencePool: if it is enabled, or by default if a
// gateway needs one to reach the EPP, or the EPP to find pods or objectives.
func (s *Spec) Pool() bool {
	if s.InferencePool.Enabled != nil {
		return *s.InferencePool.Enabled
	}
	return s.EPP.Enabled && (s.Gateway.Enabled || s.IstioGateway() || len(s.Objectives) > 0 || !s.EPPRelease().ByLabel)
}

// PrecisePrefixes reports whether the simulators tell the EPP what their KV caches hold.
func (s *Spec) PrecisePrefixes() bool {
	return s.EPP.Enabled && s.EPP.PrefixCache == PrefixCachePrecise
}

// EPPRelease returns the facts about the EPP's release. Every valid Spec has one.
func (s *Spec) EPPRelease() release.EPP {
	facts, _ := release.EPPOf(s.EPP.Image, s.EPP.Version)
	return facts
}

// SimulatorRelease returns the facts about the release of the simulators that answer. Every valid
// Spec has one.
func (s *Spec) SimulatorRelease() release.Simulator {
	facts, _ := release.SimulatorOf(s.DecodeStage().Image, s.Simulator.Version)
	return facts
}

// IstioProxies reports whether Istio proxies are in front of the stack: its own gateway, or
// one that istiod runs.
func (s *Spec) IstioProxies() bool {
	return s.IstioGateway() || s.Gateway.Enabled && s.Gateway.ClassName == llmd.IstioClassName
}

// Auth reports whether the standard gateway requires an API key.
func (s *Spec) Auth() bool { return s.StandardGateway() && s.InferenceGateway.Auth.Enabled }

// Monitors reports whether there are monitors and alerts for the Prometheus Operator.
func (s *Spec) Monitors() bool { return s.Monitoring.Enabled && s.Monitoring.Operator }

// tracesRequests reports whether anything sends spans.
func (s *Spec) tracesRequests() bool {
	return s.Tracing.Enabled && (s.StandardGateway() || s.EPP.Enabled)
}

// OpenDecode reports whether network policies leave the decode pods open to clients: if so
// configured, or by default if there is no gateway.
func (s *Spec) OpenDecode() bool {
	if open := s.NetworkPolicy.ProxyService; open != nil {
		return *open
	}
	return !s.StandardGateway() && !s.IstioGateway() && !s.Gateway.Enabled
}

// Sidecar reports whether decode pods run the routing sidecar, which needs prefill pods
// and an EPP to pick one of them.
func (s *Spec) Sidecar() bool {
	return s.EPP.Enabled && s.Prefill.Enabled && s.Decode.Enabled && s.Decode.RoutingSidecar.Enabled
}

// DecodeName is the name of the Deployment that answers requests.
func (s *Spec) DecodeName() string {
	if s.SingleMode() {
		return llmd.SingleName(s.Name)
	}
	return llmd.DecodeName
}

// DecodeService reports whether the decode pods get a headless Service. In single
// mode only the standard gateway needs one; clients have the proxy Service.
func (s *Spec) DecodeService() bool { return !s.SingleMode() || s.StandardGateway() }

// PrefillStage returns the prefill stage with what it inherits from the top level.
func (s *Spec) PrefillStage() Stage { return s.inherit(s.Prefill) }

// DecodeStage returns the stage that answers requests, with what it inherits from the top
// level. In single mode, all of it comes from there.
func (s *Spec) DecodeStage() Stage {
	if s.SingleMode() {
		return Stage{
			Enabled:      true,
			Replicas:     s.Replicas,
			Image:        s.Image,
			Port:         s.Service.Port,
			LogVerbosity: s.LogVerbosity,
			Resources:    s.Resources,
			Simulator:    s.simulatorOf(StageSimulator{}),
		}
	}
	return s.inherit(s.Decode.Stage)
}

// KVCache reports whether any simulators have a KV cache.
func (s *Spec) KVCache() bool {
	return slices.ContainsFunc(s.simulatorStages(), func(stage Stage) bool { return *stage.Simulator.KVCache.Enabled })
}

// simulatorStages returns the stages that are deployed: first the one that answers, then prefill.
func (s *Spec) simulatorStages() []Stage {
	stages := []Stage{s.DecodeStage()}
	if s.Prefill.Enabled {
		stages = append(stages, s.PrefillStage())
	}
	return stages
}

func (s *Spec) inherit(stage Stage) Stage {
	if stage.Image == "" {
		stage.Image = s.Image
	}
	if stage.Resources.Requests == nil && stage.Resources.Limits == nil {
		stage.Resources = s.Resources
	}
	stage.Simulator = s.simulatorOf(stage.Simulator)
	return stage
}
