package envoy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	jsontometadatav3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/json_to_metadata/v3"
	luav3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/lua/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// modelFilterName names the filter that reads the model from a request's body.
const modelFilterName = "envoy.filters.http.json_to_metadata"

// Where it leaves the name: dynamic metadata, which no client can forge.
const (
	modelNamespace = "llm-d-sim"
	modelKey       = "model"
)

// CheckModels checks that the model that a request names tells where it goes. own are the names of
// the gateway's own model and its adapters.
func CheckModels(own []string, models []Model) error {
	if len(models) == 0 {
		return nil
	}
	if len(own) == 0 {
		return errors.New("with further models, the names of the gateway's own are required")
	}
	served := slices.Clone(own)
	for _, m := range models {
		if m.Name == "" || len(m.Names) == 0 {
			return fmt.Errorf("a further model needs a name and what requests call it, got %q and %q", m.Name, m.Names)
		}
		served = append(served, m.Names...)
	}
	slices.Sort(served)
	for i := range served[1:] {
		if served[i] == served[i+1] {
			return fmt.Errorf("two models are called %q", served[i])
		}
	}
	return nil
}

// ModelFilters returns the HTTP filters, in their order, that set a header to the base model of a
// request, as trees of JSON, and the route that lists all models. own are the names of the gateway's
// own model and its adapters.
func ModelFilters(own []string, models []Model, header string) (filters []map[string]any, list map[string]any, err error) {
	p := &packer{}
	script := luav3.Lua{DefaultSourceCode: &corev3.DataSource{Specifier: &corev3.DataSource_InlineString{
		InlineString: headerScript(own, models, header),
	}}}
	for _, filter := range []*hcmv3.HttpFilter{p.modelFilter(), httpFilter("envoy.filters.http.lua", p.any(&script))} {
		p.check(filter)
		converted, err := tree(filter)
		if err != nil {
			return nil, nil, err
		}
		filters = append(filters, converted)
	}
	route := modelsRoute(Bootstrap{Names: own, Models: models})
	route.ResponseHeadersToAdd = []*corev3.HeaderValueOption{{
		Header:       &corev3.HeaderValue{Key: "content-type", Value: "application/json"},
		AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
	}}
	p.check(route)
	if err := errors.Join(p.errs...); err != nil {
		return nil, nil, fmt.Errorf("envoy filters: %w", err)
	}
	list, err = tree(route)
	return filters, list, err
}

// headerScript is a Lua filter. Envoy looks the route up again after it has changed a header.
func headerScript(own []string, models []Model, header string) string {
	var table strings.Builder
	for _, m := range append([]Model{{Names: own}}, models...) {
		for _, name := range m.Names {
			fmt.Fprintf(&table, "  [%s] = %s,\n", luaString(name), luaString(m.Names[0]))
		}
	}
	return fmt.Sprintf(`local models = {
%s}
function envoy_on_request(request)
  local found = request:streamInfo():dynamicMetadata():get(%q)
  local model = found and models[found[%q]]
  if model then
    request:headers():replace(%q, model)
  end
end
`, table.String(), modelNamespace, modelKey, header)
}

// luaString quotes a text for Lua.
func luaString(text string) string {
	var quoted strings.Builder
	quoted.WriteByte('"')
	for _, b := range []byte(text) {
		if b < ' ' || b > '~' || b == '"' || b == '\\' {
			fmt.Fprintf(&quoted, `\%03d`, b)
			continue
		}
		quoted.WriteByte(b)
	}
	quoted.WriteByte('"')
	return quoted.String()
}

// modelFilter reads the whole body of a request, and then has its route looked up again.
func (p *packer) modelFilter() *hcmv3.HttpFilter {
	return httpFilter(modelFilterName, p.any(&jsontometadatav3.JsonToMetadata{
		RequestRules: &jsontometadatav3.JsonToMetadata_MatchRules{
			Rules: []*jsontometadatav3.JsonToMetadata_Rule{{
				Selectors: []*jsontometadatav3.JsonToMetadata_Selector{{
					Selector: &jsontometadatav3.JsonToMetadata_Selector_Key{Key: "model"},
				}},
				OnPresent: &jsontometadatav3.JsonToMetadata_KeyValuePair{
					MetadataNamespace: modelNamespace, Key: modelKey, Type: jsontometadatav3.JsonToMetadata_STRING,
				},
			}},
			// A simulator reads a body as JSON whatever its type is said to be.
			AllowContentTypesRegex: &matcherv3.RegexMatcher{Regex: ".*"},
			AllowEmptyContentType:  true,
		},
	}))
}

