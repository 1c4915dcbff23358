package tests

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/stacks"
)

// FuzzDeploy checks that every configuration is either refused before anything is
// registered, or registered as a whole, with an Envoy bootstrap that follows Envoy's own
// rules.
func FuzzDeploy(f *testing.F) {
	const gateway, epp = `{"enabled":true,"standard":{"enabled":true}}`, `{"enabled":true}`
	for _, seed := range [][4]string{
		{"inferenceGateway", gateway, "epp", epp},
		{"inferenceGateway", gateway, "decode", `{"enabled":true,"port":65534,"args":["--max-loras=2"]}`},
		{"inferenceGateway", `{"enabled":true,"standard":{"enabled":true,"port":1},"auth":{"enabled":true,"keyGeneration":7}}`, "replicas", "1"},
		{"inferenceGateway", gateway, "loadBalancing", `{"algorithm":"RANDOM"}`},
		{"epp", `{"enabled":true,"secureServing":true,"port":65535}`, "service", `{"name":"a","port":65535,"type":"NodePort"}`},
		{"epp", `{"enabled":true,"pluginsConfig":{"kind":"EndpointPickerConfig"}}`, "prefill", `{"enabled":true}`},
		{"gateway", `{"enabled":true,"routeName":"a","className":"b"}`, "networkPolicy", `{"enabled":true,"proxyService":false}`},
		{"name", "a", "namespace", "b"},
		{"resources", `{"requests":{"cpu":"1"},"limits":{"memory":"1Gi"}}`, "image", "a/b@sha256:0"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, key, value, otherKey, otherValue string) {
		r := run(t, map[string]string{key: value, otherKey: otherValue}, fullCluster())
		if refused := new(stacks.RefusedError); errors.As(r.err, &refused) {
			require.Empty(t, r.Registrations())
			return
		}
		require.NoError(t, r.err)
	})
}
