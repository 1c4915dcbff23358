package report

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/compare/comparison"
	"github.com/llm-d-sim/llm-d-sim/compare/load"
	"github.com/llm-d-sim/llm-d-sim/compare/observe"
	"github.com/llm-d-sim/llm-d-sim/config"
)

// example is a report of two candidates, of which the second caches all.
func example() *Report {
	w := &Workload{Workload: comparison.Workload{
		Name: "tenants <b>", Expect: []string{"hitRate(epp) > 0.5", "hitRate(plain) > 0.5", "stays(epp) > 0"},
	}, Title: "tenants"}
	for i := range 3 {
		for name, cached := range map[string]int{"plain": i, "epp": 95 + i} {
			run := load.Run{Took: time.Second, CPU: 900 * time.Millisecond, Observed: observe.Observation{
				Waiting: []observe.Point{{At: 0, Value: 0}, {At: time.Second, Value: float64(102 - cached)}},
			}}
			if name == "epp" {
				run.Observed.EPP = &observe.EPP{CPU: 20 * time.Millisecond, Decisions: 10, Deciding: 5 * time.Millisecond}
			}
			for n := range 10 {
				first := time.Duration(n+1) * time.Millisecond
				run.Samples = append(run.Samples, load.Sample{
					Session: n, Pod: "pod-" + string(rune('a'+n%2)), First: first, Whole: 2 * first, PromptTokens: 100, CachedTokens: cached, OutputTokens: 2,
				})
			}
			w.Add(name, run)
		}
	}
	return &Report{
		Comparison: &comparison.Comparison{
			Path: "c.yaml", Text: "seed: 1\n", Seed: 1, Repetitions: 3, Candidates: []comparison.Candidate{{Name: "plain", Spec: &config.Spec{Replicas: 1}}, {Name: "epp", Spec: &config.Spec{Image: "registry.example/sim:v1"}}},
		},
		Version: "1.2.3", Kubernetes: "v1.35.1", Machine: "2 CPUs", Workloads: []*Workload{w},
	}
}

func TestTheTableTellsDifferencesFromNoise(t *testing.T) {
	t.Parallel()
	r := example()
	var out strings.Builder
	require.NoError(t, r.Print(&out))
	require.Regexp(t, `cached share of the prompts +1\.0 % ± 1\.0 % +96\.0 % ± 1\.0 % +\+95\.0 points`, out.String())
	require.Regexp(t, `requests +10\.0/s +10\.0/s +no difference`, out.String())
	require.Regexp(t, `requests that wait at the pods, mean +50\.5 ± 0\.5 +3 ± 0\.5 +-94 %`, out.String())
	require.Regexp(t, `decision of the EPP, mean +– +0\.50 ms`, out.String())
	require.Regexp(t, `CPU time of the EPP per request +– +2\.00 ms`, out.String())
	require.Contains(t, out.String(), "hitRate(epp) > 0.5: met")
	require.Contains(t, out.String(), "hitRate(plain) > 0.5: NOT MET")
	require.Contains(t, out.String(), "stays(epp) > 0: NOT MET (stays(epp) > 0: stays of epp was not measured")
	require.Contains(t, out.String(), "kept 90 % of a core busy")
	require.NotContains(t, out.String(), "SLO", "there is none")
	require.True(t, r.Failed())
}

func TestOneRepetitionShowsNoDifference(t *testing.T) {
	t.Parallel()
	r := example()
	for name, runs := range r.Workloads[0].Runs {
		r.Workloads[0].Runs[name] = runs[:1]
	}
	var out strings.Builder
	require.NoError(t, r.Print(&out))
	require.Regexp(t, `cached share of the prompts +0\.0 % +95\.0 % +too few repetitions`, out.String())
	require.NotContains(t, out.String(), "points")
}

func TestThePageNeedsNoNetwork(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	require.NoError(t, example().Write(dir))
	raw, err := os.ReadFile(filepath.Join(dir, HTMLFile))
	require.NoError(t, err)
	page := string(raw)
	require.NotRegexp(t, `(?i)(src|href)\s*=|@import|url\(|<script`, page)
	require.Contains(t, page, "tenants &lt;b&gt;", "names are text")
	require.Equal(t, 3*2+2*3, strings.Count(page, "<polyline"), "three distributions of two candidates, and what waits in three repetitions of each")
	for _, want := range []string{"1.2.3", "v1.35.1", "seed: 1", "image: registry.example/sim:v1", "better", "not met", "pod-a"} {
		require.Contains(t, page, want)
	}
}

func TestFilesHoldEveryRequest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, example().Write(dir))
	file, err := os.Open(filepath.Join(dir, CSVFile))
	require.NoError(t, err)
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 1+2*3*10)
	raw, err := os.ReadFile(filepath.Join(dir, JSONFile))
	require.NoError(t, err)
	var all struct {
		Comparison     string                                     `json:"comparison"`
		Configurations map[string]config.Spec                     `json:"configurations"`
		Figures        map[string]map[string][]map[string]float64 `json:"figures"`
	}
	require.NoError(t, json.Unmarshal(raw, &all))
	require.Equal(t, "seed: 1\n", all.Comparison)
	require.Equal(t, "registry.example/sim:v1", all.Configurations["epp"].Image)
	require.InDelta(t, 0.97, all.Figures["tenants <b>"]["epp"][2]["hitRate"], 1e-9)
}
