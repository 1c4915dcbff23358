package envoy

import (
	"net/http"
	"slices"
	"time"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	mutationv3 "github.com/envoyproxy/go-control-plane/envoy/config/common/mutation_rules/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	streamv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/stream/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	headermutationv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/header_mutation/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// extProcFilter names the filter, so that routes can enable it.
const extProcFilter = "envoy.filters.http.ext_proc"

const (
	// streamIdleTimeout ends a request that makes no progress; a generation that does may take
	// as long as it likes.
	streamIdleTimeout = 10 * time.Minute
	// requestHeadersTimeout closes a connection that never completes its request headers.
	requestHeadersTimeout = 10 * time.Second
	// eppTimeout bounds opening the stream to the EPP. Envoy ignores the message timeout when
	// bodies are streamed in both directions.
	eppTimeout = 10 * time.Second
)

// trustedHeaders are set by some release of the EPP for the components behind it. A client
// that set them could choose where its request, or a sidecar, connects to.
var trustedHeaders = []string{
	"x-gateway-destination-endpoint",
	"x-gateway-destination-endpoint-subset",
	"x-gateway-destination-endpoint-served",
	"x-prefiller-host-port",
	"x-data-parallel-host-port",
	"x-encoder-hosts-ports",
	"x-kv-cache-source-host-port",
}

// fairnessHeaders name the tenant whose turn a request counts as, for some release of the EPP.
var fairnessHeaders = []string{"x-gateway-inference-fairness-id", "x-llm-d-inference-fairness-id"}

// stripped returns the headers to remove from clients' requests.
func stripped(fairness bool) []string {
	if !fairness {
		return trustedHeaders
	}
	return slices.Concat(trustedHeaders, fairnessHeaders)
}

// mainListener accepts the clients' requests.
func (p *packer) mainListener(b Bootstrap) *listenerv3.Listener {
	strip := stripped(b.StripFairness)
	if len(b.Keys) > 0 {
		// The key is needed only to find the route: neither EPP nor simulator, nor their logs,
		// get to see it.
		strip = append(slices.Clone(strip), keyHeader)
	}
	filters := []*hcmv3.HttpFilter{p.corsFilter(), p.stripFilter(strip)}
	if len(b.Models) > 0 {
		// The first filter after it looks the route up again, which needs the key: the filter that
		// removes the key would do so too late, the one for browsers does it in time.
		filters = append([]*hcmv3.HttpFilter{p.modelFilter()}, filters...)
	}
	if b.EPP != nil {
		if b.Tracing != nil {
			filters = append(filters, p.traceFilter())
		}
		filters = append(filters, p.eppFilter())
	}
	hcm := &hcmv3.HttpConnectionManager{
		StatPrefix:            "inference",
		LocalReplyConfig:      errorReplies(b),
		HttpProtocolOptions:   http1(),
		RouteSpecifier:        &hcmv3.HttpConnectionManager_RouteConfig{RouteConfig: p.inferenceRoutes(b)},
		HttpFilters:           append(filters, p.routerFilter()),
		AccessLog:             []*accesslogv3.AccessLog{p.accessLog()},
		StreamIdleTimeout:     durationpb.New(streamIdleTimeout),
		RequestHeadersTimeout: durationpb.New(requestHeadersTimeout),
		// The peer is the client: a forged x-forwarded-for is not trusted.
		UseRemoteAddress: wrapperspb.Bool(true),
		Tracing:          p.tracing(b.Tracing),
	}
	proto.Merge(hcm, plainPaths())
	listener := p.listener("inference", llmd.GatewayListenPort, hcm)
	if len(b.Models) > 0 && b.MaxRequestMiB > 0 {
		// The model is in the body, which is read as a whole.
		listener.PerConnectionBufferLimitBytes = wrapperspb.UInt32(uint32(b.MaxRequestMiB) << 20)
	}
	return listener
}

// plainPaths makes Envoy judge and pass on one spelling of each path, so that no other slips
// past the routes: a simulator resolves "..", "//" and escaped slashes as well.
func plainPaths() *hcmv3.HttpConnectionManager {
	return &hcmv3.HttpConnectionManager{
		NormalizePath:                wrapperspb.Bool(true),
		MergeSlashes:                 true,
		PathWithEscapedSlashesAction: hcmv3.HttpConnectionManager_UNESCAPE_AND_FORWARD,
	}
}

// http1 accepts what HTTP/1 clients may send and Envoy refuses by default: HTTP/1.0, whose
// requests need no host, and the offer of an upgrade, which a server may ignore.
func http1() *corev3.Http1ProtocolOptions {
	return &corev3.Http1ProtocolOptions{
		AcceptHttp_10:         true,
		DefaultHostForHttp_10: llmd.StandardGatewayName,
		IgnoreHttp_11Upgrade:  []*matcherv3.StringMatcher{matches(".*")},
	}
}

// probeListener serves the parts of the admin interface that kubelet and Prometheus need,
// and nothing else.
func (p *packer) probeListener() *listenerv3.Listener {
	toAdmin := func(path string) *routev3.Route {
		return &routev3.Route{
			Match: &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Path{Path: path}},
			Action: &routev3.Route_Route{Route: &routev3.RouteAction{
				ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: adminName},
			}},
		}
	}
	return p.listener("probe", llmd.GatewayProbePort, &hcmv3.HttpConnectionManager{
		StatPrefix: "probe",
		RouteSpecifier: &hcmv3.HttpConnectionManager_RouteConfig{
			RouteConfig: routes("probe", toAdmin("/ready"), toAdmin(llmd.EnvoyMetricsPath), answer(http.StatusNotFound, "")),
		},
		HttpFilters: []*hcmv3.HttpFilter{p.routerFilter()},
	})
}

