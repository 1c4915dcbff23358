package envoy

import (
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	previoushostsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/retry/host/previous_hosts/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// A pod that can't be reached is passed over for another, up to this often.
const (
	retries            = 3
	hostReselections   = 5
	retryOn            = "connect-failure,refused-stream,reset-before-request"
	previousHostsRetry = "envoy.retry_host_predicates.previous_hosts"
)

func (p *packer) inferenceRoutes(epp bool) *routev3.RouteConfiguration {
	var list []*routev3.Route
	for _, path := range llmd.PickedPaths {
		list = append(list, p.toDecode(path))
	}
	for _, path := range llmd.BalancedPaths {
		route := p.toDecode(path)
		if epp {
			route.TypedPerFilterConfig = map[string]*anypb.Any{
				extProcFilter: p.any(&extprocv3.ExtProcPerRoute{
					Override: &extprocv3.ExtProcPerRoute_Disabled{Disabled: true},
				}),
			}
		}
		list = append(list, route)
	}
	return routes("inference", append(list, notFound())...)
}

// toDecode routes a path, and the paths below it, to the decode pods. It retries only
// what no pod has begun to work on.
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
