// Package simulator knows the command line of llm-d-inference-sim. It imports no Pulumi.
package simulator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// Options are the settings of one simulator. Zero values keep the simulator's own defaults,
// unless noted.
type Options struct {
	// Release decides which flags exist. Required.
	Release release.Simulator
	// Model is the name to answer to. Default: DefaultModel.
	Model string
	// Port to serve on. Required.
	Port int32
	// Verbosity is the klog level.
	Verbosity int32
	// MaxNumSeqs is the number of requests processed concurrently.
	MaxNumSeqs int32
	// MaxModelLen is the context window in tokens.
	MaxModelLen int32
	// MaxRequestMiB is the largest request body that the simulator reads. For any but
	// DefaultMaxRequestMiB, Release must have the flag.
	MaxRequestMiB int32
	// Latencies are simulated delays.
	Latencies
	// TimeFactorUnderLoad multiplies them in a simulator that is full.
	TimeFactorUnderLoad float64
	// KVCacheBlocks is the size of the KV cache in blocks of KVCacheBlockSize tokens. 0: no cache.
	KVCacheBlocks, KVCacheBlockSize int32
	// KVEvents makes events of the KV cache what an EPP understands. The cache must be on, and the
	// release must support it. Where they go is an argument of its own, of KVEventsFormat.
	KVEvents bool
	// StartupDuration is how long the simulator is not ready. Release must have the flag.
	StartupDuration time.Duration
	// LoRAs are names of adapters, of which MaxLoRAs are used concurrently and MaxCPULoRAs kept.
	LoRAs                 []string
	MaxLoRAs, MaxCPULoRAs int32
	// FailureRate is the percentage of requests that fail, with one of FailureTypes.
	FailureRate  int32
	FailureTypes []string
	// Args are appended; the last occurrence of a flag wins.
	Args []string
}

// KVEventsFormat is the argument that says where KV events go, a host and a port.
const KVEventsFormat = "--zmq-endpoint=tcp://%s"

// DefaultModel is the name that a simulator answers to by default.
const DefaultModel = "random"

// DefaultMaxNumSeqs is how many requests a simulator processes concurrently by default.
const DefaultMaxNumSeqs = 5

// DefaultMaxModelLen is the simulator's own context window in tokens.
const DefaultMaxModelLen = 1024

// The limits of a request's body in MiB: the simulator's own, which is that of its HTTP library,
// fasthttp, and the highest that it accepts.
const (
	DefaultMaxRequestMiB = 4
	HighestMaxRequestMiB = 512
)

// DefaultKVCacheBlockSize is the simulator's own number of tokens in a block of the KV cache.
const DefaultKVCacheBlockSize = 16

// Latencies are the delays of a simulator, and their standard deviations.
type Latencies struct {
	TimeToFirstToken, InterTokenLatency, KVCacheTransferLatency time.Duration
	TimeToFirstTokenStdDev, InterTokenLatencyStdDev             time.Duration
	PrefillOverhead, PrefillTimePerToken, PrefillTimeStdDev     time.Duration
}

type latencyFlag struct {
	name  string
	value time.Duration
}

func (l Latencies) flags() []latencyFlag {
	return []latencyFlag{
		{"time-to-first-token", l.TimeToFirstToken},
		{"inter-token-latency", l.InterTokenLatency},
		{"kv-cache-transfer-latency", l.KVCacheTransferLatency},
		{"time-to-first-token-std-dev", l.TimeToFirstTokenStdDev},
		{"inter-token-latency-std-dev", l.InterTokenLatencyStdDev},
		{"prefill-overhead", l.PrefillOverhead},
		{"prefill-time-per-token", l.PrefillTimePerToken},
		{"prefill-time-std-dev", l.PrefillTimeStdDev},
	}
}

// Args returns the command line.
func Args(o Options) []string {
	args := []string{
		"--model=" + cmp.Or(o.Model, DefaultModel),
		"--mode=random",
		fmt.Sprintf("--port=%d", o.Port),
		fmt.Sprintf("--v=%d", o.Verbosity),
	}
	if o.MaxNumSeqs > 0 {
		args = append(args, fmt.Sprintf("--max-num-seqs=%d", o.MaxNumSeqs))
	}
	if o.MaxModelLen > 0 && o.MaxModelLen != DefaultMaxModelLen {
		args = append(args, fmt.Sprintf("--max-model-len=%d", o.MaxModelLen))
	}
	if o.MaxRequestMiB > 0 && o.MaxRequestMiB != DefaultMaxRequestMiB {
		args = append(args, fmt.Sprintf("--max-request-body-size-mb=%d", o.MaxRequestMiB))
	}
	for _, latency := range o.flags() {
		if latency.value > 0 {
			args = append(args, "--"+latency.name+"="+o.latency(latency.value))
		}
	}
	if o.TimeFactorUnderLoad > 1 {
		args = append(args, fmt.Sprintf("--time-factor-under-load=%g", o.TimeFactorUnderLoad))
	}
	if o.KVCacheBlocks > 0 {
		args = append(args, "--enable-kvcache",
			fmt.Sprintf("--kv-cache-size=%d", o.KVCacheBlocks), fmt.Sprintf("--block-size=%d", o.KVCacheBlockSize))
	}
	if o.KVEvents {
		// In a batch of one: the EPP has to know of a block before the next request comes.
		args = append(args, "--hash-seed="+llmd.KVHashSeed, "--event-batch-size=1")
	}
	if o.FailureRate > 0 {
		args = append(args, fmt.Sprintf("--failure-injection-rate=%d", o.FailureRate))
		if len(o.FailureTypes) > 0 {
			args = append(args, append([]string{"--failure-types"}, o.FailureTypes...)...)
		}
	}
	if o.StartupDuration > 0 {
		args = append(args, "--startup-duration="+o.StartupDuration.String())
	}
	args = append(args, o.loras()...)
	if o.Release.DummyTokenizerFlag {
		args = append(args, "--force-dummy-tokenizer")
	}
	return append(args, o.Args...)
}

// loras returns the flags of the adapters. Each is an argument of its own.
func (o Options) loras() []string {
	if len(o.LoRAs) == 0 {
		return nil
	}
	args := []string{"--lora-modules"}
	for _, name := range o.LoRAs {
		module, _ := json.Marshal(map[string]string{"name": name}) // Strings cannot fail.
		args = append(args, string(module))
	}
	if o.MaxLoRAs > 0 {
		args = append(args, fmt.Sprintf("--max-loras=%d", o.MaxLoRAs))
	}
	if o.MaxCPULoRAs > 0 {
		args = append(args, fmt.Sprintf("--max-cpu-loras=%d", o.MaxCPULoRAs))
	}
	return args
}

// latency formats a latency above 0 for the release. If the release reads milliseconds, a
// shorter latency becomes 1 rather than 0.
func (o Options) latency(d time.Duration) string {
	if !o.Release.MillisecondLatencies {
		return d.String()
	}
	return strconv.FormatInt(max(1, d.Round(time.Millisecond).Milliseconds()), 10)
}
