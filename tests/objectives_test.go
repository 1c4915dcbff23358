package tests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// TestObjectivesFollowTheEPPsRelease has priorities that requests choose.
func TestObjectivesFollowTheEPPsRelease(t *testing.T) {
	t.Parallel()
	for image, api := range map[string]string{
		"epp:v0.7.1": "inference.networking.x-k8s.io/v1alpha2", "epp:v0.10.0": "llm-d.ai/v1alpha2",
	} {
		values := map[string]string{
			"epp":              `{"enabled":true,"image":"` + image + `"}`,
			"objectives":       `{"interactive":{"priority":10},"batch":{"priority":-10,"queueBytes":4096}}`,
			"inferenceGateway": `{"enabled":true,"standard":{"enabled":true}}`,
		}
		r := run(t, values, fullCluster())
		require.NoError(t, r.err, image)
		config := func(object, file string) string {
			found, is := r.Find("kubernetes:core/v1:ConfigMap", object)
			require.True(t, is, object)
			return found.Inputs["data"].(map[string]any)[file].(string)
		}
		batch, found := r.Find("kubernetes:"+api+":InferenceObjective", "batch")
		require.True(t, found, image)
		spec := batch.Inputs["spec"].(map[string]any)
		require.InDelta(t, -10, spec["priority"], 0)
		require.Equal(t, llmd.PoolName, spec["poolRef"].(map[string]any)["name"])
		require.Contains(t, config(llmd.EPPName, "plugins.yaml"), "maxBytes: 4096\n    priority: -10")
		require.NotContains(t, config(llmd.EPPName, "plugins.yaml"), "round-robin-fairness-policy")
		require.Contains(t, config(llmd.StandardGatewayName, "envoy.yaml"), "x-gateway-inference-fairness-id", "the header is removed")

		values["epp"] = `{"enabled":true,"fairness":true,"image":"` + image + `"}`
		r = run(t, values, fullCluster())
		require.NoError(t, r.err, image)
		require.Contains(t, config(llmd.EPPName, "plugins.yaml"), "fairnessPolicyRef: round-robin-fairness-policy")
		require.NotContains(t, config(llmd.StandardGatewayName, "envoy.yaml"), "x-gateway-inference-fairness-id", "the header passes")
	}
}

// TestObjectivesNeedAnAutoscalerThatSeesTheLoad has pods that the EPP keeps from having more requests
// than the autoscaler wants them to have.
func TestObjectivesNeedAnAutoscalerThatSeesTheLoad(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"epp": `{"enabled":true}`, "objectives": `{"high":{"priority":1}}`,
		"decode": `{"enabled":true,"autoscaling":{"enabled":true,"requestsPerPod":8},"simulator":{"maxNumSeqs":8}}`,
	}
	r := run(t, values, fullCluster())
	require.ErrorContains(t, r.err, "decode.autoscaling.requestsPerPod = 8: must be below maxNumSeqs (8)")
	require.ErrorContains(t, r.err, "pulumi config set --path decode.autoscaling.requestsPerPod 7")
	require.Empty(t, r.Registrations())
	delete(values, "objectives")
	require.NoError(t, run(t, values, fullCluster()).err, "requests wait in the pods")
}
