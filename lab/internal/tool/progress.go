package tool

import (
	"fmt"
	"runtime"
	"time"
)

// cost is how long each tool took to build on 2 cores, in the order of a first `make up`: a
// later one finds packages compiled that it shares with an earlier one. It only serves to
// estimate what is left.
var cost = map[string]time.Duration{
	"etcd":                       86 * time.Second,
	"kube-apiserver":             287 * time.Second,
	"kube-controller-manager":    45 * time.Second,
	"kube-scheduler":             5 * time.Second,
	"kwok":                       13 * time.Second,
	"kwokctl":                    8 * time.Second,
	"kubelet":                    15 * time.Second,
	"kube-proxy":                 6 * time.Second,
	"coredns":                    7 * time.Second,
	"envoy":                      2 * time.Second,
	"epp":                        24 * time.Second,
	"llm-d-inference-sim":        39 * time.Second,
	"pause":                      1 * time.Second,
	"pd-sidecar":                 2 * time.Second,
	"kubectl":                    15 * time.Second,
	"pulumi":                     139 * time.Second,
	"pulumi-language-go":         30 * time.Second,
	"pulumi-language-nodejs":     6 * time.Second,
	"pulumi-resource-kubernetes": 99 * time.Second,
	"pulumi-resource-random":     40 * time.Second,
	"istioctl":                   400 * time.Second,
	"keda":                       125 * time.Second,
	"keda-adapter":               40 * time.Second,
	"kube-router":                120 * time.Second,
	"pilot-agent":                9 * time.Second,
	"pilot-discovery":            27 * time.Second,
	"prometheus":                 180 * time.Second,
	"promtool":                   20 * time.Second,
	"epp-v0.4":                   240 * time.Second,
	"pd-sidecar-v0.4":            30 * time.Second,
}

// usualCost is that of a tool whose cost is not known.
const usualCost = 30 * time.Second

// estimate is how long a list of tools will take, scaled by how long those before took.
type estimate struct {
	began           time.Time
	expected, built time.Duration
}

func newEstimate(tools []Tool) *estimate {
	e := &estimate{began: time.Now()}
	for _, t := range tools {
		e.expected += costOf(t)
	}
	return e
}

func costOf(t Tool) time.Duration {
	if known, is := cost[t.Name]; is {
		return known
	}
	return usualCost
}

// done notes that a tool is built.
func (e *estimate) done(t Tool) { e.built += costOf(t) }

// left is what the rest will take, in words; empty for less than a minute.
func (e *estimate) left() string {
	speed := 2 / float64(runtime.NumCPU())
	if e.built > 0 {
		speed = float64(time.Since(e.began)) / float64(e.built)
	}
	left := time.Duration(speed * float64(e.expected-e.built))
	if left < time.Minute {
		return ""
	}
	return fmt.Sprintf(" (about %d min left)", int(left.Round(time.Minute).Minutes()))
}
