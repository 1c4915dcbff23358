package monitoring

import (
	"fmt"
	"strings"
	"time"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// Bounds are what the alerts tolerate.
type Bounds struct {
	// After is how long a condition has to hold.
	After time.Duration
	// QueueLength is the number of requests that may wait in a decode pod, on average.
	QueueLength int
	// ErrorPercent is the share of requests that may fail.
	ErrorPercent int
}

// Rule is an alert as Prometheus reads it.
type Rule struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// Group is a group of alerts as Prometheus reads it.
type Group struct {
	Name  string `json:"name"`
	Rules []Rule `json:"rules"`
}

// runbooks is the page with a section for each alert.
const runbooks = "https://github.com/llm-d-sim/llm-d-sim/blob/main/docs/monitoring.md#"

// value is that of the alert's expression, in its summary.
const value = `{{ $value | printf "%.1f" }}`

// Severities, as in kube-prometheus-stack.
const (
	critical = "critical"
	warning  = "warning"
)

// Alerts returns the alerts of a stack that is scraped at an interval.
func (s Stack) Alerts(bounds Bounds, interval time.Duration) Group {
	window := Duration(max(time.Minute, 4*interval)) // A rate needs two samples, of which one may be missing.
	group := Group{Name: "llm-d-sim"}
	add := func(name, severity, summary, format string, args ...any) {
		group.Rules = append(group.Rules, Rule{
			Alert: name, Expr: fmt.Sprintf(format, args...), For: Duration(bounds.After),
			Labels: map[string]string{"severity": severity, "namespace": s.Namespace},
			Annotations: map[string]string{
				"summary":     fmt.Sprintf("Namespace %s: %s", s.Namespace, summary),
				"runbook_url": runbooks + strings.ToLower(name),
			},
		})
	}
	for _, decode := range s.jobs(s.Decode) {
		add("LLMDNoDecodePod", critical, "no decode pod answers, so every request fails.",
			"absent(%s == 1)", s.of("up", is("job", decode)))
		add("LLMDQueueTooLong", warning, value+" requests wait in each decode pod.",
			"avg(%s) > %d", s.of(llmd.WaitingMetric, is("job", decode)), bounds.QueueLength)
	}
	if s.hasEPP() {
		for _, epp := range s.jobs(s.EPP) {
			add("LLMDEPPDown", warning, "no EPP answers. The gateways balance requests on their own.",
				"absent(%s == 1)", s.of("up", is("job", epp)))
		}
	}
	const tooMany = "sum(rate(%s[%s])) / sum(rate(%s[%s])) * 100 > %d"
	const failed = value + " % of the requests fail."
	switch {
	case s.StandardGateway:
		if s.hasEPP() {
			add("LLMDGatewayFailsOpen", warning, value+" requests per second bypass the EPP.",
				"sum(rate(%s[%s])) > 0", s.ofGateway("ext_proc_failure_mode_allowed"), window)
		}
		add("LLMDErrorRate", critical, failed, tooMany,
			s.ofGateway("downstream_rq_xx", is("envoy_response_code_class", "5")), window,
			s.ofGateway("downstream_rq_completed"), window, bounds.ErrorPercent)
	case s.hasEPP():
		metrics := s.EPPRelease.Metrics
		add("LLMDErrorRate", critical, failed, tooMany, s.of(metrics.Errors), window, s.of(metrics.Requests), window, bounds.ErrorPercent)
	}
	return group
}

// Duration formats a duration as Prometheus reads it.
func Duration(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}
