package envoy

import (
	"errors"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	previoushostsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/host/previous_hosts/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// A request whose pod can't be reached is retried on another, up to this often.
const (
	retries            = 3
	hostReselections   = 5
	retryOn            = "connect-failure,refused-stream,reset-before-request"
	previousHostsRetry = "envoy.retry_host_predicates.previous_hosts"
)

// maxOwnAnswer is room for a list of thousands of models; Envoy's default is 4 KiB.
const maxOwnAnswer = 1 << 20

// keyHeader carries a client's key.
const keyHeader = "authorization"

// inferenceRoutes admit the paths that clients may call, and with keys only requests that
// carry one. A repeated header is matched as one, joined by a comma, which no key contains.
func (p *packer) inferenceRoutes(b Bootstrap) *routev3.RouteConfiguration {
	list := append(p.modelRoutes(b), p.toModel(b, "")...)
	list = append(list, answer(http.StatusNotFound, unknownPath))
	if len(b.Keys) > 0 {
		shown := p.showsKey(b.Keys)
		for _, route := range list {
			if route.Match.GetPathSeparatedPrefix() != llmd.HealthPath { // For probes, which have no key.
				route.Match.Headers = []*routev3.HeaderMatcher{shown}
			}
		}
		denied := answer(http.StatusUnauthorized, keyRequired)
		denied.ResponseHeadersToAdd = []*corev3.HeaderValueOption{{
			Header: &corev3.HeaderValue{Key: "www-authenticate", Value: "Bearer"},
		}}
		list = append(list, denied)
	}
	if b.MaxRequestMiB > 0 {
		list = slices.Insert(list, 0, refuseLargeBodies(b.MaxRequestMiB))
	}
	if len(b.Models) > 0 {
		p.answerUnread(list)
	}
	config := routes("inference", append([]*routev3.Route{p.preflight()}, list...)...)
	config.VirtualHosts[0].TypedPerFilterConfig = map[string]*anypb.Any{corsFilter: p.anyOrigin()}
	if len(b.Models) > 0 {
		config.MaxDirectResponseBodySizeBytes = wrapperspb.UInt32(maxOwnAnswer)
	}
	return config
}

// toModel returns the routes of all paths to the pods of a model.
func (p *packer) toModel(b Bootstrap, model string) []*routev3.Route {
	var list []*routev3.Route
	for _, path := range llmd.PickedPaths {
		route := p.toDecode(path, model)
		if b.EPP != nil {
			p.throughEPP(route, model)
		}
		list = append(list, route)
	}
	for _, path := range llmd.BalancedPaths {
		list = append(list, p.toDecode(path, model))
	}
	return list
}

// refuseLargeBodies answers what a simulator would not read. It judges by the length that
// the client declares: reading first would put all of it into the memory of gateway and EPP.
func refuseLargeBodies(mebibytes int32) *routev3.Route {
	route := answer(http.StatusRequestEntityTooLarge, tooLarge(mebibytes))
	route.Match.Headers = []*routev3.HeaderMatcher{{
		Name: "content-length",
		HeaderMatchSpecifier: &routev3.HeaderMatcher_RangeMatch{
			RangeMatch: &typev3.Int64Range{Start: int64(mebibytes)<<20 + 1, End: math.MaxInt64},
		},
	}}
	return route
}

// showsKey matches a request that carries one of the keys.
func (p *packer) showsKey(keys []string) *routev3.HeaderMatcher {
	for _, key := range keys {
		if !keyPattern.MatchString(key) {
			p.errs = append(p.errs, errors.New("an API key must consist of letters and digits"))
		}
	}
	return headerMatches(keyHeader, "(?i:bearer) +("+strings.Join(keys, "|")+")")
}

// headerMatches matches a header whose whole value fits a pattern.
func headerMatches(name, pattern string) *routev3.HeaderMatcher {
	return &routev3.HeaderMatcher{
		Name:                 name,
		HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: matches(pattern)},
	}
}

// matches matches a text that fits a pattern as a whole.
func matches(pattern string) *matcherv3.StringMatcher {
	return &matcherv3.StringMatcher{
		MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: &matcherv3.RegexMatcher{Regex: pattern}},
	}
}

var keyPattern = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// throughEPP makes the EPP of a model pick the pod for the requests of a route.
func (p *packer) throughEPP(route *routev3.Route, model string) {
	overrides := &extprocv3.ExtProcOverrides{}
	if model != "" {
		overrides.GrpcService = eppService(model)
	}
	route.TypedPerFilterConfig = map[string]*anypb.Any{
		extProcFilter: p.any(&extprocv3.ExtProcPerRoute{
			Override: &extprocv3.ExtProcPerRoute_Overrides{Overrides: overrides},
		}),
	}
}

// toDecode routes a path, and the paths below it, to the decode pods of a model. It retries only
// requests that no pod has begun to process.
func (p *packer) toDecode(path, model string) *routev3.Route {
	return &routev3.Route{
		Match: &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_PathSeparatedPrefix{PathSeparatedPrefix: path}},
		Action: &routev3.Route_Route{Route: &routev3.RouteAction{
			ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: llmd.ForModel(decodeName, model)},
			// No limit: a generation takes its time. Envoy's default is 15 s.
			Timeout: durationpb.New(0),
			RetryPolicy: &routev3.RetryPolicy{
				RetryOn:    retryOn,
				NumRetries: wrapperspb.UInt32(retries),
				RetryHostPredicate: []*routev3.RetryPolicy_RetryHostPredicate{{
					Name: previousHostsRetry,
					ConfigType: &routev3.RetryPolicy_RetryHostPredicate_TypedConfig{
						TypedConfig: p.any(&previoushostsv3.PreviousHostsPredicate{}),
					},
				}},
				HostSelectionRetryMaxAttempts: hostReselections,
			},
		}},
	}
}