func (p *packer) listener(name string, port int32, hcm *hcmv3.HttpConnectionManager) *listenerv3.Listener {
	return &listenerv3.Listener{
		Name:    name,
		Address: address("0.0.0.0", port),
		FilterChains: []*listenerv3.FilterChain{{Filters: []*listenerv3.Filter{{
			Name:       "envoy.filters.network.http_connection_manager",
			ConfigType: &listenerv3.Filter_TypedConfig{TypedConfig: p.any(hcm)},
		}}}},
	}
}

func httpFilter(name string, config *anypb.Any) *hcmv3.HttpFilter {
	return &hcmv3.HttpFilter{Name: name, ConfigType: &hcmv3.HttpFilter_TypedConfig{TypedConfig: config}}
}

// stripFilter comes before the EPP, which copies a client's headers over its own.
func (p *packer) stripFilter(headers []string) *hcmv3.HttpFilter {
	mutations := &headermutationv3.Mutations{}
	for _, header := range headers {
		mutations.RequestMutations = append(mutations.RequestMutations, &mutationv3.HeaderMutation{
			Action: &mutationv3.HeaderMutation_Remove{Remove: header},
		})
	}
	return httpFilter("envoy.filters.http.header_mutation",
		p.any(&headermutationv3.HeaderMutation{Mutations: mutations}))
}

// eppFilter streams the request through the EPP, which picks the pod. The EPP answers the
// headers only after it has received the whole body, which no other body mode allows.
//
// It is off but for the routes that turn it on (throughEPP): an error without a route, such as
// too large headers, would wait for the EPP to see it while Envoy closes the connection.
func (p *packer) eppFilter() *hcmv3.HttpFilter {
	filter := httpFilter(extProcFilter, p.any(&extprocv3.ExternalProcessor{
		GrpcService: eppService(""),
		// Without an EPP the request goes on, to a pod chosen by the fallback policy.
		FailureModeAllow: true,
		// The EPP asks Envoy to look the route up again, which would fail once the key has been
		// removed from the request.
		RouteCacheAction: extprocv3.ExternalProcessor_RETAIN,
		ProcessingMode: &extprocv3.ProcessingMode{
			RequestHeaderMode:   extprocv3.ProcessingMode_SEND,
			RequestBodyMode:     extprocv3.ProcessingMode_FULL_DUPLEX_STREAMED,
			RequestTrailerMode:  extprocv3.ProcessingMode_SEND,
			ResponseHeaderMode:  extprocv3.ProcessingMode_SEND,
			ResponseBodyMode:    extprocv3.ProcessingMode_FULL_DUPLEX_STREAMED,
			ResponseTrailerMode: extprocv3.ProcessingMode_SEND,
		},
		MetadataOptions: &extprocv3.MetadataOptions{
			ReceivingNamespaces: &extprocv3.MetadataOptions_MetadataNamespaces{Untyped: []string{endpointNamespace}},
		},
	}))
	filter.Disabled = true
	return filter
}

// eppService is the EPP of a model.
func eppService(model string) *corev3.GrpcService {
	return &corev3.GrpcService{
		TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{
			EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{ClusterName: llmd.ForModel(eppName, model)},
		},
		Timeout: durationpb.New(eppTimeout),
	}
}

func (p *packer) routerFilter() *hcmv3.HttpFilter {
	return httpFilter("envoy.filters.http.router", p.any(&routerv3.Router{}))
}

// accessLog writes a line for each request, with the pod that answered it.
func (p *packer) accessLog() *accesslogv3.AccessLog {
	fields := map[string]*structpb.Value{}
	for name, format := range map[string]string{
		"time":     "%START_TIME%",
		"method":   "%REQ(:METHOD)%",
		"path":     "%REQ(:PATH)%",
		"status":   "%RESPONSE_CODE%",
		"flags":    "%RESPONSE_FLAGS%",
		"ms":       "%DURATION%",
		"upstream": "%UPSTREAM_HOST%",
		"pod":      "%RESP(X-INFERENCE-POD)%",
	} {
		fields[name] = structpb.NewStringValue(format)
	}
	return &accesslogv3.AccessLog{
		Name: "envoy.access_loggers.stdout",
		ConfigType: &accesslogv3.AccessLog_TypedConfig{TypedConfig: p.any(&streamv3.StdoutAccessLog{
			AccessLogFormat: &streamv3.StdoutAccessLog_LogFormat{LogFormat: &corev3.SubstitutionFormatString{
				Format: &corev3.SubstitutionFormatString_JsonFormat{JsonFormat: &structpb.Struct{Fields: fields}},
			}},
		})},
	}
}

// answer is the route for everything that no earlier route has matched.
func answer(status uint32, message string) *routev3.Route {
	direct := &routev3.DirectResponseAction{Status: status}
	if message != "" {
		direct.Body = &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{InlineString: message}}
	}
	return &routev3.Route{
		Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
		Action: &routev3.Route_DirectResponse{DirectResponse: direct},
	}
}

func routes(name string, list ...*routev3.Route) *routev3.RouteConfiguration {
	return &routev3.RouteConfiguration{
		Name:         name,
		VirtualHosts: []*routev3.VirtualHost{{Name: name, Domains: []string{"*"}, Routes: list}},
	}
}
