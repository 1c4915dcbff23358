package traffic

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
)

// TestPriorities floods a stack with requests of a low priority.
func TestPriorities(t *testing.T) {
	t.Parallel()
	s := newStack(t, "priorities", map[string]any{
		"epp":              map[string]any{"enabled": true},
		"inferenceGateway": map[string]any{"enabled": true, "standard": map[string]any{"enabled": true}},
		// The deviation keeps requests from finishing all at once, as no real ones do.
		"simulator": map[string]any{"timeToFirstToken": "1s", "timeToFirstTokenStdDev": "200ms", "maxNumSeqs": 8},
		"objectives": map[string]any{
			"interactive": map[string]any{"priority": 10},
			// Room for about five requests.
			"batch": map[string]any{"priority": -10, "queueBytes": 1000},
		},
	})
	s.Up()
	client := gateway(t, s)
	idle := probe(t, client, "interactive", 30)
	report(t, "interactive without load", idle)
	require.Equal(t, 30, idle.OK, idle.Failed)

	flood := startFlood(t, client, "batch")
	loaded := probe(t, client, "interactive", 30)
	shed := flood.stop()
	report(t, "interactive under a flood of batch", loaded)
	report(t, "the flood of batch", shed)
	fmt.Printf("the first token of interactive, p50/p95/p99: %s without load, %s with\n", idle.First, loaded.First)
	require.Equal(t, 30, loaded.OK, loaded.Failed)
	require.Less(t, loaded.First.P50, 2*idle.First.P50)
	require.Equal(t, shed.Requests, shed.OK+shed.Statuses[http.StatusTooManyRequests], "the rest is served or shed: %v", shed.Failed)
	require.Greater(t, shed.Statuses[http.StatusTooManyRequests], shed.OK, "there is more than the pods can serve")
	require.Contains(t, shed.Failed.Body, `"type":"RateLimitError"`)
	require.Contains(t, shed.Failed.Body, "queue at capacity")
}

// flooders is several times the number of requests that the stack processes concurrently.
const flooders = 60

// startFlood sends more requests than the pods can serve, and returns once they are busy.
func startFlood(t *testing.T, client *traffic.Client, objective string) *load {
	t.Helper()
	low := choosing(client, objective)
	served := make(chan struct{}, 1)
	flood := startLoad(t, flooders, func(ctx context.Context, i int) traffic.Answer {
		answer := low.Stream(ctx, prompt(1000+i), 5)
		if answer.Status == http.StatusTooManyRequests {
			time.Sleep(250 * time.Millisecond) // As a client does.
		} else {
			select {
			case served <- struct{}{}:
			default:
			}
		}
		return answer
	})
	<-served
	return flood
}

// probe sends a few requests, four at a time: fewer than the pods can serve.
func probe(t *testing.T, client *traffic.Client, objective string, n int) traffic.Summary {
	t.Helper()
	chosen := choosing(client, objective)
	return traffic.Sum(traffic.Run(t.Context(), n, 4, func(ctx context.Context, i int) traffic.Answer {
		return chosen.Stream(ctx, prompt(i), 5)
	}, nil))
}

// choosing returns a client whose requests choose an objective.
func choosing(client *traffic.Client, objective string) *traffic.Client {
	chosen := traffic.NewClient(client.URL, client.Model)
	chosen.Headers = http.Header{}
	chosen.Headers.Set("x-gateway-inference-objective", objective)
	return chosen
}
