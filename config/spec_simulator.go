package config

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Simulator holds settings of the simulator itself, for every stage.
type Simulator struct {
	StageSimulator `json:",inline"`

	// Version of the simulator, such as v0.10.2, where the images' tags do not say it.
	// Default: that of each tag; the newest known one if the tag is no version.
	Version string `json:"version"`
	// Model is the name the simulators answer to. Default: random.
	Model string `json:"model"`
	// Seed of the simulators' random numbers. Default: random once per stack, then kept.
	Seed *int64 `json:"seed"`
	// MaxModelLen is the context window: the most tokens of a prompt and its answer together. At
	// least 1. Default: 1024.
	MaxModelLen int32 `json:"maxModelLen"`
	// MaxRequestMiB is the largest request body that the simulators read, in MiB; the standard
	// gateway answers a larger one with 413. 1 to 512; any but 4 needs a simulator of v0.10.1 or
	// newer. Default: 4.
	MaxRequestMiB int32 `json:"maxRequestMiB"`
	// StartupDuration is how long a simulator loads its model before it accepts requests. Less than
	// readyTimeout; above 0s, it needs a simulator of v0.9 or newer. A Go duration. Default: 0s.
	StartupDuration metav1.Duration `json:"startupDuration"`
	// LoRAs are the names of the adapters that the simulators answer to, besides the model.
	// Default: none.
	LoRAs []string `json:"loras"`
	// MaxLoRAs is how many adapters one simulator uses concurrently; a request for another one
	// waits. At least 1. Default: 1.
	MaxLoRAs int32 `json:"maxLoras"`
	// MaxCPULoRAs is how many adapters a simulator keeps in memory, in use or not. At least
	// maxLoras. Default: maxLoras.
	MaxCPULoRAs *int32 `json:"maxCpuLoras"`
	// KVCache simulates a cache of prompts, whose tokens then need no prefill.
	KVCache KVCache `json:"kvCache"` // With what is the same for all stages.
}

// StageSimulator holds the settings of the simulator that may differ between the stages.
type StageSimulator struct {
	// Profile is a model and its GPU, whose published costs are the defaults of the latencies, of
	// timeFactorUnderLoad and of maxNumSeqs: 8b-h100, 70b-8xh100 or 3b-l40s. The numbers are
	// llm-d-inference-sim's, which calls them approximate. It needs a simulator of v0.7 or newer.
	// Default: none.
	Profile Profile `json:"profile"`
	// TimeToFirstToken is the delay before a response starts. A Go duration. Default: 0s.
	TimeToFirstToken *metav1.Duration `json:"timeToFirstToken"`
	// TimeToFirstTokenStdDev is the standard deviation of timeToFirstToken, at most 30 % of it. A Go
	// duration. Default: 0s.
	TimeToFirstTokenStdDev *metav1.Duration `json:"timeToFirstTokenStdDev"`
	// PrefillOverhead is what a prompt of any length costs, in place of timeToFirstToken. A Go
	// duration. Default: 0s.
	PrefillOverhead *metav1.Duration `json:"prefillOverhead"`
	// PrefillTimePerToken is what each token of a prompt costs that is not in the KV cache, in
	// place of timeToFirstToken. A Go duration. Default: 0s.
	PrefillTimePerToken *metav1.Duration `json:"prefillTimePerToken"`
	// PrefillTimeStdDev is the standard deviation of the whole prefill. A Go duration. Default: 0s.
	PrefillTimeStdDev *metav1.Duration `json:"prefillTimeStdDev"`
	// InterTokenLatency is the delay between two tokens. A Go duration. Default: 0s.
	InterTokenLatency *metav1.Duration `json:"interTokenLatency"`
	// InterTokenLatencyStdDev is the standard deviation of interTokenLatency, at most 30 % of it. A
	// Go duration. Default: 0s.
	InterTokenLatencyStdDev *metav1.Duration `json:"interTokenLatencyStdDev"`
	// TimeFactorUnderLoad is how many times as long a simulator takes that processes maxNumSeqs
	// requests; fewer cost proportionally less. At least 1. Default: 1.
	TimeFactorUnderLoad *float64 `json:"timeFactorUnderLoad"`
	// KVCacheTransferLatency replaces timeToFirstToken and the costs of the prompt on a decode pod
	// whose prompt a prefill pod has processed. A Go duration. Default: 0s.
	KVCacheTransferLatency *metav1.Duration `json:"kvCacheTransferLatency"`
	// MaxNumSeqs is how many requests one simulator processes concurrently.
	// At least 1. Default: 5.
	MaxNumSeqs *int32 `json:"maxNumSeqs"`
	// KVCache overrides keys of the shared kvCache.
	KVCache StageKVCache `json:"kvCache"`
	// Failures are answers that the simulators give at random in place of a completion.
	Failures Failures `json:"failures"`
}

// Profile names a model and its GPU.
type Profile string

// KVCache configures the simulators' KV cache, which keeps blocks of tokens.
type KVCache struct {
	StageKVCache `json:",inline"`

	// BlockSize is the number of tokens in a block: 8, 16, 32, 64 or 128. Default: 16.
	BlockSize int32 `json:"blockSize"`
}

// StageKVCache holds the settings of the KV cache that may differ between the stages.
type StageKVCache struct {
	// Enabled simulates the cache. Default: false.
	Enabled *bool `json:"enabled"`
	// Blocks is the size of the cache of one simulator. At least 1. Default: 1024.
	Blocks *int32 `json:"blocks"`
}

// FailureType is an error that a simulator can answer with.
type FailureType string

// Failures configures errors in place of answers.
type Failures struct {
	// Rate is the share of requests that fail, in percent. 0 to 100. Default: 0.
	Rate *int32 `json:"rate"`
	// Types are the errors to choose from: rate_limit, invalid_api_key, context_length,
	// server_error, invalid_request, model_not_found. Default: all of them.
	Types []FailureType `json:"types"`
}
