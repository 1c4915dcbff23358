package load

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/compare/workload"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
)

// request is what the stub reads of a request.
type request struct {
	Messages []message `json:"messages"`
	Stream   bool      `json:"stream"`
}

// stub answers like a simulator: two tokens, and a usage with as many cached tokens as the
// request has messages.
func stub(t testing.TB, before func(request) error) *traffic.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body request
		_ = json.NewDecoder(r.Body).Decode(&body)
		w.Header().Set("X-Inference-Pod", "p")
		if err := before(body); err != nil {
			http.Error(w, err.Error(), http.StatusTooManyRequests)
			return
		}
		fmt.Fprint(w, `data: {"choices":[{"delta":{"role":"assistant"}}]}`+"\n\n")
		fmt.Fprint(w, `data: {"choices":[{"delta":{"content":"Good "}}]}`+"\n\n"+`data: {"choices":[{"delta":{"content":"day."}}]}`+"\n\n")
		fmt.Fprintf(w, `data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":%d}}}`+"\n\n", len(body.Messages))
		fmt.Fprint(w, "data: [DONE]\n\n")
	}))
	t.Cleanup(server.Close)
	return traffic.NewClient(server.URL, "m")
}

func at(arrivals ...time.Duration) []workload.Session {
	var list []workload.Session
	for _, a := range arrivals {
		list = append(list, workload.Session{Arrival: a, Turns: []workload.Turn{{Question: "q", MaxTokens: 2}}})
	}
	return list
}

func TestTurnsHaveTheAnswersBeforeThem(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var chats []string
	client := stub(t, func(r request) error {
		mu.Lock()
		defer mu.Unlock()
		var texts []string
		for _, m := range r.Messages {
			texts = append(texts, m.Content)
		}
		chats = append(chats, strings.Join(texts, "|"))
		require.True(t, r.Stream)
		return nil
	})
	run := Send(t.Context(), []*traffic.Client{client}, []workload.Session{{
		System: "s", Turns: []workload.Turn{{Question: "one"}, {Question: "two"}},
	}}, 1)
	require.Equal(t, []string{"s|one", "s|one|Good day.|two"}, chats)
	require.Len(t, run.Samples, 2)
	second := run.Samples[1]
	require.Equal(t, Sample{
		Turn: 1, Pod: "p", PromptTokens: 10, CachedTokens: 4, OutputTokens: 2,
		Start: second.Start, Lag: second.Lag, First: second.First, Whole: second.Whole,
	}, second)
	require.Positive(t, second.First)
	require.GreaterOrEqual(t, second.Whole, second.First)
}

func TestAnErrorEndsItsSession(t *testing.T) {
	t.Parallel()
	client := stub(t, func(request) error { return fmt.Errorf("too many") })
	run := Send(t.Context(), []*traffic.Client{client}, []workload.Session{{
		Turns: []workload.Turn{{Question: "one"}, {Question: "two"}},
	}}, 1)
	require.Len(t, run.Samples, 1)
	require.Contains(t, run.Samples[0].Error, "status 429")
}

func TestAnOpenLoopCountsFromTheArrival(t *testing.T) {
	t.Parallel()
	const busy = 200 * time.Millisecond
	var one sync.Mutex // The stub answers one request at a time.
	client := stub(t, func(request) error {
		one.Lock()
		defer one.Unlock()
		time.Sleep(busy)
		return nil
	})
	run := Send(t.Context(), []*traffic.Client{client}, at(0, 10*time.Millisecond, 20*time.Millisecond), 0)
	slowest := time.Duration(0)
	for _, s := range run.Samples {
		require.Less(t, s.Lag, busy, "nobody waits for the answer to another request")
		slowest = max(slowest, s.Whole)
	}
	require.Greater(t, slowest, 2*busy, "the wait for the server counts")
}

func TestAClosedLoopKeepsToItsConcurrency(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now, most := 0, 0
	client := stub(t, func(request) error {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		now--
		return nil
	})
	run := Send(t.Context(), []*traffic.Client{client, client}, at(make([]time.Duration, 30)...), 3)
	require.Len(t, run.Samples, 30)
	require.Equal(t, 3, most)
}

func TestBrokenStreamsAreErrors(t *testing.T) {
	t.Parallel()
	for stream, want := range map[string]string{
		"data: {}\n":               "ended early",
		"data: {}\ndata: [DONE]\n": "says nothing about its tokens",
		`data: {"error":{"message":"the cache is full"}}` + "\ndata: [DONE]\n": "reports an error: the cache is full",
		"data: {nonsense\ndata: [DONE]\n":                                      "not JSON",
	} {
		_, err := parse(stream, &Sample{})
		require.ErrorContains(t, err, want)
	}
}

// BenchmarkSend is the generator alone, against a stub in the same process.
func BenchmarkSend(b *testing.B) {
	client := stub(b, func(request) error { return nil })
	run := Send(b.Context(), []*traffic.Client{client}, at(make([]time.Duration, b.N)...), 16)
	b.ReportMetric(float64(b.N)/run.Took.Seconds(), "requests/s")
}
