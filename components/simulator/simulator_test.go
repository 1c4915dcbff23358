package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

func TestArgs(t *testing.T) {
	t.Parallel()
	latencies := Options{
		Model: "m", Port: 1, MaxNumSeqs: 9,
		Latencies: Latencies{
			TimeToFirstToken: 150 * time.Millisecond, InterTokenLatency: 300 * time.Microsecond,
			KVCacheTransferLatency: time.Second,
		},
		Args: []string{"--log-http"},
	}
	for name, test := range map[string]struct {
		version string
		options Options
		want    []string
	}{
		"defaults": {
			"v0.10.2",
			Options{Port: 8200, Verbosity: 5},
			[]string{"--model=random", "--mode=random", "--port=8200", "--v=5", "--force-dummy-tokenizer"},
		},
		"a GPU's costs": {
			"v0.10.2",
			Options{
				Port: 8200, MaxModelLen: 8192, TimeFactorUnderLoad: 2.5,
				Latencies: Latencies{
					PrefillOverhead: 20 * time.Millisecond, PrefillTimePerToken: 200 * time.Microsecond, PrefillTimeStdDev: time.Millisecond,
					InterTokenLatency: 15 * time.Millisecond, InterTokenLatencyStdDev: time.Millisecond,
				},
				KVCacheBlocks: 1024, KVCacheBlockSize: 16,
				FailureRate: 5, FailureTypes: []string{"rate_limit", "server_error"},
			},
			[]string{
				"--model=random", "--mode=random", "--port=8200", "--v=0", "--max-model-len=8192",
				"--inter-token-latency=15ms", "--inter-token-latency-std-dev=1ms",
				"--prefill-overhead=20ms", "--prefill-time-per-token=200µs", "--prefill-time-std-dev=1ms",
				"--time-factor-under-load=2.5", "--enable-kvcache", "--kv-cache-size=1024", "--block-size=16",
				"--failure-injection-rate=5", "--failure-types", "rate_limit", "server_error", "--force-dummy-tokenizer",
			},
		},
		"large requests": {"v0.10.1", Options{Port: 8200, MaxRequestMiB: 64}, []string{
			"--model=random", "--mode=random", "--port=8200", "--v=0", "--max-request-body-size-mb=64", "--force-dummy-tokenizer",
		}},
		"the simulator's own limit of requests": {"v0.10.0", Options{Port: 8200, MaxRequestMiB: DefaultMaxRequestMiB}, []string{
			"--model=random", "--mode=random", "--port=8200", "--v=0", "--force-dummy-tokenizer",
		}},
		"all options": {"v0.10.2", latencies, []string{
			"--model=m", "--mode=random", "--port=1", "--v=0", "--max-num-seqs=9",
			"--time-to-first-token=150ms", "--inter-token-latency=300µs", "--kv-cache-transfer-latency=1s",
			"--force-dummy-tokenizer", "--log-http",
		}},
		"adapters and a slow start": {
			"v0.9.1",
			Options{
				Port: 8200, StartupDuration: 30 * time.Second, LoRAs: []string{"sql", `"quoted"`}, MaxLoRAs: 2, MaxCPULoRAs: 4,
				Args: []string{"-x"},
			},
			[]string{
				"--model=random", "--mode=random", "--port=8200", "--v=0", "--startup-duration=30s",
				"--lora-modules", `{"name":"sql"}`, `{"name":"\"quoted\""}`, "--max-loras=2", "--max-cpu-loras=4", "-x",
			},
		},
		"before the tokenizer flag": {"v0.9.1", Options{Port: 8200}, []string{
			"--model=random", "--mode=random", "--port=8200", "--v=0",
		}},
		"latencies in milliseconds": {"v0.6.1", latencies, []string{
			"--model=m", "--mode=random", "--port=1", "--v=0", "--max-num-seqs=9",
			"--time-to-first-token=150", "--inter-token-latency=1", "--kv-cache-transfer-latency=1000",
			"--log-http",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			facts, err := release.SimulatorOf("sim:"+test.version, "")
			require.NoError(t, err)
			test.options.Release = facts
			require.Equal(t, test.want, Args(test.options))
		})
	}
}
