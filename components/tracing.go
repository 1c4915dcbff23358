package components

import (
	"fmt"
	"strconv"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/envoy"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/hostport"
)

// Tracing sends the spans of requests to an OpenTelemetry collector.
type Tracing struct {
	// Endpoint is where the collector receives OTLP over gRPC without TLS, host:port. Required.
	Endpoint string `pulumi:"endpoint"`

	// Sampling is the share of the requests that are traced, 0 to 1, unless a request's header
	// traceparent says whether it is. Default: llmd.TraceSampling.
	Sampling *float64 `pulumi:"sampling,optional"`
}

func (t *Tracing) validate() error {
	if t == nil {
		return nil
	}
	if _, _, err := hostport.Parse(t.Endpoint); err != nil {
		return fmt.Errorf("endpoint of the traces must be host:port: %w", err)
	}
	if s := t.sampling(); s < 0 || s > 1 {
		return fmt.Errorf("sampling of the traces must be within 0 to 1, got %v", s)
	}
	return nil
}

func (t *Tracing) sampling() float64 { return orValue(t.Sampling, llmd.TraceSampling) }

// environment tells llm-d's programs where to send their spans, and as which service.
func (t *Tracing) environment(service string) corev1.EnvVarArray {
	if t == nil {
		return nil
	}
	var list corev1.EnvVarArray
	for _, v := range [][2]string{
		{"OTEL_TRACES_EXPORTER", "otlp"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://" + t.Endpoint},
		{"OTEL_TRACES_SAMPLER", "parentbased_traceidratio"},
		{"OTEL_TRACES_SAMPLER_ARG", strconv.FormatFloat(t.sampling(), 'f', -1, 64)},
		{"OTEL_SERVICE_NAME", service},
	} {
		list = append(list, corev1.EnvVarArgs{Name: pulumi.String(v[0]), Value: pulumi.String(v[1])})
	}
	return list
}

// forEnvoy returns the standard gateway's configuration of valid Tracing.
func (t *Tracing) forEnvoy() *envoy.Tracing {
	if t == nil {
		return nil
	}
	host, port, _ := hostport.Parse(t.Endpoint)
	return &envoy.Tracing{Collector: envoy.Upstream{Host: host, Port: port}, Sampling: t.sampling()}
}
