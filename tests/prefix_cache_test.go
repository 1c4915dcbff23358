package tests

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/stacks"
)

// TestPrecisePrefixesConnectSimulatorsAndEPP follows the KV events from the simulators' arguments
// to the port that the EPP listens on.
func TestPrecisePrefixesConnectSimulatorsAndEPP(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"epp":           `{"enabled":true,"prefixCache":"precise"}`,
		"prefill":       `{"enabled":true}`,
		"decode":        `{"enabled":true}`,
		"simulator":     `{"model":"m","kvCache":{"enabled":true,"blockSize":32}}`,
		"networkPolicy": `{"enabled":true}`,
	}
	r := run(t, values, fullCluster())
	require.NoError(t, r.err)
	text := func(kind, name string) string {
		found, is := r.Find(kind, name)
		require.True(t, is, name)
		raw, err := json.Marshal(found.Inputs)
		require.NoError(t, err)
		return string(raw)
	}
	for _, stage := range []string{llmd.DecodeName, llmd.PrefillName} {
		pods := text("kubernetes:apps/v1:Deployment", stage)
		require.Contains(t, pods, `"--zmq-endpoint=tcp://gaie-sim-epp:5557"`)
		require.Contains(t, pods, `"--hash-seed=llm-d-sim"`)
		require.Contains(t, pods, `"--block-size=32"`)
		require.Contains(t, pods, `{"name":"POD_IP","value":"$(IP):8200"}`, "the address that the EPP sends requests to")
	}
	require.Contains(t, text("kubernetes:core/v1:Service", llmd.EPPName), `"port":5557,"targetPort":"kv-events"`)
	require.Contains(t, text("kubernetes:apps/v1:Deployment", llmd.EPPName), `{"containerPort":5557,"name":"kv-events"`)
	policy := text("kubernetes:networking.k8s.io/v1:NetworkPolicy", llmd.EPPName)
	require.Contains(t, policy, `{"podSelector":{"matchLabels":{"llm-d.ai/role":"prefill"}}}],"ports":[{"port":5557,"protocol":"TCP"}]`)
	config, is := r.Find("kubernetes:core/v1:ConfigMap", llmd.EPPName)
	require.True(t, is)
	plugins := config.Inputs["data"].(map[string]any)["plugins.yaml"].(string)
	require.Contains(t, plugins, "modelName: m\n    vllm:\n      url: http://gaie-inference-scheduling-proxy:8200")
	require.Contains(t, plugins, "blockSizeTokens: 32\n      hashSeed: llm-d-sim")

	values["epp"] = `{"enabled":true}`
	r = run(t, values, fullCluster())
	require.NoError(t, r.err)
	require.NotContains(t, text("kubernetes:apps/v1:Deployment", llmd.DecodeName), "zmq")
	require.NotContains(t, text("kubernetes:core/v1:Service", llmd.EPPName), "5557")
}

func TestPrecisePrefixesNeedWhatKnowsThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ epp, simulator, problem string }{
		"no cache":      {`{"enabled":true,"prefixCache":"precise"}`, `{}`, "simulator.kvCache.enabled = false: must be true if epp.prefixCache is precise"},
		"old EPP":       {`{"enabled":true,"prefixCache":"precise","image":"epp:v0.7.1"}`, `{"kvCache":{"enabled":true}}`, "needs an EPP from v0.9.0 on"},
		"old simulator": {`{"enabled":true,"prefixCache":"precise"}`, `{"kvCache":{"enabled":true},"version":"v0.9.1"}`, "needs simulators from v0.9.2 on"},
		"a typo":        {`{"enabled":true,"prefixCache":"exact"}`, `{}`, "must be one of approximate, precise"},
	} {
		r := run(t, map[string]string{"epp": c.epp, "simulator": c.simulator}, fullCluster())
		require.ErrorAs(t, r.err, new(*stacks.RefusedError), name)
		require.ErrorContains(t, r.err, c.problem, name)
		require.Empty(t, r.Registrations(), name)
	}

	r := run(t, map[string]string{
		"epp": `{"enabled":true,"prefixCache":"precise"}`, "simulator": `{"kvCache":{"enabled":true}}`,
		"prefill": `{"enabled":true}`, "decode": `{"enabled":true,"simulator":{"kvCache":{"enabled":false}}}`,
	}, fullCluster())
	require.ErrorContains(t, r.err, "decode.simulator.kvCache.enabled = false: must be true if epp.prefixCache is precise")
	require.NotContains(t, r.err.Error(), " simulator.kvCache.enabled = false", "the prefill pods have a cache")
}
