package envoy

import (
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	mutationv3 "github.com/envoyproxy/go-control-plane/envoy/config/common/mutation_rules/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tracev3 "github.com/envoyproxy/go-control-plane/envoy/config/trace/v3"
	headermutationv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/header_mutation/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// Tracing sends the spans of requests to an OpenTelemetry collector.
type Tracing struct {
	// Collector receives OTLP over gRPC. Its host may be in any namespace. Required.
	Collector Upstream
	// Sampling is the share of the requests that are traced, 0 to 1, unless a request's header
	// traceparent says whether it is.
	Sampling float64
}

// collectorName names the cluster.
const collectorName = "collector"

// tracing adds a span for each request, and one for each attempt to have a pod answer it.
func (p *packer) tracing(t *Tracing) *hcmv3.HttpConnectionManager_Tracing {
	if t == nil {
		return nil
	}
	return &hcmv3.HttpConnectionManager_Tracing{
		RandomSampling:    &typev3.Percent{Value: t.Sampling * 100},
		SpawnUpstreamSpan: wrapperspb.Bool(true),
		Provider: &tracev3.Tracing_Http{
			Name: "envoy.tracers.opentelemetry",
			ConfigType: &tracev3.Tracing_Http_TypedConfig{TypedConfig: p.any(&tracev3.OpenTelemetryConfig{
				GrpcService: &corev3.GrpcService{TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{
					EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{ClusterName: collectorName},
				}},
				ServiceName: llmd.StandardGatewayName,
			})},
		},
	}
}

// traceContext is a traceparent of Envoy's trace. Envoy 1.36 does not tell the ID of its span, so the
// parent is one that nobody sends. Envoy writes into the request's ID whether it is traced.
const traceContext = "00-%TRACE_ID%-0000000000000001-" +
	"%CEL(request.id.matches('^[0-f]{8}-[0-f]{4}-[9ab]') ? '01' : '00')%"

// traceFilter tells the EPP the trace of a request whose client has begun none. The EPP reads headers,
// and Envoy sets its own only when it sends the request to a pod.
func (p *packer) traceFilter() *hcmv3.HttpFilter {
	return httpFilter("trace-context", p.any(&headermutationv3.HeaderMutation{Mutations: &headermutationv3.Mutations{
		RequestMutations: []*mutationv3.HeaderMutation{{
			Action: &mutationv3.HeaderMutation_Append{Append: &corev3.HeaderValueOption{
				Header:       &corev3.HeaderValue{Key: "traceparent", Value: traceContext},
				AppendAction: corev3.HeaderValueOption_ADD_IF_ABSENT,
			}},
		}},
	}}))
}

// collectorCluster is the collector, over HTTP/2.
func (p *packer) collectorCluster(collector Upstream) *clusterv3.Cluster {
	c := p.dnsCluster(collectorName, collector)
	c.TypedExtensionProtocolOptions = map[string]*anypb.Any{
		"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": p.any(&httpv3.HttpProtocolOptions{
			UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{
				ExplicitHttpConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig{
					ProtocolConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{
						Http2ProtocolOptions: &corev3.Http2ProtocolOptions{},
					},
				},
			},
		}),
	}
	return c
}
