package monitoring

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// whole returns a stack with all parts of these releases.
func whole(t *testing.T, epp, simulator string) Stack {
	t.Helper()
	s := Stack{Namespace: "sim", Decode: "decode", EPP: "epp", StandardGateway: true, PrefillDecode: true, KVCache: true}
	var err error
	s.EPPRelease, err = release.EPPOf("epp:"+epp, "")
	require.NoError(t, err)
	s.Simulator, err = release.SimulatorOf("sim:"+simulator, "")
	require.NoError(t, err)
	return s
}

// queries returns the queries of a stack's dashboard, by the title of the panel.
func queries(t *testing.T, s Stack) map[string]string {
	t.Helper()
	content, err := s.Dashboard()
	require.NoError(t, err)
	var board struct {
		Panels []struct {
			Title, Type string
			Datasource  struct{ UID string }
			Targets     []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(content), &board))
	byTitle := map[string]string{}
	for _, panel := range board.Panels {
		if panel.Type == "row" {
			continue
		}
		require.Equal(t, "${datasource}", panel.Datasource.UID, "the user chooses the Prometheus")
		require.NotContains(t, byTitle, panel.Title)
		for _, target := range panel.Targets {
			require.Contains(t, target.Expr, `{namespace="sim"`, "of this stack alone")
			byTitle[panel.Title] += target.Expr + "\n"
		}
	}
	return byTitle
}

func TestQueriesHaveTheNamesOfTheReleases(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		epp, simulator               string
		picked, decisions, kv, cache string
	}{
		{"v0.4.0", "v0.6.1", "inference_objective_request_total", "llm_d_inference_scheduler_pd_decision_total", "vllm:gpu_cache_usage_perc", ""},
		{"v0.7.1", "v0.10.2", "inference_objective_request_total", "llm_d_inference_scheduler_disagg_decision_total", "vllm:kv_cache_usage_perc", "vllm:prefix_cache_hits{"},
		{"v0.10.0", "v0.11.0", "llm_d_epp_request_total", "llm_d_epp_disagg_decision_total", "vllm:kv_cache_usage_perc", "vllm:prefix_cache_hits_total{"},
	} {
		got := queries(t, whole(t, test.epp, test.simulator))
		require.Contains(t, got["Picked"], test.picked, test.epp)
		require.Contains(t, got["Prefill"], test.decisions, test.epp)
		require.Contains(t, got["KV cache"], test.kv, test.simulator)
		require.Contains(t, got["Prefix cache hits"], test.cache, test.simulator)
		require.Equal(t, test.cache == "", got["Prefix cache hits"] == "", "no panel without the metric")
		if strings.HasPrefix(test.picked, "llm_d_epp_") {
			for title, query := range got {
				require.NotContains(t, query, "inference_", "%s: v0.11 has only the new names", title)
			}
		}
	}
}

func TestOnlyPartsThatExistAreMonitored(t *testing.T) {
	t.Parallel()
	bounds := Bounds{After: time.Minute, QueueLength: 5, ErrorPercent: 5}
	for name, test := range map[string]struct {
		change func(*Stack)
		alerts []string
		absent []string
	}{
		"all parts": {
			func(*Stack) {},
			[]string{"LLMDNoDecodePod", "LLMDQueueTooLong", "LLMDEPPDown", "LLMDGatewayFailsOpen", "LLMDErrorRate"},
			nil,
		},
		"no gateway": {
			func(s *Stack) { s.StandardGateway = false },
			[]string{"LLMDNoDecodePod", "LLMDQueueTooLong", "LLMDEPPDown", "LLMDErrorRate"},
			[]string{"Responses", "Duration"},
		},
		"no EPP": {
			func(s *Stack) { s.EPP = "" },
			[]string{"LLMDNoDecodePod", "LLMDQueueTooLong", "LLMDErrorRate"},
			[]string{"Picked", "Requests without the EPP"},
		},
		"simulators alone": {
			func(s *Stack) { s.EPP, s.StandardGateway, s.KVCache = "", false, false },
			[]string{"LLMDNoDecodePod", "LLMDQueueTooLong"},
			[]string{"Picked", "Responses", "Prefix cache hits"},
		},
		"decode only": {
			func(s *Stack) { s.PrefillDecode = false },
			[]string{"LLMDNoDecodePod", "LLMDQueueTooLong", "LLMDEPPDown", "LLMDGatewayFailsOpen", "LLMDErrorRate"},
			[]string{"Prefill"},
		},
	} {
		s := whole(t, "v0.10.0", "v0.10.2")
		test.change(&s)
		var names []string
		for _, rule := range s.Alerts(bounds, 15*time.Second).Rules {
			names = append(names, rule.Alert)
			require.Equal(t, "60s", rule.For)
		}
		require.Equal(t, test.alerts, names, name)
		panels := queries(t, s)
		require.Contains(t, panels, "Running requests", name)
		for _, title := range test.absent {
			require.NotContains(t, panels, title, name)
		}
	}
}

// TestRatesSpanSeveralScrapes matters for long intervals: a rate of one sample is nothing.
func TestRatesSpanSeveralScrapes(t *testing.T) {
	t.Parallel()
	for interval, want := range map[time.Duration]string{time.Second: "[60s]", 15 * time.Second: "[60s]", 90 * time.Second: "[360s]"} {
		rules := whole(t, "v0.10.0", "v0.10.2").Alerts(Bounds{After: time.Second}, interval).Rules
		require.Contains(t, rules[len(rules)-1].Expr, want)
	}
}

func TestDurationsAreThoseOfPrometheus(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{time.Second: "1s", 90 * time.Second: "90s", time.Hour: "3600s", 1500 * time.Millisecond: "1500ms"} {
		require.Equal(t, want, Duration(d))
	}
}

func TestDashboardsOfNamespacesDiffer(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 63)
	require.NotEqual(t, DashboardUID("a"), DashboardUID("b"))
	require.LessOrEqual(t, len(DashboardUID(long)), 40, "Grafana's limit")
}
