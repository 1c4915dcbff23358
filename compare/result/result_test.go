package result

import (
	"fmt"
	"math"
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

// TestEqualCandidatesDoNotDiffer compares candidates whose runs are drawn from the same
// distributions, with all figures of three candidates: at most one comparison in 20 may show a
// difference.
func TestEqualCandidatesDoNotDiffer(t *testing.T) {
	t.Parallel()
	const comparisons = 400
	for _, repetitions := range []int{2, 3, 5} {
		random := rand.New(rand.NewPCG(1, uint64(repetitions)))
		wrong := 0
		for range comparisons {
			candidates := make([]map[string][]float64, 3)
			for i := range candidates {
				candidates[i] = map[string][]float64{}
				for range repetitions {
					for name, value := range Of(draw(random), Bounds{TimeToFirstToken: 200 * time.Millisecond}) {
						candidates[i][name] = append(candidates[i][name], value)
					}
				}
			}
			var all []float64
			for _, f := range Figures {
				for _, c := range candidates[1:] {
					if before := candidates[0][f.Name]; Comparable(before, c[f.Name]) {
						all = append(all, Compare(before, c[f.Name]).P)
					}
				}
			}
			if Threshold(all) >= 0 {
				wrong++
			}
		}
		t.Logf("%d repetitions: %d of %d comparisons of equal candidates show a difference", repetitions, wrong, comparisons)
		require.LessOrEqual(t, wrong, comparisons/20, "%d repetitions", repetitions)
	}
}

// draw returns a run of conversations: its machine is a few percent faster or slower than that of
// other runs, latencies have a long tail, and errors and changes of the pod are rare.
func draw(random *rand.Rand) load.Run {
	slow := math.Exp(0.05 * random.NormFloat64())
	run := load.Run{Took: time.Duration(slow * float64(10*time.Second))}
	for i := range 160 {
		s := load.Sample{
			Session: i / 4, Turn: i % 4, Pod: fmt.Sprint(random.IntN(8)), OutputTokens: 16, PromptTokens: 3820,
			CachedTokens: 3800 * min(1, random.IntN(5)),
			First:        time.Duration(slow * 100 * math.Exp(0.6*random.NormFloat64()) * float64(time.Millisecond)),
		}
		s.Whole = s.First + time.Duration(slow*240*(1+0.05*random.NormFloat64())*float64(time.Millisecond))
		if s.Turn > 0 && random.Float64() < 0.97 {
			s.Pod = run.Samples[i-1].Pod
		}
		if random.Float64() < 0.004 {
			s.Error = "503"
		}
		run.Samples = append(run.Samples, s)
	}
	return run
}

func TestRealDifferencesAreFound(t *testing.T) {
	t.Parallel()
	d := Compare([]float64{0.22, 0.24, 0.25}, []float64{0.88, 0.89, 0.90})
	require.InDelta(t, 0.89, d.Mean, 1e-9)
	require.LessOrEqual(t, d.P, Threshold([]float64{d.P, 0.4, 0.9, 1, 1}))
	slow := Compare([]float64{64, 79, 91}, []float64{1245, 2750, 2750})
	require.Less(t, slow.P, 0.02, "the noise of the slow candidate is relative")
	require.Zero(t, Compare([]float64{1, 1, 1}, []float64{2, 2, 2}).P, "without noise every difference is real")
	require.InDelta(t, 1, Compare([]float64{1, 1}, []float64{2, 2}).P, 0, "two equal counts may be a coincidence")
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
