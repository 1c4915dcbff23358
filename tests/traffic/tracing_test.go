package traffic

import (
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// TestRequestsAreTraced sends requests whose clients have begun a trace, and others, through the
// standard gateway of a stack, and through its EPP and routing sidecar if the lab's can be traced.
func TestRequestsAreTraced(t *testing.T) {
	t.Parallel()
	received := startCollector(t)
	config := map[string]any{
		"inferenceGateway": map[string]any{"enabled": true, "standard": map[string]any{"enabled": true}},
		"tracing":          map[string]any{"enabled": true, "endpoint": received.address, "sampling": 1},
	}
	services := []string{llmd.StandardGatewayName}
	epp, err := release.EPPOf(lab.LLMD()["epp.image"], "")
	require.NoError(t, err)
	if epp.Tracing {
		config["epp"], config["decode"] = map[string]any{"enabled": true}, map[string]any{"enabled": true}
		config["prefill"] = map[string]any{"enabled": true}
		services = append(services, llmd.EPPName, llmd.DecodeName)
	} else {
		fmt.Printf("skipped: the spans of the EPP and the routing sidecar, since the lab's %s continues no traces\n", epp.Version)
	}
	s := newStack(t, "traced", config)
	s.Up()
	client := gateway(t, s)
	send := func(headers http.Header) {
		t.Helper()
		tracing := *client
		tracing.Headers = headers
		answer := tracing.Completion(t.Context(), strings.Repeat("long enough for a prefill pod ", 50), 1)
		require.True(t, answer.OK(), answer)
	}

	const parent = "b7ad6b7169203331"
	trace, silent := strings.Repeat("a1", 16), strings.Repeat("b2", 16)
	send(traceparent(silent, parent, "00"))
	send(traceparent(trace, parent, "01"))
	eventually(t, time.Minute, func() bool { return slices.Equal(received.services(trace), slices.Sorted(slices.Values(services))) },
		"all that have spans join the client's trace")
	request := received.find(trace, func(s span) bool { return s.parent == parent && s.service == llmd.StandardGatewayName })
	require.Len(t, request, 1, "the gateway's span is below the client's")
	attempt := received.find(trace, func(s span) bool {
		return s.parent == request[0].id && s.attributes["upstream_cluster.name"] == "decode"
	})
	require.Len(t, attempt, 1, "the pod that was tried")
	require.Empty(t, received.services(silent), "the client decides that its request is not traced")

	before := received.traces()
	send(nil)
	var begun []string
	eventually(t, time.Minute, func() bool {
		begun = slices.DeleteFunc(received.traces(), func(id string) bool {
			completions := received.find(id, func(s span) bool { return strings.HasSuffix(s.attributes["http.url"], "/v1/completions") })
			return slices.Contains(before, id) || len(completions) == 0 || len(received.services(id)) < len(services)
		})
		return len(begun) > 0
	}, "the gateway begins a trace, which all others join")
	require.Len(t, begun, 1)
}

func traceparent(trace, parent, flags string) http.Header {
	return http.Header{"Traceparent": {fmt.Sprintf("00-%s-%s-%s", trace, parent, flags)}}
}

// span is part of a trace.
type span struct {
	trace, id, parent, name, service string
	attributes                       map[string]string
}

// collector receives spans as an OpenTelemetry collector does.
type collector struct {
	collectorpb.UnimplementedTraceServiceServer
	// address is reachable from pods, host:port.
	address string

	lock  sync.Mutex
	spans []span
}

// startCollector serves until the test ends, where the lab's node reaches this machine.
func startCollector(t *testing.T) *collector {
	t.Helper()
	node := lab.Kubectl(t, "get", "nodes", "-o", `jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}`)
	route, err := net.Dial("udp", net.JoinHostPort(node, "1")) // Sends nothing.
	require.NoError(t, err)
	defer func() { require.NoError(t, route.Close()) }()
	listener, err := net.Listen("tcp", net.JoinHostPort(route.LocalAddr().(*net.UDPAddr).IP.String(), "0"))
	require.NoError(t, err)
	c := &collector{address: listener.Addr().String()}
	server := grpc.NewServer()
	collectorpb.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return c
}

// Export receives spans.
func (c *collector) Export(
	_ context.Context, request *collectorpb.ExportTraceServiceRequest,
) (*collectorpb.ExportTraceServiceResponse, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	for _, resource := range request.GetResourceSpans() {
		service := ""
		for _, attribute := range resource.GetResource().GetAttributes() {
			if attribute.GetKey() == "service.name" {
				service = attribute.GetValue().GetStringValue()
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, newSpan(service, s))
			}
		}
	}
	return &collectorpb.ExportTraceServiceResponse{}, nil
}

func newSpan(service string, s *tracepb.Span) span {
	attributes := map[string]string{}
	for _, attribute := range s.GetAttributes() {
		attributes[attribute.GetKey()] = attribute.GetValue().GetStringValue()
	}
	return span{
		trace: hex.EncodeToString(s.GetTraceId()), id: hex.EncodeToString(s.GetSpanId()), parent: hex.EncodeToString(s.GetParentSpanId()),
		name: s.GetName(), service: service, attributes: attributes,
	}
}

// find returns the spans of a trace that fit.
func (c *collector) find(trace string, fits func(span) bool) []span {
	c.lock.Lock()
	defer c.lock.Unlock()
	var found []span
	for _, s := range c.spans {
		if s.trace == trace && fits(s) {
			found = append(found, s)
		}
	}
	return found
}

// services returns those that have sent spans of a trace, sorted.
func (c *collector) services(trace string) []string {
	var names []string
	for _, s := range c.find(trace, func(span) bool { return true }) {
		names = append(names, s.service)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// traces returns the IDs of all traces.
func (c *collector) traces() []string {
	c.lock.Lock()
	defer c.lock.Unlock()
	var ids []string
	for _, s := range c.spans {
		ids = append(ids, s.trace)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
