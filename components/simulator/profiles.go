package simulator

import "time"

// Profile holds what a model costs on a GPU.
type Profile struct {
	Latencies
	// TimeFactorUnderLoad multiplies them in a simulator that processes MaxNumSeqs requests.
	TimeFactorUnderLoad float64
	// MaxNumSeqs is the number of requests processed concurrently.
	MaxNumSeqs int32
}

// Profiles are the profiles of llm-d-inference-sim v0.10.2, by the size of the model and its GPU.
// Upstream calls the numbers order-of-magnitude estimates, taken from public benchmarks. All of them
// are in docs/latency-profiles.md of its repository, except MaxNumSeqs, which is in the manifests.
// What a prompt costs is that of the calculator per-token, since routing depends on the length of
// prompts; KVCacheTransferLatency is that of the calculator constant.
var Profiles = map[string]Profile{
	// Profile 1, manifests/latency-profiles/8b-h100-balanced-*.yaml: Llama 3.1 8B on one H100.
	"8b-h100": {
		Latencies: Latencies{
			PrefillOverhead: 30 * time.Millisecond, PrefillTimePerToken: 250 * time.Microsecond, PrefillTimeStdDev: 5 * time.Millisecond,
			InterTokenLatency: 12 * time.Millisecond, InterTokenLatencyStdDev: 2 * time.Millisecond,
			KVCacheTransferLatency: 2 * time.Millisecond,
		},
		TimeFactorUnderLoad: 2, MaxNumSeqs: 16,
	},
	// Profile 2, manifests/latency-profiles/70b-h100-tp8-throughput-*.yaml: Llama 3.1 70B on eight
	// H100 (tensor parallelism), close to saturation.
	"70b-8xh100": {
		Latencies: Latencies{
			PrefillOverhead: 80 * time.Millisecond, PrefillTimePerToken: 500 * time.Microsecond, PrefillTimeStdDev: 15 * time.Millisecond,
			InterTokenLatency: 25 * time.Millisecond, InterTokenLatencyStdDev: 4 * time.Millisecond,
			KVCacheTransferLatency: 2 * time.Millisecond,
		},
		TimeFactorUnderLoad: 3, MaxNumSeqs: 64,
	},
	// Profile 3, manifests/latency-profiles/small-l40s-edge-*.yaml: Llama 3.2 3B, or one of that
	// size, on one L40S, for few requests at a time.
	"3b-l40s": {
		Latencies: Latencies{
			PrefillOverhead: 20 * time.Millisecond, PrefillTimePerToken: 350 * time.Microsecond, PrefillTimeStdDev: 3 * time.Millisecond,
			InterTokenLatency: 15 * time.Millisecond, InterTokenLatencyStdDev: 2 * time.Millisecond,
			KVCacheTransferLatency: 5 * time.Millisecond,
		},
		TimeFactorUnderLoad: 1.5, MaxNumSeqs: 4,
	},
}
