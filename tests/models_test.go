package tests

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/stacks"
)

// twoModels enables everything that a further model has of its own.
func twoModels() map[string]string {
	return map[string]string{
		"epp":              `{"enabled":true,"prefixCache":"precise"}`,
		"gateway":          `{"enabled":true,"routeName":"api"}`,
		"inferenceGateway": `{"enabled":true,"standard":{"enabled":true}}`,
		"objectives":       `{"high":{"priority":1}}`,
		"prefill":          `{"enabled":true,"autoscaling":{"enabled":true}}`,
		"decode":           `{"enabled":true,"replicas":3,"simulator":{"timeToFirstToken":"1s"},"autoscaling":{"enabled":true}}`,
		"simulator":        `{"model":"base","kvCache":{"enabled":true}}`,
		"loadBalancing":    `{"enabled":true}`,
		"networkPolicy":    `{"enabled":true}`,
		"monitoring":       `{"enabled":true}`,
		"models":           `{"other":{"model":"org/other","replicas":1,"prefillReplicas":4,"loras":["adapter"],"simulator":{"timeToFirstToken":"2s"}}}`,
	}
}

// TestFurtherModelChangesNothingOfTheFirst compares a stack with and without a further model.
func TestFurtherModelChangesNothingOfTheFirst(t *testing.T) {
	t.Parallel()
	values := twoModels()
	two := run(t, values, fullCluster())
	require.NoError(t, two.err)
	delete(values, "models")
	one := run(t, values, fullCluster())
	require.NoError(t, one.err)

	// What routes to both, or watches both.
	shared := []string{
		"ConfigMap infra-sim-inference-gateway", "Deployment infra-sim-inference-gateway", "EnvoyFilter api", "HTTPRoute api",
		"PrometheusRule llm-d-sim-monitoring",
	}
	own := map[string]string{}
	for _, r := range one.Registrations() {
		if r.Object() != "" {
			own[r.Type+" "+r.Object()] = jsonOf(t, r.Inputs)
		}
	}
	further := map[string]bool{}
	for _, r := range two.Registrations() {
		switch before, is := own[r.Type+" "+r.Object()]; {
		case r.Object() == "":
		case !is:
			require.Contains(t, r.Object(), "-other")
			further[r.Type+" "+strings.Replace(r.Object(), "-other", "", 1)] = true
		case !slices.Contains(shared, r.Type[strings.LastIndex(r.Type, ":")+1:]+" "+r.Object()):
			require.Equal(t, before, jsonOf(t, r.Inputs), r.Object())
		}
	}
	for object := range own {
		kind := object[strings.LastIndex(object, ":")+1:]
		gateway := strings.Contains(kind, llmd.StandardGatewayName) || strings.HasSuffix(kind, " api")
		alone := gateway || strings.Contains(kind, llmd.MonitoringName) || strings.HasPrefix(kind, "Namespace ")
		require.Equal(t, !alone, further[object], object)
	}
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	require.NoError(t, err)
	return string(raw)
}

// TestFurtherModelHasItsOwnSettings follows a model from its configuration to its objects.
func TestFurtherModelHasItsOwnSettings(t *testing.T) {
	t.Parallel()
	r := run(t, twoModels(), fullCluster())
	require.NoError(t, r.err)
	text := func(kind, name string) string {
		found, is := r.Find("kubernetes:"+kind, name)
		require.True(t, is, "%s %s", kind, name)
		return jsonOf(t, found.Inputs)
	}
	decode := text("apps/v1:Deployment", "ms-sim-llm-d-modelservice-decode-other")
	require.Contains(t, decode, `"--model=org/other"`)
	require.Contains(t, decode, `"--time-to-first-token=2s"`, "over that of the stage")
	require.Contains(t, decode, `"--zmq-endpoint=tcp://gaie-sim-epp-other:5557"`)
	require.Contains(t, decode, `"replicas":1`)
	require.Contains(t, decode, `"llm-d.ai/model":"other"`)
	require.NotContains(t, decode, "llm-d.ai/inferenceServing", "which selects the pods of the stack's own model")
	require.Contains(t, text("apps/v1:Deployment", "ms-sim-llm-d-modelservice-prefill-other"), `"replicas":4`)
	require.Contains(t, text("apps/v1:Deployment", "ms-sim-llm-d-modelservice-decode"), `"--time-to-first-token=1s"`)
	require.Contains(t, text("apps/v1:Deployment", "gaie-sim-epp-other"), `"--pool-name=gaie-sim-other"`)
	require.Contains(t, text("inference.networking.k8s.io/v1:InferencePool", "gaie-sim-other"),
		`"matchLabels":{"app.kubernetes.io/part-of":"llm-d-sim","llm-d.ai/model":"other"}`)
	require.Contains(t, text("core/v1:ConfigMap", "gaie-sim-epp-other"), `modelName: org/other`)
	require.Contains(t, text("core/v1:ConfigMap", "gaie-sim-epp-other"), `http://gaie-inference-scheduling-proxy-other:8200`)
	require.Contains(t, text("llm-d.ai/v1alpha2:InferenceObjective", "high-other"), `"name":"gaie-sim-other"`)
	route := text("gateway.networking.k8s.io/v1:HTTPRoute", "api")
	require.Contains(t, route, `"headers":[{"name":"x-gateway-base-model-name","value":"org/other"}]`)
	require.Contains(t, route, `"name":"gaie-sim-other"`)
	require.Contains(t, text("networking.istio.io/v1alpha3:EnvoyFilter", "api"), `[\"adapter\"] = \"org/other\"`)
	require.Contains(t, text("monitoring.coreos.com/v1:PrometheusRule", llmd.MonitoringName), `gaie-sim-epp-other`)
}

