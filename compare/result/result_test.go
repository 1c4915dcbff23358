package result

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/compare/load"
)

func TestFigures(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	run := load.Run{Took: 2 * time.Second, Samples: []load.Sample{
		{Session: 0, Turn: 0, Pod: "a", First: 10 * ms, Whole: 110 * ms, PromptTokens: 100, OutputTokens: 11},
		{Session: 0, Turn: 1, Pod: "a", First: 20 * ms, Whole: 220 * ms, PromptTokens: 200, CachedTokens: 100, OutputTokens: 11},
		{Session: 1, Turn: 0, Pod: "a", First: 30 * ms, Whole: 30 * ms, PromptTokens: 100, OutputTokens: 1},
		{Session: 1, Turn: 1, Pod: "b", First: 40 * ms, Whole: 40 * ms, PromptTokens: 100, CachedTokens: 25, OutputTokens: 1},
		{Session: 2, Turn: 0, Error: "503"},
	}}
	got := Of(run, Bounds{TimeToFirstToken: 30 * ms, TimePerOutputToken: 15 * ms})
	require.Equal(t, Values{
		"ttftP50": 20, "ttftP90": 40, "ttftP99": 40, "tpotP50": 10, "tpotP90": 20, "tpotP99": 20, "e2eP50": 40, "e2eP90": 220, "e2eP99": 220,
		"requestsPerSecond": 2, "outputTokensPerSecond": 12, "goodput": 0.4, "hitRate": 0.25, "stays": 0.5, "busiestPod": 0.75, "errors": 1,
	}, got)
	require.NotContains(t, Of(load.Run{Took: time.Second, Samples: run.Samples[:1]}, Bounds{}), "stays")
}

// TestEqualCandidatesDoNotDiffer draws both candidates of 20 comparisons from the same
// distribution, with the number of figures and repetitions that a comparison has.
func TestEqualCandidatesDoNotDiffer(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	draw := func() []float64 {
		values := make([]float64, 3)
		for i := range values {
			values[i] = 100 + 10*random.NormFloat64()
		}
		return values
	}
	wrong := 0
	for range 20 {
		var all []float64
		for range 2 * len(Figures) {
			all = append(all, Compare(draw(), draw()).P)
		}
		if Threshold(all) >= 0 {
			wrong++
		}
	}
	t.Logf("%d of 20 comparisons of equal candidates show a difference", wrong)
	require.LessOrEqual(t, wrong, 1)
}

func TestRealDifferencesAreFound(t *testing.T) {
	t.Parallel()
	d := Compare([]float64{0.22, 0.24, 0.25}, []float64{0.88, 0.89, 0.90})
	require.InDelta(t, 0.89, d.Mean, 1e-9)
	require.LessOrEqual(t, d.P, Threshold([]float64{d.P, 0.4, 0.9, 1, 1}))
	require.Zero(t, Compare([]float64{1, 1}, []float64{2, 2}).P, "without noise every difference is real")
	require.InDelta(t, 1, Compare([]float64{1, 1}, []float64{1, 1}).P, 0)
	require.InDelta(t, 0.03, Threshold([]float64{0.9, 0.001, 0.03, 0.5, 0.02}), 0)
	require.Negative(t, Threshold([]float64{0.9, 0.2}))
	require.Negative(t, Threshold(nil))
}

func TestAnInterruptedComparisonFindsNoDifference(t *testing.T) {
	t.Parallel()
	require.False(t, Comparable([]float64{1}, []float64{2}))
	require.False(t, Comparable([]float64{1, 1}, []float64{2}))
	require.True(t, Comparable([]float64{1, 1}, []float64{2, 2}))
}

func TestNamesThatExpectationsCannotUse(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"epp", "roundRobin", "a1"} {
		require.NoError(t, CheckName(name))
		require.NoError(t, CheckExpectation("hitRate("+name+") > 0", []string{name}))
	}
	require.ErrorContains(t, CheckName("errors"), "is the name of a figure")
	for _, word := range []string{"in", "not", "let", "nil", "true"} {
		require.ErrorContains(t, CheckName(word), "is a word of expectations")
	}
}

func TestExpectations(t *testing.T) {
	t.Parallel()
	means := map[string]Values{"epp": {"hitRate": 0.9, "errors": 0}, "plain": {"hitRate": 0.2}}
	for expectation, want := range map[string]bool{
		"hitRate(epp) - hitRate(plain) > 0.3": true,
		"hitRate(epp) < 0.5":                  false,
		"errors(epp) == 0":                    true,
	} {
		is, err := Expect(expectation, means)
		require.NoError(t, err)
		require.Equal(t, want, is, expectation)
	}
	_, err := Expect("errors(plain) == 0", means)
	require.ErrorContains(t, err, "errors of plain was not measured")
	require.ErrorContains(t, CheckExpectation("ttftp90(epp) < 1", []string{"epp"}), "did you mean ttftP90?")
	require.ErrorContains(t, CheckExpectation("hitRate(epp) >", []string{"epp"}), "unexpected token")
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for want, test := range map[string]struct {
		unit  string
		value float64
	}{
		"94.5 %": {"%", 0.945}, "1234 ms": {"ms", 1234}, "12.3 ms": {"ms", 12.34}, "0.12 ms": {"ms", 0.1234}, "26.0/s": {"/s", 26}, "3": {"", 3},
	} {
		require.Equal(t, want, Figure{Unit: test.unit}.Format(test.value))
	}
}
