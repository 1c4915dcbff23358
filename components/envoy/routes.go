package envoy

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	previoushostsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/host/previous_hosts/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
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

// keyHeader carries a client's key.
const keyHeader = "authorization"

// inferenceRoutes admit the paths that clients may call, and with keys only requests that
// carry one. A repeated header is matched as one, joined by a comma, which no key contains.
func (p *packer) inferenceRoutes(b Bootstrap) *routev3.RouteConfiguration {
	var list []*routev3.Route
	for _, path := range llmd.PickedPaths {
		list = append(list, p.toDecode(path))
	}
	for _, path := range llmd.BalancedPaths {
		list = append(list, p.toDecode(path))
	}
	list = append(list, answer(http.StatusNotFound))
	if len(b.Keys) > 0 {
		shown := p.showsKey(b.Keys)
		for _, route := range list {
			if route.Match.GetPathSeparatedPrefix() != llmd.HealthPath { // For probes, which have no key.
				route.Match.Headers = []*routev3.HeaderMatcher{shown}
			}
		}
		denied := answer(http.StatusUnauthorized)
		denied.ResponseHeadersToAdd = []*corev3.HeaderValueOption{{
			Header: &corev3.HeaderValue{Key: "www-authenticate", Value: "Bearer"},
		}}
		list = append(list, denied)
	}
	if b.EPP != nil {
		for _, route := range list {
			if !slices.Contains(llmd.PickedPaths, route.Match.GetPathSeparatedPrefix()) {
				p.pastEPP(route)
			}
		}
	}
	return routes("inference", list...)
}

// showsKey matches a request that carries one of the keys.
func (p *packer) showsKey(keys []string) *routev3.HeaderMatcher {
	for _, key := range keys {
		if !keyPattern.MatchString(key) {
			p.errs = append(p.errs, errors.New("an API key must consist of letters and digits"))
		}
	}
	return &routev3.HeaderMatcher{
		Name: keyHeader,
		HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: &matcherv3.StringMatcher{
			MatchPattern: &matcherv3.StringMatcher_SafeRegex{SafeRegex: &matcherv3.RegexMatcher{
				Regex: "(?i:bearer) +(" + strings.Join(keys, "|") + ")",
			}},
		}},
	}
}

var keyPattern = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// pastEPP makes the requests of a route bypass the EPP.
func (p *packer) pastEPP(route *routev3.Route) {
	route.TypedPerFilterConfig = map[string]*anypb.Any{
		extProcFilter: p.any(&extprocv3.ExtProcPerRoute{
			Override: &extprocv3.ExtProcPerRoute_Disabled{Disabled: true},
		}),
	}
}

// toDecode routes a path, and the paths below it, to the decode pods. It retries only
// requests that no pod has begun to process.
func (p *packer) toDecode(path string) *routev3.Route {
	return &routev3.Route{
		Match: &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_PathSeparatedPrefix{PathSeparatedPrefix: path}},
		Action: &routev3.Route_Route{Route: &routev3.RouteAction{
			ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: decodeName},
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
