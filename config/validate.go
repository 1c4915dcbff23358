package config

import (
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// maxNameLength leaves room for ms-sim-{name}-decode in a DNS label.
const maxNameLength = validation.DNS1123LabelMaxLength - len("ms-sim--decode")

// minDrainTimeout is long enough for clients to learn of a gateway pod's removal.
const minDrainTimeout = 5 * time.Second

// Validate returns an *Error with every value that is out of bounds and every conflict, nil
// if there is none.
func (s *Spec) Validate() error {
	if problems := s.problems(nil); len(problems) > 0 {
		return newError(problems)
	}
	return nil
}

// problems is Validate for keys that are set under roots.
func (s *Spec) problems(roots roots) []Problem {
	v := &validator{roots: roots}
	s.checkTopLevel(v)
	s.checkEPP(v)
	s.checkPrefixCache(v)
	s.checkObjectives(v)
	s.checkGateways(v)
	s.checkStages(v)
	s.checkSimulator(v)
	s.checkMonitoring(v)
	s.checkTracing(v)
	s.checkModels(v)
	return v.problems
}

func (s *Spec) checkTopLevel(v *validator) {
	v.name(v.at("name"), s.Name, validation.IsDNS1123Label)
	if len(s.Name) > maxNameLength {
		v.invalid(v.at("name"), s.Name, "must be no more than %d characters", maxNameLength)
	}
	v.name(v.at("namespace"), s.Namespace, validation.IsDNS1123Label)
	v.name(v.at("clusterDomain"), s.ClusterDomain, validation.IsDNS1123Subdomain)
	v.duration(v.at("readyTimeout"), s.ReadyTimeout.Duration, time.Second)
	v.atLeastOne(v.at("replicas"), s.Replicas)
	_, err := release.SimulatorOf(s.Image, s.Simulator.Version)
	v.release(v.at("simulator"), s.Image, s.Simulator.Version, err, v.at("image"))
	if s.ImagePullPolicy != "" {
		oneOf(v, v.at("imagePullPolicy"), s.ImagePullPolicy, pullPolicies...)
	}
	seen := map[string]bool{}
	for i, name := range s.ImagePullSecrets {
		path := v.at("imagePullSecrets").Index(i)
		v.name(path, name, validation.IsDNS1123Subdomain)
		if seen[name] {
			v.add(path, name, removeCommand(path), "is listed twice")
		}
		seen[name] = true
	}
	v.verbosity(v.at("logVerbosity"), s.LogVerbosity)
	v.resources(v.at("resources"), s.Resources)
	v.name(v.at("service.name"), s.Service.Name, validation.IsDNS1035Label)
	v.port(v.at("service.port"), s.Service.Port)
	oneOf(v, v.at("service.type"), s.Service.Type, serviceTypes...)
	v.name(v.at("gateway.className"), s.Gateway.ClassName, validation.IsDNS1123Subdomain)
	v.name(v.at("gateway.routeName"), s.Gateway.RouteName, validation.IsDNS1035Label)
	oneOf(v, v.at("loadBalancing.algorithm"), s.LoadBalancing.Algorithm, algorithms...)
	if pool := s.LoadBalancing.ConnectionPool; pool != nil {
		path := v.at("loadBalancing.connectionPool")
		if n := pool.HTTP1MaxPendingRequests; n != nil {
			v.atLeastOne(path.Child("http1MaxPendingRequests"), *n)
		}
		if n := pool.MaxRequestsPerConnection; n != nil {
			v.atLeastOne(path.Child("maxRequestsPerConnection"), *n)
		}
	}
}

func (s *Spec) checkEPP(v *validator) {
	path, e := v.at("epp"), s.EPP
	v.atLeastOne(path.Child("replicas"), e.Replicas)
	v.port(path.Child("port"), e.Port)
	v.verbosity(path.Child("verbosity"), e.Verbosity)
	v.resources(path.Child("resources"), e.Resources)
	epp, err := release.EPPOf(e.Image, e.Version)
	v.release(path, e.Image, e.Version, err)
	pool, fixed := "use inferencePool.enabled", "its value is fixed"
	ours := map[string]string{
		"grpc-port": fixed, "grpc-health-port": fixed, "metrics-port": fixed, "secure-serving": "use epp.secureServing",
		"metrics-endpoint-auth": fixed, "tracing": "use tracing.enabled", "v": "use epp.verbosity",
		"config-file": "use epp.pluginsConfig", "config-text": "use epp.pluginsConfig",
		"pool-name": pool, "pool-namespace": pool, "endpoint-selector": pool, "endpoint-target-ports": pool,
		"ha-enable-leader-election": "use epp.replicas",
	}
	for flag, instead := range epp.RefusedFlags {
		ours[flag] = "EPP " + epp.Version + " exits on it, use " + instead
	}
	v.args(path.Child("args"), e.Args, ours)
	if err == nil && e.PluginsConfigCheck {
		v.pluginsConfig(path.Child("pluginsConfig"), e.PluginsConfig, epp, s.Sidecar())
	}
	if err == nil && e.Enabled && !s.Pool() && !epp.ByLabel {
		v.add(v.at("inferencePool.enabled"), false, setCommand(v.at("inferencePool.enabled"), true),
			"must be true for EPP %s, which finds pods only through an InferencePool", epp.Version)
	}
	if s.Pool() && !e.Enabled {
		v.add(v.at("inferencePool.enabled"), true, setCommand(v.at("epp.enabled"), true),
			"needs epp.enabled: a pool without an EPP serves nothing")
	}
}

func (s *Spec) checkGateways(v *validator) {
	for name, g := range map[string]GatewayInstance{
		"standard": s.InferenceGateway.Standard, "istio": s.InferenceGateway.Istio,
	} {
		path := v.at("inferenceGateway", name)
		v.atLeastOne(path.Child("replicas"), g.Replicas)
		v.image(path.Child("image"), g.Image)
		v.port(path.Child("port"), g.Port)
		v.resources(path.Child("resources"), g.Resources)
	}
	standard := v.at("inferenceGateway.standard.enabled")
	if s.InferenceGateway.Enabled && !s.StandardGateway() && !s.IstioGateway() {
		v.add(v.at("inferenceGateway.enabled"), true, setCommand(standard, true),
			"deploys nothing, since neither inferenceGateway.standard.enabled nor inferenceGateway.istio.enabled is set")
	}
	v.duration(v.at("inferenceGateway.drainTimeout"), s.InferenceGateway.DrainTimeout.Duration, minDrainTimeout)
	v.atLeastOne(v.at("inferenceGateway.auth.keyGeneration"), s.InferenceGateway.Auth.KeyGeneration)
	if auth := v.at("inferenceGateway.auth.enabled"); s.InferenceGateway.Auth.Enabled {
		switch {
		case !s.StandardGateway():
			v.add(auth, true, both(setCommand(v.at("inferenceGateway.enabled"), true), setCommand(standard, true)),
				"needs the standard gateway, which checks the key: inferenceGateway.enabled and inferenceGateway.standard.enabled")
		case s.IstioGateway():
			v.add(auth, true, setCommand(v.at("inferenceGateway.istio.enabled"), false),
				"works with the standard gateway only: inferenceGateway.istio would let anyone in")
		case s.Gateway.Enabled:
			v.add(auth, true, setCommand(v.at("gateway.enabled"), false),
				"works with the standard gateway only: gateway would let anyone in")
		}
	}
}

func (s *Spec) checkStages(v *validator) {
	for name, stage := range map[string]Stage{"prefill": s.Prefill, "decode": s.Decode.Stage} {
		path := v.at(name)
		v.atLeastOne(path.Child("replicas"), stage.Replicas)
		stage.Autoscaling.check(v, path.Child("autoscaling"))
		if stage.Image != "" {
			_, err := release.SimulatorOf(stage.Image, s.Simulator.Version)
			v.release(v.at("simulator"), stage.Image, s.Simulator.Version, err, path.Child("image"))
		}
		v.port(path.Child("port"), stage.Port)
		v.verbosity(path.Child("logVerbosity"), stage.LogVerbosity)
		v.resources(path.Child("resources"), stage.Resources)
		stage.Simulator.check(v, path.Child("simulator"), s.simulatorOf(stage.Simulator))
		v.args(path.Child("args"), stage.Args, flagsOf(name))
	}
	sidecar := v.at("decode.routingSidecar")
	_, err := release.SidecarOf(s.Decode.RoutingSidecar.Image, s.Decode.RoutingSidecar.Version)
	v.release(sidecar, s.Decode.RoutingSidecar.Image, s.Decode.RoutingSidecar.Version, err)
	v.resources(sidecar.Child("resources"), s.Decode.RoutingSidecar.Resources)

	if s.Prefill.Enabled && !s.Decode.Enabled {
		v.add(v.at("prefill.enabled"), true, setCommand(v.at("decode.enabled"), true),
			"needs decode.enabled: prefill pods answer no clients")
	}
	if s.Prefill.Enabled && s.EPP.Enabled && s.Prefill.Port != s.Decode.Port && isPort(s.Decode.Port) {
		v.add(v.at("prefill.port"), s.Prefill.Port, setCommand(v.at("prefill.port"), s.Decode.Port),
			"must equal decode.port (%d): the EPP reaches all pods on one port", s.Decode.Port)
	}
	if s.Sidecar() && s.Decode.Port == 65535 {
		v.invalid(v.at("decode.port"), s.Decode.Port,
			"must be below 65535: behind the routing sidecar, the simulator listens on the next port")
	}
}
