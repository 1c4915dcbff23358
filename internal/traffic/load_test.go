package traffic

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSum(t *testing.T) {
	t.Parallel()
	var answers []Answer
	for i := 1; i <= 100; i++ {
		answers = append(answers, Answer{
			Status: 200, Pod: fmt.Sprint("pod", i%3), Whole: time.Duration(i) * time.Millisecond, First: time.Millisecond,
		})
	}
	now := time.Now()
	s := Sum(append(answers,
		Answer{Began: now.Add(time.Second), Whole: time.Second, Err: errors.New("reset")},
		Answer{Began: now, Status: 503}))
	require.Equal(t, 102, s.Requests)
	require.Equal(t, 100, s.OK)
	require.Equal(t, map[int]int{200: 100, 503: 1, 0: 1}, s.Statuses)
	require.Equal(t, Times{50 * time.Millisecond, 95 * time.Millisecond, 99 * time.Millisecond}, s.Whole)
	require.Equal(t, 503, s.Failed.Status, "the first")
	require.Equal(t, 2*time.Second, s.FailedFor)
	pod, n := s.Favourite()
	require.Equal(t, "pod1", pod)
	require.Equal(t, 34, n)

	none := Sum(nil)
	require.Equal(t, Times{}, none.Whole)
	_, n = none.Favourite()
	require.Zero(t, n)
}

func TestRunRespectsConcurrencyLimit(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	var reported atomic.Int64
	answers := Run(t.Context(), 50, 5, func(_ context.Context, i int) Answer {
		most.Store(max(most.Load(), now.Add(1)))
		time.Sleep(time.Millisecond)
		now.Add(-1)
		return Answer{Status: i}
	}, func(int) { reported.Add(1) })
	require.LessOrEqual(t, most.Load(), int64(5))
	require.EqualValues(t, 50, reported.Load())
	for i, answer := range answers {
		require.Equal(t, i, answer.Status, "answers are in the order of the requests")
	}
}

func TestTruncatedAnswerIsAnError(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Inference-Pod", "p")
		if r.URL.Path == "/v1/chat/completions" {
			fmt.Fprint(w, "data: {}\n\n")
			return
		}
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "{")
	}))
	t.Cleanup(server.Close)
	c := NewClient(server.URL, "random")
	cut := c.Completion(t.Context(), "x", 1)
	require.False(t, cut.OK())
	require.Equal(t, "p", cut.Pod)
	require.ErrorContains(t, c.Stream(t.Context(), "x", 1).Err, "the stream ended early")
	require.True(t, c.Chat(t.Context(), "x", 1).OK())

	server.Close()
	gone := c.Get(t.Context(), "/v1/models")
	require.Error(t, gone.Err)
	require.Zero(t, gone.Status)
}

func TestMetric(t *testing.T) {
	t.Parallel()
	const text = "# HELP a of a\na{x=\"1\"} 2\na{x=\"2\"} 3.5\nab 7\nb 1e3\n"
	require.InDelta(t, 5.5, Metric(text, "a"), 0)
	require.InDelta(t, 3.5, Metric(text, `a{x="2"}`), 0)
	require.InDelta(t, 1000, Metric(text, "b"), 0)
	require.Zero(t, Metric(text, "c"))
}
