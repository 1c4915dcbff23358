// Package monitoring knows what to ask Prometheus about a stack: the alerts, and the panels of a
// dashboard for Grafana. It imports no Pulumi.
package monitoring

import (
	"fmt"
	"strings"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// Stack is what there is to monitor in a namespace.
type Stack struct {
	// Namespace of the pods. Required.
	Namespace string
	// Decode is the job of the simulators that answer. Required.
	Decode string
	// Models are further models, which have such jobs of their own.
	Models []string
	// Simulator is the release of the simulators. Required.
	Simulator release.Simulator
	// KVCache says that the simulators have a cache of prompts.
	KVCache bool
	// EPP is the job of the EPP, and EPPRelease its release. Empty: there is none.
	EPP        string
	EPPRelease release.EPP
	// PrefillDecode says that the EPP decides whether a prompt goes to a prefill pod first.
	PrefillDecode bool
	// StandardGateway says that there is an Envoy of this program.
	StandardGateway bool
}

// of returns a selector for the stack's series of a metric.
func (s Stack) of(metric string, matchers ...string) string {
	return fmt.Sprintf("%s{%s}", metric, strings.Join(append([]string{fmt.Sprintf("namespace=%q", s.Namespace)}, matchers...), ","))
}

// is returns a matcher for a label.
func is(label, value string) string { return fmt.Sprintf("%s=%q", label, value) }

// ofGateway selects from the metrics that a standard gateway has of its clients.
func (s Stack) ofGateway(metric string, matchers ...string) string {
	return s.of("envoy_http_"+metric, append([]string{is("envoy_http_conn_manager_prefix", "inference")}, matchers...)...)
}

// jobs returns a job of the stack's own model, and those that the further models have in its place.
func (s Stack) jobs(own string) []string {
	jobs := []string{own}
	for _, model := range s.Models {
		jobs = append(jobs, llmd.ForModel(own, model))
	}
	return jobs
}

func (s Stack) hasEPP() bool { return s.EPP != "" }
