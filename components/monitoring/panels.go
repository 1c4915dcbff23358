package monitoring

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/units"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// row is a row of the dashboard.
type row struct {
	title  string
	panels []panel
}

// panel is a graph.
type panel struct {
	title, description, unit string
	queries                  []query
}

// query is one or more lines of a graph.
type query struct{ expr, legend string }

// rows returns the dashboard's content.
func (s Stack) rows() []row {
	var rows []row
	if s.StandardGateway {
		rows = append(rows, row{"Gateway", s.gatewayPanels()})
	}
	if s.hasEPP() {
		rows = append(rows, row{"EPP", s.eppPanels()})
	}
	return append(rows, row{"Simulators", s.simulatorPanels()})
}

func (s Stack) gatewayPanels() []panel {
	panels := []panel{
		{
			"Responses", "Responses per second by the class of their status.", units.RequestsPerSecond,
			[]query{{sumOfRates(s.ofGateway("downstream_rq_xx"), "envoy_response_code_class"), "{{envoy_response_code_class}}xx"}},
		},
		{
			"Duration", "From the first byte of a request to the last of its response.", units.Milliseconds,
			quantiles(s.ofGateway("downstream_rq_time_bucket")),
		},
		{
			"Requests in progress", "", units.Short,
			[]query{{fmt.Sprintf("sum(%s)", s.ofGateway("downstream_rq_active")), "requests"}},
		},
	}
	if s.hasEPP() {
		panels = append(panels, panel{
			"Requests without the EPP", "Requests that the gateway balances on its own, since no EPP answers.", units.RequestsPerSecond,
			[]query{{sumOfRates(s.ofGateway("ext_proc_failure_mode_allowed")), "requests"}},
		})
	}
	return panels
}

func (s Stack) eppPanels() []panel {
	m := s.EPPRelease.Metrics
	panels := []panel{
		{
			"Picked", "Requests per second that the EPP has picked a pod for, and those that it has refused.", units.RequestsPerSecond,
			[]query{
				{sumOfRates(s.of(m.Requests), "model_name"), "{{model_name}}"},
				// The counter appears with the first error.
				{fmt.Sprintf("%s or vector(0)", sumOfRates(s.of(m.Errors))), "errors"},
			},
		},
		{"Time to pick", "How long the EPP takes to pick a pod.", units.Seconds, quantiles(s.of(m.Scheduling + "_bucket"))},
		{
			"Prefix found", "The share of a prompt that the EPP expects in the cache of the pod that it picks.", units.PercentUnit,
			[]query{{average(s.of(m.PrefixHits+"_sum"), s.of(m.PrefixHits+"_count")), "average"}},
		},
		{
			"Pods", "Ready pods that the EPP knows.", units.Short,
			[]query{{fmt.Sprintf("max(%s)", s.of(m.ReadyPods)), "ready"}},
		},
		{
			"Load of a pod", "Averages over all pods, as the EPP sees them.", units.Short,
			[]query{
				{fmt.Sprintf("max(%s)", s.of(m.Queue)), "waiting requests"},
				{fmt.Sprintf("max(%s)", s.of(m.KVCache)), "share of the KV cache"},
			},
		},
	}
	if s.PrefillDecode {
		panels = append(panels, panel{
			"Prefill", "Requests per second with and without a prefill pod.", units.RequestsPerSecond,
			[]query{{sumOfRates(s.of(m.Decisions), "decision_type"), "{{decision_type}}"}},
		})
	}
	return panels
}

func (s Stack) simulatorPanels() []panel {
	byPod := func(title, description, unit, expr string) panel {
		return panel{title, description, unit, []query{{expr, "{{pod}}"}}}
	}
	panels := []panel{
		byPod("Running requests", "", units.Short, fmt.Sprintf("sum by (pod) (%s)", s.of(llmd.RunningMetric))),
		byPod("Waiting requests", "", units.Short, fmt.Sprintf("sum by (pod) (%s)", s.of(llmd.WaitingMetric))),
		byPod("Requests", "Finished requests per second.", units.RequestsPerSecond, sumOfRates(s.of("vllm:request_success_total"), "pod")),
		byPod("Generated tokens", "Tokens per second.", units.Short, sumOfRates(s.of("vllm:request_generation_tokens_sum"), "pod")),
		{"Time to first token", "", units.Seconds, quantiles(s.of("vllm:time_to_first_token_seconds_bucket"))},
		{"Time per output token", "", units.Seconds, quantiles(s.of("vllm:time_per_output_token_seconds_bucket"))},
		byPod("KV cache", "The share of the KV cache that is in use.", units.PercentUnit, fmt.Sprintf("max by (pod) (%s)", s.of(s.Simulator.KVCacheMetric))),
	}
	if hits, queries := s.Simulator.PrefixHitsMetric, s.Simulator.PrefixQueriesMetric; s.KVCache && hits != "" {
		panels = append(panels, panel{
			"Prefix cache hits", "The share of the prompts' tokens that were in the cache.", units.PercentUnit,
			[]query{{average(s.of(hits), s.of(queries)), "all pods"}},
		})
	}
	return panels
}

// window is Grafana's variable for a range of at least four scrapes.
const window = "$__rate_interval"

func sumOfRates(counter string, by ...string) string {
	if len(by) > 0 {
		return fmt.Sprintf("sum by (%s) (rate(%s[%s]))", by[0], counter, window)
	}
	return fmt.Sprintf("sum(rate(%s[%s]))", counter, window)
}

func average(sum, count string) string {
	return fmt.Sprintf("%s / %s", sumOfRates(sum), sumOfRates(count))
}

func quantiles(buckets string) []query {
	var queries []query
	for _, percent := range []int{50, 95, 99} {
		queries = append(queries, query{
			fmt.Sprintf("histogram_quantile(0.%d, %s)", percent, sumOfRates(buckets, "le")), fmt.Sprintf("p%d", percent),
		})
	}
	return queries
}
