package envoy

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	accesslogv3 "github.com/envoyproxy/go-control-plane/envoy/config/accesslog/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// reason is what Envoy or the EPP itself says about an error.
const reason = "%LOCAL_REPLY_BODY%"

// OpenAI's clients call their exceptions so.
const (
	badRequest      = "BadRequestError"
	unauthenticated = "AuthenticationError"
	notFound        = "NotFoundError"
	rateLimited     = "RateLimitError"
	internalError   = "InternalServerError"
)

// errorReplies gives the errors that Envoy answers itself, and those with which the EPP ends
// a request, the form of OpenAI's API. The errors of simulators pass unchanged.
func errorReplies(b Bootstrap) *hcmv3.LocalReplyConfig {
	var replies []*hcmv3.ResponseMapper
	if len(b.Models) > 0 {
		replies = append(replies, modelsReply())
	}
	if b.SinglePrompts {
		replies = append(replies, reply(badRequest, reason+". If the prompt is a list or tokens: the EPP of this gateway "+
			"reads only a single text. Send a request for each text, or upgrade the EPP to v0.8 or newer.",
			status(http.StatusBadRequest), onPath("/v1/completions")))
	}
	if b.EPP != nil {
		for _, path := range llmd.PickedPaths {
			replies = append(replies, reply(badRequest, reason, status(http.StatusBadRequest), onPath(path)))
		}
	}
	replies = append(replies,
		// Envoy names only the check that failed.
		reply(badRequest, "The request is malformed: %RESPONSE_CODE_DETAILS%.", status(http.StatusBadRequest)),
		reply(unauthenticated, reason, status(http.StatusUnauthorized)),
		reply(notFound, reason, status(http.StatusNotFound)),
		reply(badRequest, reason, status(http.StatusRequestEntityTooLarge)),
		// An EPP answers so while it knows no pod for the request, or none with capacity.
		reply(rateLimited, reason+retry(b), status(http.StatusTooManyRequests)),
		reply(badRequest, "The headers are larger than 60 KiB: send fewer or shorter ones.",
			status(http.StatusRequestHeaderFieldsTooLarge)),
		reply(internalError, reason+retry(b), status(http.StatusServiceUnavailable)),
	)
	return &hcmv3.LocalReplyConfig{Mappers: replies, BodyFormat: errorBody(internalError, reason)}
}

// retry is what a client can do about an error for want of a pod.
func retry(b Bootstrap) string {
	return ". Try again; if that does not help, see which pods are ready: kubectl get pods -n " + b.Namespace
}

// reply formats the errors that all filters match.
func reply(kind, message string, filters ...*accesslogv3.AccessLogFilter) *hcmv3.ResponseMapper {
	filter := filters[0]
	if len(filters) > 1 {
		filter = &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_AndFilter{
			AndFilter: &accesslogv3.AndFilter{Filters: filters},
		}}
	}
	return &hcmv3.ResponseMapper{Filter: filter, BodyFormatOverride: errorBody(kind, message)}
}

// errorBody is the body of an error. The message is a format of Envoy's.
func errorBody(kind, message string) *corev3.SubstitutionFormatString {
	field := func(format string) *structpb.Value { return structpb.NewStringValue(format) }
	return &corev3.SubstitutionFormatString{Format: &corev3.SubstitutionFormatString_JsonFormat{
		JsonFormat: &structpb.Struct{Fields: map[string]*structpb.Value{
			"error": structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
				"message": field(message), "type": field(kind), "code": field("%RESPONSE_CODE%"),
			}}),
		}},
	}}
}

func status(code uint32) *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_StatusCodeFilter{
		StatusCodeFilter: &accesslogv3.StatusCodeFilter{Comparison: &accesslogv3.ComparisonFilter{
			Op: accesslogv3.ComparisonFilter_EQ,
			// Envoy requires a key, which nothing sets.
			Value: &corev3.RuntimeUInt32{DefaultValue: code, RuntimeKey: fmt.Sprintf("error_reply_%d", code)},
		}},
	}}
}

func onPath(path string) *accesslogv3.AccessLogFilter {
	return &accesslogv3.AccessLogFilter{FilterSpecifier: &accesslogv3.AccessLogFilter_HeaderFilter{
		HeaderFilter: &accesslogv3.HeaderFilter{Header: &routev3.HeaderMatcher{
			Name: ":path",
			HeaderMatchSpecifier: &routev3.HeaderMatcher_StringMatch{StringMatch: &matcherv3.StringMatcher{
				MatchPattern: &matcherv3.StringMatcher_Prefix{Prefix: path},
			}},
		}},
	}}
}

// The messages of the routes that answer themselves.
var (
	unknownPath = "There is no such path: this gateway serves " +
		strings.Join(slices.Concat(llmd.PickedPaths, llmd.BalancedPaths), ", ") + "."
	keyRequired = "A valid API key is required, as the header Authorization: Bearer KEY. " +
		"The stack's key: pulumi stack output " + llmd.APIKey + " --show-secrets"
)

// tooLarge names the field of the components, which may be used without a stack, and the key of a
// stack, which sets it for all of them.
func tooLarge(mebibytes int32) string {
	return fmt.Sprintf("The body is larger than %d MiB, the limit of the simulators: send less, "+
		"or raise maxRequestMiB (simulator.maxRequestMiB in a stack's configuration).", mebibytes)
}
