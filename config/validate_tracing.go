package config

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/llm-d-sim/llm-d-sim/components/release"
	"github.com/llm-d-sim/llm-d-sim/internal/hostport"
)

// exampleCollector is an endpoint that a collector might have.
const exampleCollector = "otel-collector.monitoring:4317"

func (s *Spec) checkTracing(v *validator) {
	path, t := v.at("tracing"), s.Tracing
	if t.Sampling < 0 || t.Sampling > 1 {
		v.invalid(path.Child("sampling"), t.Sampling, "must be within 0 to 1")
	}
	endpoint := path.Child("endpoint")
	if _, _, err := hostport.Parse(t.Endpoint); err != nil && t.Endpoint != "" {
		v.add(endpoint, t.Endpoint, setCommand(endpoint, exampleCollector), "must be host:port of a collector: %v", err)
	}
	if !t.Enabled {
		return
	}
	if t.Endpoint == "" {
		v.add(endpoint, "", setCommand(endpoint, exampleCollector), "is required by tracing.enabled: the collector that receives the spans")
	}
	if epp, err := release.EPPOf(s.EPP.Image, s.EPP.Version); err == nil && s.EPP.Enabled && !epp.Tracing {
		v.add(path.Child("enabled"), true, s.defaultEPP(v),
			"needs an EPP from v0.9.0 on: EPP %s begins a trace of its own for each request", epp.Version)
	}
	image := s.Decode.RoutingSidecar
	if sidecar, err := release.SidecarOf(image.Image, image.Version); err == nil && s.Sidecar() && !sidecar.TracingFlag {
		v.add(path.Child("enabled"), true, defaultRelease(v.at("decode.routingSidecar"), image.Version),
			"needs a routing sidecar from v0.9.0 on: %s cannot be told to trace", sidecar.Version)
	}
}

// defaultRelease returns the command for the default release of a part whose image, and the version
// set for it, are keys of an object.
func defaultRelease(object *field.Path, version string) string {
	newer := resetCommand(object.Child("image"))
	if version != "" {
		return both(removeCommand(object.Child("version")), newer)
	}
	return newer
}
