package tests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// simulatorOf returns the simulator of the pods of a Deployment.
func simulatorOf(t *testing.T, r result, deployment string) map[string]any {
	t.Helper()
	d, found := r.Find("kubernetes:apps/v1:Deployment", deployment)
	require.True(t, found)
	pod := d.Inputs["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	return pod["containers"].([]any)[0].(map[string]any)
}

// TestSimulatorsAnswerToAdaptersAfterASlowStart checks that the kubelet waits for a simulator that
// starts slowly, instead of restarting it.
func TestSimulatorsAnswerToAdaptersAfterASlowStart(t *testing.T) {
	t.Parallel()
	r := run(t, map[string]string{
		"simulator": `{"startupDuration":"90500ms","loras":["sql","chat"],"maxLoras":2,"maxCpuLoras":3}`,
	}, bareCluster())
	require.NoError(t, r.err)
	container := simulatorOf(t, r, "ms-sim-llm-sim-decode")
	require.Subset(t, container["args"], []any{
		"--startup-duration=1m30.5s", "--lora-modules", `{"name":"sql"}`, `{"name":"chat"}`, "--max-loras=2", "--max-cpu-loras=3",
	})
	probe := container["startupProbe"].(map[string]any)
	require.EqualValues(t, 1, probe["periodSeconds"])
	require.EqualValues(t, 120+91, probe["failureThreshold"])
}

// TestStagesHaveSimulatorsOfTheirOwn checks what reaches the command lines of both stages, and what they
// share.
func TestStagesHaveSimulatorsOfTheirOwn(t *testing.T) {
	t.Parallel()
	r := run(t, map[string]string{
		"simulator": `{"profile":"8b-h100","model":"m"}`,
		"prefill":   `{"enabled":true,"simulator":{"prefillTimePerToken":"400us","maxNumSeqs":4}}`,
		"decode":    `{"enabled":true,"simulator":{"failures":{"rate":2},"kvCache":{"enabled":true,"blocks":64}}}`,
	}, bareCluster())
	require.NoError(t, r.err)
	prefill := simulatorOf(t, r, llmd.PrefillName)["args"].([]any)
	decode := simulatorOf(t, r, llmd.DecodeName)["args"].([]any)
	for _, stage := range [][]any{prefill, decode} {
		require.Subset(t, stage, []any{
			"--model=m", "--prefill-overhead=30ms", "--inter-token-latency=12ms", "--time-factor-under-load=2",
		})
	}
	require.Subset(t, prefill, []any{"--prefill-time-per-token=400µs", "--max-num-seqs=4"})
	require.NotContains(t, prefill, "--enable-kvcache")
	require.Subset(t, decode, []any{
		"--prefill-time-per-token=250µs", "--max-num-seqs=16", "--failure-injection-rate=2", "--enable-kvcache", "--kv-cache-size=64",
	})
}