// TestModelMayBeCalledLikeAPart has models whose names could be taken for those of parts.
func TestModelMayBeCalledLikeAPart(t *testing.T) {
	t.Parallel()
	values := twoModels()
	values["models"] = `{"autoscaler":{},"a":{},"autoscaler-a":{}}`
	spec, err := load(values)
	require.NoError(t, err)
	p := planOf(t, spec)
	require.Empty(t, p.Check())
	r := run(t, values, fullCluster())
	require.NoError(t, r.err)
	require.ElementsMatch(t, objects(p), registered(r.Recorder))
	urns := map[string]bool{}
	for _, reg := range r.Registrations() {
		require.False(t, urns[reg.Type+" "+reg.Name], reg.Name)
		urns[reg.Type+" "+reg.Name] = true
	}
	deployments := 0
	for _, w := range p.Workloads() {
		require.NotEmpty(t, w.Deployment)
		deployments++
	}
	require.Equal(t, 4*3+1, deployments, "EPP, prefill and decode of each model, and the gateway")
}

func TestModelsThatCannotBeToldApartAreRefused(t *testing.T) {
	t.Parallel()
	gateway := `{"enabled":true,"standard":{"enabled":true}}`
	for name, c := range map[string]struct{ models, gateway, problem, fix string }{
		"no gateway":       {`{"a":{}}`, `{}`, "models", "pulumi config set --path inferenceGateway.standard.enabled true"},
		"the own model":    {`{"a":{"model":"random"}}`, gateway, `models.a.model = "random": is a name of the stack's own model as well`, "pulumi config rm --path models.a.model"},
		"its key":          {`{"random":{}}`, gateway, `models.random = "random": is a name of the stack's own model as well`, "pulumi config rm --path models.random"},
		"an adapter":       {`{"a":{"loras":["x"]},"b":{"loras":["x"]}}`, gateway, `models.b.loras[0] = "x": is a name of models.a as well`, "pulumi config rm --path"},
		"no label":         {`{"A b":{}}`, gateway, "must have a name that objects and labels can have", "pulumi config rm --path"},
		"too long":         {`{"a12345678901234567890123456789012345678901234567890":{}}`, gateway, "must be no more than 63 characters", "pulumi config rm --path models.a1234"},
		"too many":         {`{"a":{},"b":{},"c":{},"d":{},"e":{},"f":{},"g":{},"h":{}}`, `{"enabled":true,"istio":{"enabled":true}}`, "must be no more than 7", "pulumi config rm models"},
		"replicas":         {`{"a":{"replicas":0}}`, gateway, "models.a.replicas = 0: must be 1 or more", "pulumi config"},
		"prefill replicas": {`{"a":{"prefillReplicas":0}}`, gateway, "models.a.prefillReplicas = 0: must be 1 or more", "pulumi config"},
		"a latency":        {`{"a":{"simulator":{"interTokenLatencyStdDev":"1s"}}}`, gateway, "models.a.simulator.interTokenLatencyStdDev", "30 % of what deviates"},
		"a typo":           {`{"a":{"replcas":1}}`, gateway, "did you mean models.a.replicas?", "models.a.replicas 1"},
	} {
		r := run(t, map[string]string{"models": c.models, "inferenceGateway": c.gateway}, fullCluster())
		require.ErrorAs(t, r.err, new(*stacks.RefusedError), name)
		require.ErrorContains(t, r.err, c.problem, name)
		require.ErrorContains(t, r.err, c.fix, name)
		require.Empty(t, r.Registrations(), name)
	}
}
