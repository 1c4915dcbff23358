package tests

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// bootstrap returns the standard gateway's configuration.
func bootstrap(t *testing.T, values map[string]string) string {
	t.Helper()
	r := run(t, values, fullCluster())
	require.NoError(t, r.err)
	config, found := r.Find("kubernetes:core/v1:ConfigMap", llmd.StandardGatewayName)
	require.True(t, found)
	// YAML wraps long lines.
	return strings.Join(strings.Fields(config.Inputs["data"].(map[string]any)["envoy.yaml"].(string)), " ")
}

func TestGatewayKnowsWhatEPPAndSimulatorsCannotRead(t *testing.T) {
	t.Parallel()
	const gateway = `{"enabled":true,"standard":{"enabled":true}}`
	for name, test := range map[string]struct {
		values  map[string]string
		refused string
		hint    bool
	}{
		"defaults":       {map[string]string{}, "4194305", false},
		"an EPP of v0.8": {map[string]string{"epp": `{"enabled":true,"image":"epp:v0.8.0"}`}, "4194305", false},
		"an EPP of v0.7": {map[string]string{"epp": `{"enabled":true,"image":"epp:v0.7.1"}`}, "4194305", true},
		"a higher limit": {map[string]string{"simulator": `{"maxRequestMiB":64}`}, "67108865", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.values["inferenceGateway"] = gateway
			config := bootstrap(t, test.values)
			require.Contains(t, config, `range_match: end: "9223372036854775807" start: "`+test.refused+`"`)
			require.Equal(t, test.hint, strings.Contains(config, "upgrade the EPP to v0.8 or newer"))
		})
	}
}

func TestSimulatorsOfEveryStageReadLargeRequests(t *testing.T) {
	t.Parallel()
	const on = `{"enabled":true}`
	for deployment, values := range map[string]map[string]string{
		llmd.SingleName("llm-sim"): {},
		llmd.DecodeName:            {"prefill": on, "decode": on, "epp": on},
		llmd.PrefillName:           {"prefill": on, "decode": on, "epp": on},
	} {
		values["simulator"] = `{"maxRequestMiB":64}`
		r := run(t, values, bareCluster())
		require.NoError(t, r.err, deployment)
		require.Contains(t, simulatorOf(t, r, deployment)["args"], "--max-request-body-size-mb=64", deployment)
	}
}
