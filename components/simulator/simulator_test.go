package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestArgs(t *testing.T) {
	t.Parallel()
	require.Equal(t,
		[]string{"--model=random", "--mode=random", "--port=8200", "--v=5", "--force-dummy-tokenizer"},
		Args(Options{Image: "sim:v0.10.2", Port: 8200, Verbosity: 5}))
	require.Equal(t,
		[]string{
			"--model=m", "--mode=random", "--port=1", "--v=0", "--max-num-seqs=9",
			"--time-to-first-token=150ms", "--inter-token-latency=20ms", "--kv-cache-transfer-latency=1s",
			"--force-dummy-tokenizer", "--log-http",
		},
		Args(Options{
			Image: "sim:latest", Model: "m", Port: 1, MaxNumSeqs: 9,
			TimeToFirstToken: 150 * time.Millisecond, InterTokenLatency: 20 * time.Millisecond,
			KVCacheTransferLatency: time.Second, Args: []string{"--log-http"},
		}))
}

func TestTheVersionDecides(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		image     string
		tokenizer bool
		ready     string
		metric    string
	}{
		{"ghcr.io/llm-d/llm-d-inference-sim:v0.10.2", true, "/health/ready", "vllm:kv_cache_usage_perc"},
		{"sim:v0.9.2", true, "/health/ready", "vllm:kv_cache_usage_perc"},
		{"sim:v0.9.1", false, "/health/ready", "vllm:kv_cache_usage_perc"},
		{"sim:v0.8.9", false, "/v1/models", "vllm:kv_cache_usage_perc"},
		{"sim:v0.7.0", false, "/v1/models", "vllm:kv_cache_usage_perc"},
		{"sim:v0.6.1", false, "/v1/models", "vllm:gpu_cache_usage_perc"},
		// Neither a port nor a digest is a version.
		{"example.com:5000/sim", true, "/health/ready", "vllm:kv_cache_usage_perc"},
		{"example.com:5000/sim:local", true, "/health/ready", "vllm:kv_cache_usage_perc"},
		{"sim@sha256:0123", true, "/health/ready", "vllm:kv_cache_usage_perc"},
		{"sim:v0.6.1@sha256:0123", false, "/v1/models", "vllm:gpu_cache_usage_perc"},
	} {
		args := Args(Options{Image: test.image})
		if test.tokenizer {
			require.Contains(t, args, "--force-dummy-tokenizer", test.image)
		} else {
			require.NotContains(t, args, "--force-dummy-tokenizer", test.image)
		}
		require.Equal(t, test.ready, ReadyPath(test.image), test.image)
		require.Equal(t, test.metric, KVCacheMetric(test.image), test.image)
	}
}
