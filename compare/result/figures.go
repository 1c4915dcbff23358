// Package result turns measured answers into figures, tells differences from noise, and
// judges expectations.
package result

import (
	"math"
	"slices"
	"time"

	"github.com/llm-d-sim/llm-d-sim/compare/load"
	"github.com/llm-d-sim/llm-d-sim/compare/observe"
)

// Figure is a number that sums up one repetition.
type Figure struct {
	// Name is what expectations call it, Title what reports do.
	Name, Title string
	// Unit is ms, %, /s or empty for a plain number.
	Unit string
	// LessIsBetter says which of two values is better.
	LessIsBetter bool

	of func(*measured) float64
}

// Bounds are what makes an answer good. 0: unbounded.
type Bounds struct {
	TimeToFirstToken, TimePerOutputToken time.Duration
}

// Figures are all figures, in the order of reports.
var Figures = []Figure{
	{"ttftP50", "time to first token, p50", "ms", true, func(m *measured) float64 { return percentile(m.first, 50) }},
	{"ttftP90", "time to first token, p90", "ms", true, func(m *measured) float64 { return percentile(m.first, 90) }},
	{"ttftP99", "time to first token, p99", "ms", true, func(m *measured) float64 { return percentile(m.first, 99) }},
	{"tpotP50", "time per output token, p50", "ms", true, func(m *measured) float64 { return percentile(m.perToken, 50) }},
	{"tpotP90", "time per output token, p90", "ms", true, func(m *measured) float64 { return percentile(m.perToken, 90) }},
	{"tpotP99", "time per output token, p99", "ms", true, func(m *measured) float64 { return percentile(m.perToken, 99) }},
	{"e2eP50", "whole answer, p50", "ms", true, func(m *measured) float64 { return percentile(m.whole, 50) }},
	{"e2eP90", "whole answer, p90", "ms", true, func(m *measured) float64 { return percentile(m.whole, 90) }},
	{"e2eP99", "whole answer, p99", "ms", true, func(m *measured) float64 { return percentile(m.whole, 99) }},
	{"requestsPerSecond", "requests", "/s", false, func(m *measured) float64 { return float64(m.ok) / m.took.Seconds() }},
	{"outputTokensPerSecond", "output tokens", "/s", false, func(m *measured) float64 { return float64(m.output) / m.took.Seconds() }},
	{"goodput", "answers that meet the SLO", "%", false, func(m *measured) float64 { return ratio(m.good, m.sent) }},
	{"hitRate", "cached share of the prompts", "%", false, func(m *measured) float64 { return ratio(m.cached, m.prompt) }},
	{"stays", "turns that stay on their pod", "%", false, func(m *measured) float64 { return ratio(m.stayed, m.followed) }},
	{"busiestPod", "share of the busiest pod", "%", true, func(m *measured) float64 { return ratio(m.busiest, m.ok) }},
	{"waiting", "requests that wait at the pods, mean", "", true, func(m *measured) float64 { return m.waiting }},
	{"decision", "decision of the EPP, mean", "ms", true, func(m *measured) float64 { return m.decision }},
	{"eppCPU", "CPU time of the EPP per request", "ms", true, func(m *measured) float64 { return m.eppCPU }},
	{"errors", "errors", "", true, func(m *measured) float64 { return float64(m.sent - m.ok) }},
}

// Values are the figures of one repetition by name. A figure without meaning is left out:
// nothing stays where each session has one turn.
type Values map[string]float64

// measured is one repetition, added up.
type measured struct {
	took                      time.Duration
	sent, ok, good            int
	prompt, cached, output    int
	followed, stayed, busiest int
	first, whole, perToken    []float64 // Milliseconds, sorted.
	waiting, decision, eppCPU float64   // NaN if they were not observed.
}

// Of returns the figures of one repetition.
func Of(run load.Run, slo Bounds) Values {
	m := &measured{took: run.Took, sent: len(run.Samples)}
	m.observe(run.Observed)
	pods := map[string]int{}
	before := map[int]string{}
	for _, s := range run.Samples {
		if s.Error != "" {
			continue
		}
		m.ok++
		m.prompt, m.cached, m.output = m.prompt+s.PromptTokens, m.cached+s.CachedTokens, m.output+s.OutputTokens
		m.first, m.whole = append(m.first, milliseconds(s.First)), append(m.whole, milliseconds(s.Whole))
		perToken := s.PerToken()
		if s.OutputTokens > 1 {
			m.perToken = append(m.perToken, milliseconds(perToken))
		}
		if (slo.TimeToFirstToken == 0 || s.First <= slo.TimeToFirstToken) &&
			(slo.TimePerOutputToken == 0 || perToken <= slo.TimePerOutputToken) {
			m.good++
		}
		pods[s.Pod]++
		m.busiest = max(m.busiest, pods[s.Pod])
		if s.Turn > 0 {
			m.followed++
			if before[s.Session] == s.Pod {
				m.stayed++
			}
		}
		before[s.Session] = s.Pod
	}
	for _, list := range [][]float64{m.first, m.whole, m.perToken} {
		slices.Sort(list)
	}
	values := Values{}
	for _, f := range Figures {
		if v := f.of(m); !math.IsNaN(v) && !math.IsInf(v, 0) {
			values[f.Name] = v
		}
	}
	return values
}

func (m *measured) observe(o observe.Observation) {
	m.waiting, m.decision, m.eppCPU = math.NaN(), math.NaN(), math.NaN()
	if len(o.Waiting) > 0 {
		m.waiting = 0
		for _, p := range o.Waiting {
			m.waiting += p.Value / float64(len(o.Waiting))
		}
	}
	if o.EPP != nil {
		m.decision = milliseconds(o.EPP.Deciding) / o.EPP.Decisions
		m.eppCPU = milliseconds(o.EPP.CPU) / float64(m.sent)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// ratio is between 0 and 1, NaN of nothing.
func ratio(part, whole int) float64 { return float64(part) / float64(whole) }

// percentile returns the smallest value that this percentage of the values does not exceed.
func percentile(sorted []float64, percent int) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[(len(sorted)*percent+99)/100-1]
}
