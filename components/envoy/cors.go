package envoy

import (
	"net/http"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	corsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/cors/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/anypb"
)

// corsFilter names the filter that answers the preflight requests of browsers, which carry no
// key.
const corsFilter = "envoy.filters.http.cors"

// corsMaxAge is how long a browser remembers the answer; two hours are the most that Chromium
// does.
const corsMaxAge = "7200"

func (p *packer) corsFilter() *hcmv3.HttpFilter {
	return httpFilter(corsFilter, p.any(&corsv3.Cors{}))
}

// preflight matches exactly the requests that the filter answers, so none goes on: a route
// that answers by itself, such as the one that asks for the key, would come before it.
func (p *packer) preflight() *routev3.Route {
	route := p.toDecode("/", "")
	route.Match.PathSpecifier = &routev3.RouteMatch_Prefix{Prefix: "/"}
	route.Match.Headers = []*routev3.HeaderMatcher{
		headerMatches(":method", http.MethodOptions),
		headerMatches("origin", ".+"),
		headerMatches("access-control-request-method", ".+"),
	}
	return route
}

// anyOrigin lets pages of any origin call the API, as vLLM does by default. A browser sends
// no cookies, and a page gets no further than its key.
func (p *packer) anyOrigin() *anypb.Any {
	return p.any(&corsv3.CorsPolicy{
		AllowOriginStringMatch: []*matcherv3.StringMatcher{matches(".*")},
		AllowMethods:           strings.Join([]string{http.MethodGet, http.MethodPost}, ","),
		AllowHeaders:           "*, authorization", // A browser does not count authorization among all.
		MaxAge:                 corsMaxAge,
	})
}
