package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSettingsWithoutEffectAreWarnings(t *testing.T) {
	t.Parallel()
	on := `{"enabled":true}`
	for name, test := range map[string]struct {
		values map[string]string
		want   []string
	}{
		"stages in single mode": {
			map[string]string{"decode": `{"enabled":false,"replicas":4,"args":["--x"]}`, "prefill": `{"resources":{"limits":{"cpu":1}}}`},
			[]string{"decode.args", "decode.replicas", "prefill.resources.limits"},
		},
		"single mode's settings beside stages": {
			map[string]string{"replicas": "4", "logVerbosity": "1", "image": "sim:v0.10.2", "decode": `{"enabled":true,"replicas":4}`},
			[]string{"logVerbosity", "replicas"},
		},
		"an autoscaler": {
			map[string]string{
				"decode":  `{"enabled":true,"replicas":4,"autoscaling":{"enabled":true,"scaler":"other","minReplicas":1,"kedaNamespace":"x"}}`,
				"prefill": `{"enabled":true,"autoscaling":{"scaler":"other"}}`,
			},
			[]string{"decode.autoscaling.kedaNamespace", "decode.autoscaling.minReplicas", "prefill.autoscaling.scaler"},
		},
		"KEDA": {
			map[string]string{"decode": `{"enabled":true,"autoscaling":{"enabled":true,"maxReplicas":3,"kedaNamespace":"x"}}`, "networkPolicy": on},
			nil,
		},
		"no KEDA": {
			map[string]string{"decode": `{"enabled":true,"autoscaling":{"maxReplicas":3}}`, "prefill": `{"enabled":false,"autoscaling":{"enabled":true}}`},
			[]string{"decode.autoscaling.maxReplicas", "prefill.autoscaling.enabled"},
		},
		"EPP":             {map[string]string{"epp": `{"port":1}`, "inferencePool": `{"enabled":false}`}, []string{"epp.port"}},
		"no objectives":   {map[string]string{"epp": `{"enabled":true,"fairness":true}`}, []string{"epp.fairness"}},
		"EPP that is on":  {map[string]string{"epp": `{"enabled":true,"port":1}`}, nil},
		"gateways":        {map[string]string{"inferenceGateway": `{"standard":{"enabled":true,"port":1},"istio":{"port":1}}`}, []string{"inferenceGateway.istio.port", "inferenceGateway.standard.enabled", "inferenceGateway.standard.port"}},
		"one gateway":     {map[string]string{"inferenceGateway": `{"enabled":true,"standard":{"enabled":true,"port":1},"istio":{"enabled":false,"port":1}}`}, []string{"inferenceGateway.istio.port"}},
		"key generation":  {map[string]string{"inferenceGateway": `{"enabled":true,"standard":{"enabled":true},"auth":{"keyGeneration":2}}`}, []string{"inferenceGateway.auth.keyGeneration"}},
		"gateway":         {map[string]string{"gateway": `{"routeName":"a","className":"b"}`}, []string{"gateway.className", "gateway.routeName"}},
		"load balancing":  {map[string]string{"loadBalancing": `{"algorithm":"RANDOM","connectionPool":{"maxRequestsPerConnection":1}}`}, []string{"loadBalancing.algorithm", "loadBalancing.connectionPool.maxRequestsPerConnection"}},
		"Envoy balances":  {map[string]string{"loadBalancing": `{"algorithm":"RANDOM"}`, "inferenceGateway": `{"enabled":true,"standard":{"enabled":true}}`}, nil},
		"network policy":  {map[string]string{"networkPolicy": `{"proxyService":true}`}, []string{"networkPolicy.proxyService"}},
		"no transfer":     {map[string]string{"simulator": `{"kvCacheTransferLatency":"1s","timeToFirstToken":"1s"}`, "decode": on}, []string{"simulator.kvCacheTransferLatency"}},
		"no sidecar":      {map[string]string{"decode": `{"enabled":true,"routingSidecar":{"image":"sidecar:v0.4.0"}}`, "prefill": on}, []string{"decode.routingSidecar.image"}},
		"sidecar":         {map[string]string{"decode": `{"enabled":true,"routingSidecar":{"image":"sidecar:v0.4.0"}}`, "prefill": on, "epp": on, "simulator": `{"kvCacheTransferLatency":"1s"}`}, nil},
		"tracing":         {map[string]string{"tracing": `{"endpoint":"collector:4317","sampling":1}`}, []string{"tracing.endpoint", "tracing.sampling"}},
		"no spans":        {map[string]string{"tracing": `{"enabled":true,"endpoint":"collector:4317"}`}, []string{"tracing.enabled", "tracing.endpoint"}},
		"spans":           {map[string]string{"tracing": `{"enabled":true,"endpoint":"collector:4317"}`, "epp": on}, nil},
		"monitoring":      {map[string]string{"monitoring": `{"labels":{"a":"b"},"prometheus":{"namespace":"x"}}`}, []string{"monitoring.labels", "monitoring.prometheus.namespace"}},
		"no operator":     {map[string]string{"monitoring": `{"enabled":true,"operator":false,"interval":"5s","alerts":{"queueLength":1}}`}, []string{"monitoring.alerts.queueLength", "monitoring.interval"}},
		"open metrics":    {map[string]string{"monitoring": `{"enabled":true,"interval":"5s","prometheus":{"podLabels":{"a":"b"}}}`}, []string{"monitoring.prometheus.podLabels"}},
		"closed metrics":  {map[string]string{"monitoring": `{"enabled":true,"prometheus":{"podLabels":{"a":"b"}}}`, "networkPolicy": on}, nil},
		"null is not set": {map[string]string{"decode": `{"replicas":null}`, "prefill": "null"}, nil},
		"Helm":            {map[string]string{"kubernetes:suppressHelmHookWarnings": "true"}, []string{"kubernetes:suppressHelmHookWarnings"}},
		"a stage's simulator": {
			map[string]string{
				"prefill": `{"enabled":true,"simulator":{"interTokenLatency":"1ms","kvCacheTransferLatency":"1ms","kvCache":{"blocks":2}}}`,
				"decode":  `{"enabled":true,"simulator":{"failures":{"types":["rate_limit"]},"kvCache":{"enabled":true,"blocks":2},"kvCacheTransferLatency":"1ms"}}`,
			},
			[]string{"decode.simulator.failures.types", "decode.simulator.kvCacheTransferLatency", "prefill.simulator.interTokenLatency", "prefill.simulator.kvCache.blocks", "prefill.simulator.kvCacheTransferLatency"},
		},
		"one stage's cache": {
			map[string]string{"decode": `{"enabled":true,"simulator":{"kvCache":{"enabled":true}}}`, "simulator": `{"kvCache":{"blocks":9},"failures":{"types":["rate_limit"]}}`},
			[]string{"simulator.failures.types"},
		},
		"models": {
			map[string]string{
				"inferenceGateway": `{"enabled":true,"standard":{"enabled":true}}`,
				"models":           `{"a":{"prefillReplicas":1,"simulator":{"kvCache":{"blocks":9},"failures":{"types":["rate_limit"]},"kvCacheTransferLatency":"1ms"}},"7b":{"prefillReplicas":1,"simulator":{"kvCache":{"enabled":true,"blocks":9}}}}`,
			},
			[]string{`models["7b"].prefillReplicas`, "models.a.prefillReplicas", "models.a.simulator.failures.types", "models.a.simulator.kvCache.blocks", "models.a.simulator.kvCacheTransferLatency"},
		},
		"a stage's simulator in single mode": {
			map[string]string{"decode": `{"simulator":{"kvCache":{"blocks":9},"maxNumSeqs":2}}`, "simulator": `{"kvCache":{"enabled":true}}`},
			[]string{"decode.simulator.kvCache.blocks", "decode.simulator.maxNumSeqs"},
		},
	} {
		s := newStack(t, Namespace, in(test.values))
		loaded, err := s.load()
		require.NoError(t, err, name)
		var paths, fixes []string
		for _, w := range loaded.Warnings {
			require.Contains(t, w.Detail, "has no effect", name)
			paths, fixes = append(paths, w.Path), append(fixes, w.Fix)
		}
		require.Equal(t, test.want, paths, name)
		if len(fixes) == 0 {
			continue
		}
		for i, commands := range shell(t, fixes) {
			s.run(fixes[i], commands)
		}
		loaded, err = s.load()
		require.NoError(t, err, name)
		require.Empty(t, loaded.Warnings, name)
	}
}
