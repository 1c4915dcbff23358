package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// maxNameLength leaves room for ms-sim-{name}-decode in a DNS label.
const maxNameLength = validation.DNS1123LabelMaxLength - len("ms-sim--decode")

// maxVerbosity is the highest level that klog's users give a meaning to.
const maxVerbosity = 10

// Validate returns a *Error with everything that is out of bounds or does not fit
// together, nil if nothing is.
func (s *Spec) Validate() error {
	if problems := s.problems(); len(problems) > 0 {
		return newError(problems)
	}
	return nil
}

func (s *Spec) problems() []Problem {
	v := &validator{}
	s.checkTopLevel(v)
	s.checkEPP(v)
	s.checkGateways(v)
	s.checkStages(v)
	s.checkSimulator(v)
	s.checkServices(v)
	return v.problems
}

// validator gathers problems; its methods are the bounds that several fields share.
type validator struct{ problems []Problem }

func at(path string, more ...string) *field.Path {
	keys := strings.Split(path, ".")
	return field.NewPath(keys[0], append(keys[1:], more...)...)
}

func (v *validator) add(path *field.Path, value any, fix, format string, args ...any) {
	v.problems = append(v.problems, Problem{
		Path: path.String(), Value: value, Detail: fmt.Sprintf(format, args...), Fix: fix,
	})
}

// invalid reports a value whose mending is to set another.
func (v *validator) invalid(path *field.Path, value any, format string, args ...any) {
	v.add(path, value, setCommand(path.String()), format, args...)
}

func (v *validator) between(path *field.Path, value, low, high int32) {
	if value < low || value > high {
		v.invalid(path, value, "must be within %d to %d", low, high)
	}
}

func (v *validator) port(path *field.Path, port int32) { v.between(path, port, 1, 65535) }

func (v *validator) atLeastOne(path *field.Path, value int32) {
	if value < 1 {
		v.invalid(path, value, "must be 1 or more")
	}
}

func (v *validator) duration(path *field.Path, value, low time.Duration) {
	if value < low {
		v.invalid(path, value.String(), "must be %s or more", low)
	}
}

func (v *validator) verbosity(path *field.Path, level int32) { v.between(path, level, 0, maxVerbosity) }

func (v *validator) name(path *field.Path, name string, check func(string) []string) {
	if msgs := check(name); len(msgs) > 0 {
		v.invalid(path, name, "%s", strings.Join(msgs, "; "))
	}
}

func oneOf[T ~string](v *validator, path *field.Path, value T, allowed ...T) {
	if slices.Contains(allowed, value) {
		return
	}
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	detail := "must be one of " + strings.Join(words, ", ")
	fix := setCommand(path.String())
	if near := nearest(string(value), words); near != "" {
		detail += fmt.Sprintf(", did you mean %s?", near)
		fix = strings.Replace(fix, defaultAt(path.String()), near, 1)
	}
	v.add(path, value, fix, "%s", detail)
}

// image wants a reference that a container runtime can parse.
func (v *validator) image(path *field.Path, image string) {
	if _, err := reference.ParseNormalizedNamed(image); err != nil {
		v.invalid(path, image, "must be an image reference such as %s: %v", llmd.SimulatorImage, err)
	}
}

