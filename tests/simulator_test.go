package tests

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSimulatorsAnswerToAdaptersAfterASlowStart checks that the kubelet waits for a simulator that
// starts slowly, instead of restarting it.
func TestSimulatorsAnswerToAdaptersAfterASlowStart(t *testing.T) {
	t.Parallel()
	r := run(t, map[string]string{
		"simulator": `{"startupDuration":"90500ms","loras":["sql","chat"],"maxLoras":2,"maxCpuLoras":3}`,
	}, bareCluster())
	require.NoError(t, r.err)
	d, found := r.Find("kubernetes:apps/v1:Deployment", "ms-sim-llm-sim-decode")
	require.True(t, found)
	pod := d.Inputs["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	container := pod["containers"].([]any)[0].(map[string]any)
	require.Subset(t, container["args"], []any{
		"--startup-duration=1m30.5s", "--lora-modules", `{"name":"sql"}`, `{"name":"chat"}`, "--max-loras=2", "--max-cpu-loras=3",
	})
	probe := container["startupProbe"].(map[string]any)
	require.EqualValues(t, 1, probe["periodSeconds"])
	require.EqualValues(t, 120+91, probe["failureThreshold"])
}