// modelRoutes returns the routes of the requests that name a further model, and the one that lists
// all models. What names none, or an unknown one, is for the gateway's own pods to answer.
func (p *packer) modelRoutes(b Bootstrap) []*routev3.Route {
	if len(b.Models) == 0 {
		return nil
	}
	list := []*routev3.Route{modelsRoute(b)}
	for _, m := range b.Models {
		for _, route := range p.toModel(b, m.Name) {
			route.Match.DynamicMetadata = []*matcherv3.MetadataMatcher{asksFor(m)}
			list = append(list, route)
		}
	}
	return list
}

// asksFor matches a request that names a model or one of its adapters.
func asksFor(m Model) *matcherv3.MetadataMatcher {
	values := make([]*matcherv3.ValueMatcher, len(m.Names))
	for i, name := range m.Names {
		values[i] = &matcherv3.ValueMatcher{MatchPattern: &matcherv3.ValueMatcher_StringMatch{
			StringMatch: &matcherv3.StringMatcher{MatchPattern: &matcherv3.StringMatcher_Exact{Exact: name}},
		}}
	}
	return &matcherv3.MetadataMatcher{
		Filter: modelNamespace,
		Path: []*matcherv3.MetadataMatcher_PathSegment{{
			Segment: &matcherv3.MetadataMatcher_PathSegment_Key{Key: modelKey},
		}},
		Value: anyOf(values),
	}
}

// anyOf matches what any of the matchers matches. Envoy's own needs two of them.
func anyOf(values []*matcherv3.ValueMatcher) *matcherv3.ValueMatcher {
	if len(values) == 1 {
		return values[0]
	}
	return &matcherv3.ValueMatcher{MatchPattern: &matcherv3.ValueMatcher_OrMatch{
		OrMatch: &matcherv3.OrMatcher{ValueMatchers: values},
	}}
}

// answerUnread keeps the gateway from reading the bodies of what it answers itself.
func (p *packer) answerUnread(list []*routev3.Route) {
	for _, route := range list {
		if route.GetDirectResponse() != nil {
			unread := map[string]*anypb.Any{modelFilterName: p.any(&routev3.FilterConfig{Disabled: true})}
			maps.Copy(unread, route.TypedPerFilterConfig)
			route.TypedPerFilterConfig = unread
		}
	}
}

// modelsRoute answers with all models, as a simulator does with its own.
func modelsRoute(b Bootstrap) *routev3.Route {
	route := answer(http.StatusOK, modelsBody(b))
	route.Match.PathSpecifier = &routev3.RouteMatch_Path{Path: llmd.ModelsPath}
	return route
}

func modelsBody(b Bootstrap) string {
	type model struct {
		ID      string  `json:"id"`
		Object  string  `json:"object"`
		Created int64   `json:"created"`
		OwnedBy string  `json:"owned_by"`
		Root    string  `json:"root"`
		Parent  *string `json:"parent"`
	}
	list := struct {
		Object string  `json:"object"`
		Data   []model `json:"data"`
	}{Object: "list"}
	for _, of := range append([]Model{{Names: b.Names}}, b.Models...) {
		for i, name := range of.Names {
			m := model{ID: name, Object: "model", OwnedBy: "vllm", Root: name}
			if i > 0 {
				m.Parent = &of.Names[0]
			}
			list.Data = append(list.Data, m)
		}
	}
	body, _ := json.Marshal(list) // Strings and numbers cannot fail.
	return string(body)
}

// modelsReply keeps that answer from being taken for an error.
func modelsReply() *hcmv3.ResponseMapper {
	return &hcmv3.ResponseMapper{
		Filter: status(http.StatusOK),
		BodyFormatOverride: &corev3.SubstitutionFormatString{
			Format: &corev3.SubstitutionFormatString_TextFormatSource{TextFormatSource: &corev3.DataSource{
				Specifier: &corev3.DataSource_InlineString{InlineString: reason},
			}},
			ContentType: "application/json",
		},
	}
}
