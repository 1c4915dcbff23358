package tests

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/stacks"
)

const traced = `{"enabled":true,"endpoint":"otel-collector.monitoring:4317","sampling":0.25}`

// variables returns the environment of a Deployment's container, and its arguments.
func variables(t *testing.T, r result, deployment, container string) (environment map[string]any, args []any) {
	t.Helper()
	for _, c := range field(t, byKind(r, "Deployment")[deployment], "spec", "template", "spec", "containers").([]any) {
		c := c.(map[string]any)
		if c["name"] != container {
			continue
		}
		environment = map[string]any{}
		list, _ := c["env"].([]any)
		for _, v := range list {
			environment[v.(map[string]any)["name"].(string)] = v.(map[string]any)["value"]
		}
		args, _ = c["args"].([]any)
		return environment, args
	}
	require.Fail(t, "no such container", "%s of %s", container, deployment)
	return nil, nil
}

// TestEveryPartIsTraced follows the collector to everything that has spans, of all models.
func TestEveryPartIsTraced(t *testing.T) {
	t.Parallel()
	values := with(everything, "tracing", traced)
	values["models"] = `{"other":{}}`
	r := run(t, values, fullCluster())
	require.NoError(t, r.err)
	for deployment, container := range map[string]string{
		llmd.EPPName: "epp", llmd.EPPName + "-other": "epp",
		llmd.DecodeName: "routing-sidecar", llmd.DecodeName + "-other": "routing-sidecar",
	} {
		environment, args := variables(t, r, deployment, container)
		require.Contains(t, args, "--tracing=true", deployment)
		for name, value := range map[string]string{
			"OTEL_TRACES_EXPORTER":        "otlp",
			"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel-collector.monitoring:4317",
			"OTEL_TRACES_SAMPLER":         "parentbased_traceidratio",
			"OTEL_TRACES_SAMPLER_ARG":     "0.25",
			"OTEL_SERVICE_NAME":           deployment,
		} {
			require.Equal(t, value, environment[name], deployment)
		}
	}
	for _, deployment := range []string{llmd.DecodeName, llmd.PrefillName} {
		environment, _ := variables(t, r, deployment, "simulator")
		require.NotContains(t, environment, "OTEL_SERVICE_NAME", "simulators have no spans")
	}
	bootstrap := field(t, byKind(r, "ConfigMap")[llmd.StandardGatewayName], "data", "envoy.yaml").(string)
	require.Contains(t, bootstrap, "address: otel-collector.monitoring\n")
	require.Contains(t, bootstrap, "random_sampling:\n              value: 25\n")
}

func TestTracingChangesNothingElse(t *testing.T) {
	t.Parallel()
	before, after := run(t, everything, fullCluster()), run(t, with(everything, "tracing", traced), fullCluster())
	require.NoError(t, after.err)
	require.Len(t, after.Registrations(), len(before.Registrations()))
	var changed []string
	for _, reg := range before.Registrations() {
		now, found := after.Find(reg.Type, reg.Object())
		if reg.Object() == "" || !found {
			continue
		}
		if jsonOf(t, reg.Inputs) != jsonOf(t, now.Inputs) {
			changed = append(changed, reg.Inputs["kind"].(string)+" "+reg.Object())
		}
	}
	require.ElementsMatch(t, []string{
		"ConfigMap " + llmd.StandardGatewayName, "Deployment " + llmd.StandardGatewayName,
		"Deployment " + llmd.EPPName, "Deployment " + llmd.DecodeName,
	}, changed)
}

func TestTracingNeedsWhatContinuesTraces(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ epp, decode, problem, fix string }{
		"old EPP": {
			`{"enabled":true,"image":"epp:v0.8.0"}`, `{"enabled":true}`,
			"tracing.enabled = true: needs an EPP from v0.9.0 on", "pulumi config set --path epp.image ghcr.io",
		},
		"old sidecar": {
			`{"enabled":true}`, `{"enabled":true,"routingSidecar":{"image":"sidecar:local","version":"v0.8.0"}}`,
			"tracing.enabled = true: needs a routing sidecar from v0.9.0 on", "pulumi config rm --path decode.routingSidecar.version",
		},
	} {
		values := map[string]string{"epp": c.epp, "prefill": `{"enabled":true}`, "decode": c.decode, "tracing": traced}
		r := run(t, values, fullCluster())
		require.ErrorAs(t, r.err, new(*stacks.RefusedError), name)
		require.ErrorContains(t, r.err, c.problem, name)
		require.ErrorContains(t, r.err, c.fix, name)
		require.Empty(t, r.Registrations(), name)
	}
	unused := run(t, map[string]string{
		"epp": `{"image":"epp:v0.4.0"}`, "decode": `{"routingSidecar":{"image":"sidecar:v0.4.0"}}`, "tracing": traced,
		"inferenceGateway": `{"enabled":true,"standard":{"enabled":true}}`,
	}, bareCluster())
	require.NoError(t, unused.err, "neither is deployed")
}
