package release

import "github.com/llm-d-sim/llm-d-sim/components/llmd"

// Simulator describes a release of llm-d-inference-sim.
type Simulator struct {
	Release

	// ReadyPath answers 200 once the simulator accepts requests.
	ReadyPath string
	// KVCacheMetric is the name of the KV-cache usage metric.
	KVCacheMetric string
	// PrefixHitsMetric and PrefixQueriesMetric count the tokens found and looked up in the
	// prefix cache. Empty: the simulator has no such metrics.
	PrefixHitsMetric, PrefixQueriesMetric string
	// MillisecondLatencies says that latencies are whole milliseconds without a unit.
	// Otherwise they are Go durations.
	MillisecondLatencies bool
	// DummyTokenizerFlag says that --force-dummy-tokenizer exists. Without the flag, such a
	// simulator looks the model up at a model hub when it starts, and needs a tokenizer
	// service for a model that exists there. Older ones exit on the flag.
	DummyTokenizerFlag bool
	// KVEvents says that the simulator sends its KV events to an EPP, which may start later, and
	// tells it the tokens of a prompt.
	KVEvents bool
	// StartupDurationFlag says that --startup-duration exists. Older ones exit on it.
	StartupDurationFlag bool
	// MaxRequestFlag says that --max-request-body-size-mb exists. Older ones exit on it.
	MaxRequestFlag bool
}

var simulators = table[Simulator]{
	program: "the simulator", newest: "v0.11.0",
	changes: []change[Simulator]{
		{"v0.6.1", func(s *Simulator) {
			s.ReadyPath = "/v1/models"
			s.KVCacheMetric = "vllm:gpu_cache_usage_perc"
			s.MillisecondLatencies = true
		}},
		{"v0.7.0", func(s *Simulator) {
			s.KVCacheMetric = llmd.KVCacheMetric
			s.MillisecondLatencies = false
		}},
		{"v0.8.0", func(s *Simulator) {
			s.PrefixHitsMetric, s.PrefixQueriesMetric = "vllm:prefix_cache_hits", "vllm:prefix_cache_queries"
		}},
		{"v0.9.0", func(s *Simulator) {
			s.ReadyPath = "/health/ready"
			s.StartupDurationFlag = true
		}},
		{"v0.9.2", func(s *Simulator) { s.DummyTokenizerFlag, s.KVEvents = true, true }},
		{"v0.10.1", func(s *Simulator) { s.MaxRequestFlag = true }},
		{"v0.11.0", func(s *Simulator) {
			s.PrefixHitsMetric, s.PrefixQueriesMetric = "vllm:prefix_cache_hits_total", "vllm:prefix_cache_queries_total"
		}},
	},
}

// SimulatorOf returns the facts about the simulator in an image, by its version or, if that
// is empty, by the image's tag. A tag that is not a version, or a digest alone, counts as
// the newest known release. It fails if the image has no tag, or if the release is older
// than v0.6.1.
func SimulatorOf(image, version string) (Simulator, error) {
	release, facts, err := simulators.of(image, version)
	facts.Release = release
	return facts, err
}