func (v *validator) resources(path *field.Path, resources corev1.ResourceRequirements) {
	for _, part := range []struct {
		key  string
		list corev1.ResourceList
	}{{"requests", resources.Requests}, {"limits", resources.Limits}} {
		for _, name := range slices.Sorted(maps.Keys(part.list)) {
			quantity, path := part.list[name], path.Child(part.key, string(name))
			if quantity.Sign() < 0 {
				v.invalid(path, quantity.String(), "must not be negative")
			}
			if !isResource(string(name)) {
				v.add(path, quantity.String(), "pulumi config rm --path '"+path.String()+"'",
					"is no resource: name cpu, memory, ephemeral-storage, hugepages-SIZE or a vendor's DOMAIN/NAME")
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(resources.Requests)) {
		request := resources.Requests[name]
		if limit, limited := resources.Limits[name]; limited && request.Cmp(limit) > 0 {
			path := path.Child("requests", string(name))
			v.add(path, request.String(), fmt.Sprintf("pulumi config set --path '%s' %s", path, limit.String()),
				"must not be above the limit of %s", limit.String())
		}
	}
}

func isResource(name string) bool {
	switch corev1.ResourceName(name) {
	case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
		return true
	}
	return strings.HasPrefix(name, corev1.ResourceHugePagesPrefix) ||
		strings.Contains(name, "/") && len(validation.IsQualifiedName(name)) == 0
}

// args refuses flags that the program itself sets, since both would contradict.
func (v *validator) args(path *field.Path, args []string, ours map[string]string) {
	for i, arg := range args {
		if arg == "" {
			v.invalid(path.Index(i), arg, "must not be empty")
			continue
		}
		flag, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if instead, is := ours[flag]; is && strings.HasPrefix(arg, "-") {
			v.add(path.Index(i), arg, fmt.Sprintf("pulumi config rm --path '%s'", path.Index(i)),
				"is set by this program: use %s", instead)
		}
	}
}

func (s *Spec) checkTopLevel(v *validator) {
	v.name(at("name"), s.Name, validation.IsDNS1123Label)
	if len(s.Name) > maxNameLength {
		v.invalid(at("name"), s.Name, "must be no more than %d characters", maxNameLength)
	}
	v.name(at("namespace"), s.Namespace, validation.IsDNS1123Label)
	v.duration(at("readyTimeout"), s.ReadyTimeout.Duration, time.Second)
	v.atLeastOne(at("replicas"), s.Replicas)
	v.image(at("image"), s.Image)
	if s.ImagePullPolicy != "" {
		oneOf(v, at("imagePullPolicy"), s.ImagePullPolicy, corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever)
	}
	seen := map[string]bool{}
	for i, name := range s.ImagePullSecrets {
		path := at("imagePullSecrets").Index(i)
		v.name(path, name, validation.IsDNS1123Subdomain)
		if seen[name] {
			v.add(path, name, fmt.Sprintf("pulumi config rm --path '%s'", path), "is listed twice")
		}
		seen[name] = true
	}
	v.verbosity(at("logVerbosity"), s.LogVerbosity)
	v.resources(at("resources"), s.Resources)
	v.name(at("service.name"), s.Service.Name, validation.IsDNS1035Label)
	v.port(at("service.port"), s.Service.Port)
	oneOf(v, at("service.type"), s.Service.Type,
		corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort, corev1.ServiceTypeLoadBalancer)
	v.name(at("gateway.className"), s.Gateway.ClassName, validation.IsDNS1123Subdomain)
	v.name(at("gateway.routeName"), s.Gateway.RouteName, validation.IsDNS1035Label)
	oneOf(v, at("loadBalancing.algorithm"), s.LoadBalancing.Algorithm, RoundRobin, LeastRequest, Random, LeastConn)
	if pool := s.LoadBalancing.ConnectionPool; pool != nil {
		path := at("loadBalancing.connectionPool")
		if n := pool.HTTP1MaxPendingRequests; n != nil {
			v.atLeastOne(path.Child("http1MaxPendingRequests"), *n)
		}
		if n := pool.MaxRequestsPerConnection; n != nil {
			v.atLeastOne(path.Child("maxRequestsPerConnection"), *n)
		}
	}
}

func (s *Spec) checkEPP(v *validator) {
	path, e := at("epp"), s.EPP
	v.atLeastOne(path.Child("replicas"), e.Replicas)
	v.image(path.Child("image"), e.Image)
	v.port(path.Child("port"), e.Port)
	v.verbosity(path.Child("verbosity"), e.Verbosity)
	v.resources(path.Child("resources"), e.Resources)
	pool, fixed := "inferencePool.enabled", "nothing, its value is fixed"
	v.args(path.Child("args"), e.Args, map[string]string{
		"grpc-port": fixed, "grpc-health-port": fixed, "metrics-port": fixed, "secure-serving": "epp.secureServing",
		"metrics-endpoint-auth": fixed, "tracing": fixed, "v": "epp.verbosity",
		"config-file": "epp.pluginsConfig", "config-text": "epp.pluginsConfig",
		"pool-name": pool, "pool-namespace": pool, "endpoint-selector": pool, "endpoint-target-ports": pool,
		"ha-enable-leader-election": "epp.replicas",
	})
	if facts, err := release.EPPOf(e.Image, ""); err == nil {
		v.pluginsConfig(path.Child("pluginsConfig"), e.PluginsConfig, facts, s.Sidecar())
	}
	if s.Pool() && !e.Enabled {
		v.add(at("inferencePool.enabled"), true, "pulumi config set --path epp.enabled true",
			"needs epp.enabled: a pool without an EPP serves nothing")
	}
}

func (s *Spec) checkGateways(v *validator) {
	for name, g := range map[string]GatewayInstance{
		"standard": s.InferenceGateway.Standard, "istio": s.InferenceGateway.Istio,
	} {
		path := at("inferenceGateway", name)
		v.atLeastOne(path.Child("replicas"), g.Replicas)
		v.image(path.Child("image"), g.Image)
		v.port(path.Child("port"), g.Port)
		v.resources(path.Child("resources"), g.Resources)
	}
	if s.InferenceGateway.Enabled && !s.StandardGateway() && !s.IstioGateway() {
		v.add(at("inferenceGateway.enabled"), true, "pulumi config set --path inferenceGateway.standard.enabled true",
			"deploys nothing, since neither inferenceGateway.standard.enabled nor inferenceGateway.istio.enabled is set")
	}
	v.atLeastOne(at("inferenceGateway.auth.keyGeneration"), s.InferenceGateway.Auth.KeyGeneration)
	if auth := at("inferenceGateway.auth.enabled"); s.InferenceGateway.Auth.Enabled {
		switch {
		case !s.StandardGateway():
			v.add(auth, true, "pulumi config set --path inferenceGateway.standard.enabled true",
				"needs the standard gateway, which asks for the key: inferenceGateway.enabled and inferenceGateway.standard.enabled")
		case s.IstioGateway():
			v.add(auth, true, "pulumi config set --path inferenceGateway.istio.enabled false",
				"is for the standard gateway alone: inferenceGateway.istio would let in everybody")
		case s.Gateway.Enabled:
			v.add(auth, true, "pulumi config set --path gateway.enabled false",
				"is for the standard gateway alone: gateway would let in everybody")
		}
	}
	// istiod names what it deploys for a Gateway by the Gateway and its class.
	deployed := s.Gateway.RouteName + "-" + s.Gateway.ClassName
	if s.Gateway.Enabled && s.IstioGateway() && slices.Contains([]string{s.Gateway.RouteName, deployed}, llmd.IstioGatewayName) {
		v.add(at("gateway.routeName"), s.Gateway.RouteName, "pulumi config set --path gateway.routeName llm-d-sim",
			"clashes with inferenceGateway.istio: what is deployed for it would have that gateway's name, %s", llmd.IstioGatewayName)
	}
}

func (s *Spec) checkStages(v *validator) {
	for name, stage := range map[string]Stage{"prefill": s.Prefill, "decode": s.Decode.Stage} {
		path := at(name)
		v.atLeastOne(path.Child("replicas"), stage.Replicas)
		if stage.Image != "" {
			v.image(path.Child("image"), stage.Image)
		}
		v.port(path.Child("port"), stage.Port)
		v.verbosity(path.Child("logVerbosity"), stage.LogVerbosity)
		v.resources(path.Child("resources"), stage.Resources)
		v.args(path.Child("args"), stage.Args, map[string]string{
			"port": name + ".port", "v": name + ".logVerbosity",
			"model": "simulator.model", "seed": "simulator.seed", "max-num-seqs": "simulator.maxNumSeqs",
			"time-to-first-token":       "simulator.timeToFirstToken",
			"inter-token-latency":       "simulator.interTokenLatency",
			"kv-cache-transfer-latency": "simulator.kvCacheTransferLatency",
		})
	}
	sidecar := at("decode.routingSidecar")
	v.image(sidecar.Child("image"), s.Decode.RoutingSidecar.Image)
	v.resources(sidecar.Child("resources"), s.Decode.RoutingSidecar.Resources)

	if s.Prefill.Enabled && !s.Decode.Enabled {
		v.add(at("prefill.enabled"), true, "pulumi config set --path decode.enabled true",
			"needs decode.enabled: prefill pods answer no requests themselves")
	}
	if s.Prefill.Enabled && s.EPP.Enabled && s.Prefill.Port != s.Decode.Port {
		v.add(at("prefill.port"), s.Prefill.Port, fmt.Sprintf("pulumi config set --path prefill.port %d", s.Decode.Port),
			"must be decode.port (%d): the EPP reaches all pods on one port", s.Decode.Port)
	}
	if s.Sidecar() && s.Decode.Port == 65535 {
		v.invalid(at("decode.port"), s.Decode.Port,
			"must be below 65535: behind the routing sidecar the simulator takes the port above")
	}
}

func (s *Spec) checkSimulator(v *validator) {
	path := at("simulator")
	if s.Simulator.Model == "" {
		v.invalid(path.Child("model"), "", "must not be empty")
	}
	v.duration(path.Child("timeToFirstToken"), s.Simulator.TimeToFirstToken.Duration, 0)
	v.duration(path.Child("interTokenLatency"), s.Simulator.InterTokenLatency.Duration, 0)
	v.duration(path.Child("kvCacheTransferLatency"), s.Simulator.KVCacheTransferLatency.Duration, 0)
	v.atLeastOne(path.Child("maxNumSeqs"), s.Simulator.MaxNumSeqs)
}

// checkServices refuses a proxy Service with the name of another of the stack's.
func (s *Spec) checkServices(v *validator) {
	taken := map[string]string{
		llmd.EPPName: "the EPP", llmd.StandardGatewayName: "the standard gateway",
		llmd.IstioGatewayName: "the Istio gateway", llmd.PrefillName: "the prefill stage",
		llmd.DecodeName: "the decode stage", llmd.SingleName(s.Name): "the simulators",
	}
	if owner, is := taken[s.Service.Name]; is {
		v.invalid(at("service.name"), s.Service.Name, "clashes with the Service of %s", owner)
	}
}
