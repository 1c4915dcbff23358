package workload

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var tenants = Spec{SharedPrefix: &SharedPrefix{
	Requests: 400, Groups: 4, PrefixTokens: Lengths{100}, QuestionTokens: Lengths{5, 10}, OutputTokens: Lengths{1, 2},
}}

func sessions(t *testing.T, s Spec, seed int64, repetition int, rate float64) []Session {
	t.Helper()
	list, err := s.Sessions("w", seed, repetition, rate)
	require.NoError(t, err)
	return list
}

func TestASeedMakesTheSameRequests(t *testing.T) {
	t.Parallel()
	first := sessions(t, tenants, 1, 0, 10)
	require.Equal(t, first, sessions(t, tenants, 1, 0, 10))
	for name, other := range map[string][]Session{
		"another repetition": sessions(t, tenants, 1, 1, 10), "another seed": sessions(t, tenants, 2, 0, 10),
	} {
		for i := range other {
			require.NotEqual(t, first[i].System, other[i].System, "%s finds cold caches", name)
		}
	}
}

func TestSharedPrefixes(t *testing.T) {
	t.Parallel()
	prefixes := map[int]string{}
	questions := map[string]bool{}
	for _, s := range sessions(t, tenants, 1, 0, 0) {
		require.Len(t, strings.Fields(s.System), 100)
		if known, is := prefixes[s.Group]; is {
			require.Equal(t, known, s.System)
		}
		prefixes[s.Group] = s.System
		require.Len(t, s.Turns, 1)
		require.Contains(t, []int{5, 10}, len(strings.Fields(s.Turns[0].Question)))
		require.False(t, questions[s.Turns[0].Question])
		questions[s.Turns[0].Question] = true
	}
	require.Len(t, prefixes, 4)
}

func TestAHotPrefixGetsItsShare(t *testing.T) {
	t.Parallel()
	hot := tenants
	p := *tenants.SharedPrefix
	p.HotShare = 0.9
	hot.SharedPrefix = &p
	n := 0
	for _, s := range sessions(t, hot, 1, 0, 0) {
		if s.Group == 0 {
			n++
		}
	}
	require.InDelta(t, 360, n, 25)
}

func TestArrivalsFollowTheRate(t *testing.T) {
	t.Parallel()
	list := sessions(t, tenants, 1, 0, 20)
	for i := 1; i < len(list); i++ {
		require.Greater(t, list[i].Arrival, list[i-1].Arrival)
	}
	require.InDelta(t, 20, list[len(list)-1].Arrival.Seconds(), 3, "400 requests at 20 per second")
}

func TestConversations(t *testing.T) {
	t.Parallel()
	s := Spec{Conversations: &Conversations{
		Count: 3, Turns: 4, SystemTokens: Lengths{7}, QuestionTokens: Lengths{2}, OutputTokens: Lengths{9},
	}}
	for i, c := range sessions(t, s, 1, 0, 0) {
		require.Equal(t, i, c.Group)
		require.Len(t, strings.Fields(c.System), 7)
		require.Len(t, c.Turns, 4)
		require.Equal(t, 9, c.Turns[3].MaxTokens)
	}
}

func TestTraces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	write("good.jsonl", `{"timestamp": 1000, "input_length": 600, "output_length": 5, "hash_ids": [1, 2]}
{"timestamp": 3000, "input_length": 1024, "output_length": 6, "hash_ids": [1, 3]}
{"timestamp": 9000, "input_length": 1, "output_length": 1, "hash_ids": [1]}
`)
	write("bad.jsonl", `{"timestamp": 2, "input_length": 513, "output_length": 5, "hash_ids": [1]}
{"timestamp": 2, "input_length": 1, "output_length": 0, "hash_ids": [1]}
{nonsense
{"timestamp": 2, "input_length": 1, "output_length": 1, "hash_ids": [1]}
{"timestamp": 1, "input_length": 1, "output_length": 1, "hash_ids": [1]}
`)
	good := Spec{Trace: &Trace{File: "good.jsonl", Speed: 2, Requests: 2}}
	require.Empty(t, good.Check(dir))
	list := sessions(t, good, 1, 0, 0)
	require.Len(t, list, 2)
	require.Equal(t, []time.Duration{0, time.Second}, []time.Duration{list[0].Arrival, list[1].Arrival})
	a, b := strings.Fields(list[0].Turns[0].Question), strings.Fields(list[1].Turns[0].Question)
	require.Len(t, a, 600)
	require.Len(t, b, 1024)
	require.Equal(t, a[:512], b[:512], "equal hashes are equal blocks")
	require.NotEqual(t, a[512], b[512])

	bad := Spec{Trace: &Trace{File: "bad.jsonl"}}
	problem := bad.Check(dir)["trace.file"]
	for _, want := range []string{"line 1: 1 hash_ids are too few for 513 tokens", "line 2: input_length and output_length", "line 3: ", "line 5: timestamp is before"} {
		require.Contains(t, problem, want)
	}
	require.NotContains(t, problem, "line 4")
}

func TestWorkloadsShareNoPrompts(t *testing.T) {
	t.Parallel()
	mixed := Spec{SharedPrefix: &SharedPrefix{
		Requests: 1, Groups: 1, PrefixTokens: Lengths{50}, QuestionTokens: Lengths{5}, OutputTokens: Lengths{1},
	}}
	first := sessions(t, tenants, 1, 0, 0)
	second, err := mixed.Sessions("another", 1, 0, 0)
	require.NoError(t, err)
	for _, s := range first {
		require.False(t, strings.HasPrefix(s.System, second[0].System), "the second workload finds warm caches")
	}
}
