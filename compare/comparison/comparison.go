// Package comparison reads and checks the file that describes a comparison of scheduler
// configurations.
package comparison

import (
	"time"

	"github.com/llm-d-sim/llm-d-sim/compare/workload"
	"github.com/llm-d-sim/llm-d-sim/config"
)

// Comparison says which configurations of a stack to compare, and under which load.
type Comparison struct {
	// Description says what the comparison is about. Default: none.
	Description string `yaml:"description"`
	// Stack is the configuration that all candidates share, with the keys of a stack file.
	Stack map[string]any `yaml:"stack"`
	// Candidates are what is compared. The first is the baseline. At least two.
	Candidates []Candidate `yaml:"candidates"`
	// Workloads are sent to each candidate, one after another. At least one.
	Workloads []Workload `yaml:"workloads"`
	// Repetitions of each workload for each candidate, with new prompts each time. 2 or more,
	// or there would be nothing to tell a difference from noise. Default: 3.
	Repetitions int `yaml:"repetitions"`
	// Seed of the prompts and the arrivals: the same seed sends the same requests. Default: 1.
	Seed int64 `yaml:"seed"`

	// Path is that of the file, and Text its content.
	Path, Text string `yaml:"-"`
}

// Candidate is one configuration to compare.
type Candidate struct {
	// Name is what expectations and reports call it: letters and digits, a letter first.
	Name string `yaml:"name"`
	// Stack is merged into the shared configuration: objects key by key, the rest replaced.
	Stack map[string]any `yaml:"stack"`

	// Values are the whole configuration as Pulumi passes it to the program, and Spec is what
	// they mean.
	Values map[string]string `yaml:"-"`
	Spec   *config.Spec      `yaml:"-"`
}

// Namespace is the candidate's own.
func (c Candidate) Namespace() string { return NamespacePrefix + lower(c.Name) }

// NamespacePrefix begins the namespace of every candidate.
const NamespacePrefix = "llm-d-sim-compare-"

// Workload is a stream of requests and what is expected of the answers.
type Workload struct {
	// Name is what reports call it.
	Name string `yaml:"name"`
	// One of these says what the requests are.
	workload.Spec `yaml:",inline"`
	// Concurrency is how many clients send requests one after another (closed loop).
	Concurrency int `yaml:"concurrency"`
	// Rate is how many requests, or conversations, arrive per second at random (open loop).
	// Latencies count from the arrival. Either Concurrency or Rate, but for a trace, which has
	// its own arrivals.
	Rate float64 `yaml:"rate"`
	// SLO is what makes an answer good. Default: every answer without an error is.
	SLO SLO `yaml:"slo"`
	// Expect are conditions on the figures of the candidates, such as
	// hitRate(epp) - hitRate(roundRobin) > 0.3. If one is false, the comparison fails.
	Expect []string `yaml:"expect"`
}

// SLO bounds the latencies of a good answer.
type SLO struct {
	// TimeToFirstToken and TimePerOutputToken are durations. Default: unbounded.
	TimeToFirstToken   time.Duration `yaml:"timeToFirstToken"`
	TimePerOutputToken time.Duration `yaml:"timePerOutputToken"`
}
