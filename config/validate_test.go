package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBadConfigurationsAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ key, value, path, message string }{
		// Unknown keys.
		{"replcas", "4", "replcas", "did you mean replicas?"},
		{"Replicas", "4", "Replicas", "did you mean replicas?"},
		{"decode.replicas", "4", "decode.replicas", "without --path"},
		{"decode", `{"replcas":4}`, "decode.replcas", "pulumi config set --path decode.replicas 4"},
		{"decode", `{"Replicas":4}`, "decode.Replicas", "did you mean decode.replicas?"},
		{"prefill", `{"routingSidecar":{}}`, "prefill.routingSidecar", "is not a known key"},
		{"inferenceGateway", `{"standard":{"enable":true}}`, "inferenceGateway.standard.enable", "inferenceGateway.standard.enabled"},
		{"resources", `{"request":{}}`, "resources.request", "did you mean resources.requests?"},
		{"zzzzzzzz", "1", "zzzzzzzz", "the keys here are"},
		// Types.
		{"replicas", "four", "replicas", "must be a whole number"},
		{"replicas", "4.5", "replicas", "must be a whole number"},
		{"replicas", "3000000000", "replicas", "must be within"},
		{"createNamespace", "yes", "createNamespace", "must be true or false"},
		{"decode", `{"replicas":"4"}`, "decode.replicas", "must be a whole number"},
		{"decode", `{"enabled":"true"}`, "decode.enabled", "must be true or false"},
		{"decode", `{"image":12345}`, "decode.image", "pulumi config set --path --type string decode.image 12345"},
		{"decode", `{"args":"--x"}`, "decode.args", "must be a list of strings"},
		{"decode", `{"args":[1]}`, "decode.args[0]", "must be a string"},
		{"decode", "enabled", "decode", "must be an object"},
		{"decode", `{"enabled":true} x`, "decode", "must be an object"},
		{"epp", `{"resources":"1"}`, "epp.resources", "must be an object"},
		{"readyTimeout", "5", "readyTimeout", "must be a duration"},
		{"simulator", `{"timeToFirstToken":100}`, "simulator.timeToFirstToken", "must be a duration"},
		{"clusterDomain", "cluster.local.", "clusterDomain", "must consist of lower case alphanumeric characters"},
		// Bounds.
		{"replicas", "0", "replicas", "must be 1 or more"},
		{"replicas", "-1", "replicas", "must be 1 or more"},
		{"decode", `{"replicas":0}`, "decode.replicas", "must be 1 or more"},
		{"prefill", `{"replicas":-2}`, "prefill.replicas", "must be 1 or more"},
		{"epp", `{"replicas":0}`, "epp.replicas", "must be 1 or more"},
		{"inferenceGateway", `{"standard":{"replicas":0}}`, "inferenceGateway.standard.replicas", "must be 1 or more"},
		{"inferenceGateway", `{"istio":{"replicas":0}}`, "inferenceGateway.istio.replicas", "must be 1 or more"},
		{"service", `{"port":0}`, "service.port", "must be within 1 to 65535"},
		{"service", `{"port":65536}`, "service.port", "must be within 1 to 65535"},
		{"epp", `{"port":0}`, "epp.port", "must be within 1 to 65535"},
		{"decode", `{"port":65536}`, "decode.port", "must be within 1 to 65535"},
		{"prefill", `{"port":-1}`, "prefill.port", "must be within 1 to 65535"},
		{"inferenceGateway", `{"standard":{"port":0}}`, "inferenceGateway.standard.port", "must be within 1 to 65535"},
		{"inferenceGateway", `{"istio":{"port":65536}}`, "inferenceGateway.istio.port", "must be within 1 to 65535"},
		{"decode", `{"autoscaling":{"scaler":"hpa"}}`, "decode.autoscaling.scaler", "must be one of keda, other"},
		{"decode", `{"autoscaling":{"minReplicas":0}}`, "decode.autoscaling.minReplicas", "must be 1 or more"},
		{"prefill", `{"autoscaling":{"minReplicas":7}}`, "prefill.autoscaling.maxReplicas", "pulumi config set --path prefill.autoscaling.maxReplicas 7"},
		{"decode", `{"autoscaling":{"requestsPerPod":0}}`, "decode.autoscaling.requestsPerPod", "must be 1 or more"},
		{"decode", `{"autoscaling":{"scaleDownAfter":"-1s"}}`, "decode.autoscaling.scaleDownAfter", "must be whole seconds within 0s to 1h0m0s"},
		{"decode", `{"autoscaling":{"scaleDownAfter":"61m"}}`, "decode.autoscaling.scaleDownAfter", "must be whole seconds within 0s to 1h0m0s"},
		{"decode", `{"autoscaling":{"scaleDownAfter":"1500ms"}}`, "decode.autoscaling.scaleDownAfter", "must be whole seconds within 0s to 1h0m0s"},
		{"decode", `{"autoscaling":{"kedaNamespace":"a.b"}}`, "decode.autoscaling.kedaNamespace", "must not contain dots"},
		{"decode", `{"autoscaled":true}`, "decode.autoscaled", "autoscaling"},
		{"logVerbosity", "11", "logVerbosity", "must be within 0 to 10"},
		{"logVerbosity", "-1", "logVerbosity", "must be within 0 to 10"},
		{"epp", `{"verbosity":11}`, "epp.verbosity", "must be within 0 to 10"},
		{"decode", `{"logVerbosity":-1}`, "decode.logVerbosity", "must be within 0 to 10"},
		{"readyTimeout", "999ms", "readyTimeout", "must be 1s or more"},
		{"simulator", `{"interTokenLatency":"-1s"}`, "simulator.interTokenLatency", "must be 0s or more"},
		{"simulator", `{"maxNumSeqs":0}`, "simulator.maxNumSeqs", "must be 1 or more"},
		{"simulator", `{"maxModelLen":0}`, "simulator.maxModelLen", "must be 1 or more"},
		{"simulator", `{"timeFactorUnderLoad":0.5}`, "simulator.timeFactorUnderLoad", "must be 1 or more"},
		{"simulator", `{"timeFactorUnderLoad":"2"}`, "simulator.timeFactorUnderLoad", "must be a number"},
		{"simulator", `{"kvCache":{"blocks":0}}`, "simulator.kvCache.blocks", "must be 1 or more"},
		{"simulator", `{"kvCache":{"blockSize":20}}`, "simulator.kvCache.blockSize", "must be one of 8, 16, 32, 64, 128"},
		{"simulator", `{"failures":{"rate":101}}`, "simulator.failures.rate", "must be within 0 to 100"},
		{"simulator", `{"failures":{"types":["rate_limits"]}}`, "simulator.failures.types[0]", "did you mean rate_limit?"},
		{"simulator", `{"timeToFirstToken":"100ms","timeToFirstTokenStdDev":"31ms"}`, "simulator.timeToFirstTokenStdDev", "must be within 0s and 30ms"},
		{"simulator", `{"timeToFirstToken":"100ms","prefillOverhead":"1ms"}`, "simulator.prefillOverhead", "cannot be set together with simulator.timeToFirstToken"},
		{"simulator", `{"profile":"8b-h10"}`, "simulator.profile", "did you mean 8b-h100?"},
		{"simulator", `{"profile":"8b-h100","version":"v0.6.1"}`, "simulator.profile", "needs a simulator of v0.7 or newer: v0.6.1 counts in whole milliseconds"},
		{"simulator", `{"profile":"8b-h100","interTokenLatencyStdDev":"4ms"}`, "simulator.interTokenLatencyStdDev", "must be within 0s and 3.6ms"},
		{"decode", `{"simulator":{"maxNumSeqs":0}}`, "decode.simulator.maxNumSeqs", "must be 1 or more"},
		{"prefill", `{"simulator":{"profile":"70b-8xh100","interTokenLatencyStdDev":"8ms"}}`, "prefill.simulator.interTokenLatencyStdDev", "must be within 0s and 7.5ms"},
		{"decode", `{"enabled":true,"image":"sim:v0.6.1","simulator":{"profile":"8b-h100"}}`, "decode.simulator.profile", "needs a simulator of v0.7 or newer"},
		{"decode", `{"simulator":{"seed":1}}`, "decode.simulator.seed", "is not a known key"},
		{"decode", `{"simulator":{"kvCache":{"blockSize":32}}}`, "decode.simulator.kvCache.blockSize", "is not a known key"},
		{"decode", `{"simulator":{"kvCache":{"blocks":0}}}`, "decode.simulator.kvCache.blocks", "must be 1 or more"},
		{"decode", `{"simulator":{"failures":{"types":["rate_limits"]}}}`, "decode.simulator.failures.types[0]", "did you mean rate_limit?"},
		{"decode", `{"enabled":true,"args":["--enable-kvcache"]}`, "decode.args[0]", "use decode.simulator.kvCache.enabled, or simulator.kvCache.enabled for all stages"},
		{"simulator", `{"maxRequestMiB":0}`, "simulator.maxRequestMiB", "must be within 1 to 512"},
		{"simulator", `{"maxRequestMiB":513}`, "simulator.maxRequestMiB", "must be within 1 to 512"},
		{"simulator", `{"version":"v0.10.0","maxRequestMiB":8}`, "simulator.maxRequestMiB", "needs a newer simulator: v0.10.0 has a fixed limit"},
		{"decode", `{"enabled":true,"args":["--max-request-body-size-mb=8"]}`, "decode.args[0]", "use simulator.maxRequestMiB"},
		{"prefill", `{"args":["--max-request-body-size-mb","8"]}`, "prefill.args[0]", "use simulator.maxRequestMiB"},
		{"simulator", `{"startupDuration":"-1s"}`, "simulator.startupDuration", "must be 0s or more"},
		{"simulator", `{"startupDuration":"5m"}`, "simulator.startupDuration", "must be below readyTimeout (5m0s)"},
		{"simulator", `{"version":"v0.8.0","startupDuration":"1m"}`, "simulator.startupDuration", "needs a newer simulator: v0.8.0 has no delay"},
		{"simulator", `{"loras":["sql",""]}`, "simulator.loras[1]", "must not be empty"},
		{"simulator", `{"loras":["sql","sql"]}`, "simulator.loras[1]", "is listed twice"},
		{"simulator", `{"loras":["random"]}`, "simulator.loras[0]", "is the name of the model"},
		{"simulator", `{"maxLoras":0}`, "simulator.maxLoras", "must be 1 or more"},
		{"simulator", `{"maxLoras":3,"maxCpuLoras":2}`, "simulator.maxCpuLoras", "must be maxLoras (3) or more"},
		{"decode", `{"enabled":true,"args":["--lora-modules","{}"]}`, "decode.args[0]", "use simulator.loras"},
		{"simulator", `{"model":""}`, "simulator.model", "must not be empty"},
		{"loadBalancing", `{"connectionPool":{"http1MaxPendingRequests":0}}`, "loadBalancing.connectionPool.http1MaxPendingRequests", "must be 1 or more"},
		{"loadBalancing", `{"connectionPool":{"maxRequestsPerConnection":-1}}`, "loadBalancing.connectionPool.maxRequestsPerConnection", "must be 1 or more"},
		// Enumerations.
		{"loadBalancing", `{"algorithm":"ROUNDROBIN"}`, "loadBalancing.algorithm", "did you mean ROUND_ROBIN?"},
		{"loadBalancing", `{"algorithm":"least_request"}`, "loadBalancing.algorithm", "pulumi config set --path loadBalancing.algorithm LEAST_REQUEST"},
		{"service", `{"type":"Loadbalancer"}`, "service.type", "did you mean LoadBalancer?"},
		{"service", `{"type":"ExternalName"}`, "service.type", "must be one of ClusterIP, NodePort, LoadBalancer"},
		{"imagePullPolicy", "ifnotpresent", "imagePullPolicy", "did you mean IfNotPresent?"},
		// Names.
		{"name", "Not_A_Name", "name", "lowercase RFC 1123 label"},
		{"name", "a123456789-123456789-123456789-123456789-123456789", "name", "no more than 49 characters"},
		{"namespace", "-x", "namespace", "lowercase RFC 1123 label"},
		{"service", `{"name":"1proxy"}`, "service.name", "DNS-1035"},
		{"gateway", `{"routeName":"Gate Way"}`, "gateway.routeName", "DNS-1035"},
		{"gateway", `{"className":""}`, "gateway.className", "subdomain"},
		{"imagePullSecrets", `["UPPER"]`, "imagePullSecrets[0]", "subdomain"},
		{"imagePullSecrets", `["a","a"]`, "imagePullSecrets[1]", "listed twice"},
		{"image", "", "image", "must be an image reference"},
		{"image", "Has/Upper:v1", "image", "must be an image reference"},
		{"epp", `{"image":"a b"}`, "epp.image", "must be an image reference"},
		// Quantities.
		{"resources", `{"requests":{"cpu":"lots"}}`, "resources.requests.cpu", "must be a quantity"},
		{"resources", `{"requests":{"memory":"-1Mi"}}`, "resources.requests.memory", "must not be negative"},
		{"resources", `{"requests":{"cpus":"1"}}`, "resources.requests.cpus", "is not a resource"},
		{"resources", `{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}`, "resources.requests.cpu", "must not be above the limit of 1"},
		{"decode", `{"resources":{"limits":{"memory":true}}}`, "decode.resources.limits.memory", "must be a quantity"},
		// Flags that the program sets.
		{"decode", `{"args":["--port=1"]}`, "decode.args[0]", "use decode.port"},
		{"prefill", `{"args":["--x","-seed","3"]}`, "prefill.args[1]", "use simulator.seed"},
		{"epp", `{"args":["--secure-serving=false"]}`, "epp.args[0]", "cannot be set here: use epp.secureServing"},
		{"epp", `{"args":[""]}`, "epp.args[0]", "must not be empty"},
		{"inferenceGateway", `{"auth":{"keyGeneration":0}}`, "inferenceGateway.auth.keyGeneration", "must be 1 or more"},
		// Monitoring.
		{"tracing", `{"enabled":true}`, "tracing.endpoint", "pulumi config set --path tracing.endpoint otel-collector.monitoring:4317"},
		{"tracing", `{"endpoint":"http://collector:4317"}`, "tracing.endpoint", "has a scheme"},
		{"tracing", `{"endpoint":"collector"}`, "tracing.endpoint", "missing port"},
		{"tracing", `{"endpoint":"collector:0"}`, "tracing.endpoint", "must be within 1 to 65535"},
		{"tracing", `{"sampling":-0.1}`, "tracing.sampling", "must be within 0 to 1"},
		{"tracing", `{"sampling":10}`, "tracing.sampling", "must be within 0 to 1"},
		{"monitoring", `{"interval":"500ms"}`, "monitoring.interval", "must be 1s or more"},
		{"monitoring", `{"interval":15}`, "monitoring.interval", "must be a duration"},
		{"monitoring", `{"labels":{"release":1}}`, "monitoring.labels.release", "must be a string"},
		{"monitoring", `{"labels":["release"]}`, "monitoring.labels", "must be an object with keys"},
		{"monitoring", `{"labels":{"not a label":"x"}}`, "monitoring.labels[\"not a label\"]", "is not a label"},
		{"monitoring", `{"labels":{"app.kubernetes.io/name":"a b"}}`, "monitoring.labels[\"app.kubernetes.io/name\"]", "is not a label"},
		{"monitoring", `{"prometheus":{"namespace":"Monitoring"}}`, "monitoring.prometheus.namespace", "lowercase RFC 1123 label"},
		{"monitoring", `{"prometheus":{"podLabels":{"":"x"}}}`, "monitoring.prometheus.podLabels[\"\"]", "is not a label"},
		{"monitoring", `{"alerts":{"after":"0s"}}`, "monitoring.alerts.after", "must be 1s or more"},
		{"monitoring", `{"alerts":{"queueLength":0}}`, "monitoring.alerts.queueLength", "must be 1 or more"},
		{"monitoring", `{"alerts":{"errorPercent":101}}`, "monitoring.alerts.errorPercent", "must be within 1 to 100"},
		// Conflicts.
		{"prefill", `{"enabled":true}`, "prefill.enabled", "needs decode.enabled"},
		{"inferencePool", `{"enabled":true}`, "inferencePool.enabled", "needs epp.enabled"},
		{"inferenceGateway", `{"enabled":true}`, "inferenceGateway.enabled", "deploys nothing"},
		// An own EndpointPickerConfig.
		{"epp", `{"pluginsConfig":{"kind":"EndpointPickerConfig","plugins":[{"type":"x"}]}}`, "epp.pluginsConfig.apiVersion", "must be llm-d.ai/v1alpha1 or inference.networking.x-k8s.io/v1alpha1 for EPP v0.10.0"},
		{"epp", `{"pluginsConfig":{"apiVersion":"inference.networking.x-k8s.io/v1alpha1","kind":"EndpointPickerConfig"}}`, "epp.pluginsConfig.plugins", "at least one plugin"},
		{"epp", `{"pluginsConfig":{"apiVersion":"inference.networking.x-k8s.io/v1alpha1","kind":"EndpointPickerConfig","plugins":[{"type":"random-picker"},{"type":"random-picker"}]}}`, "epp.pluginsConfig.plugins[1]", "has the same name as"},
		{"epp", `{"pluginsConfig":{"apiVersion":"inference.networking.x-k8s.io/v1alpha1","kind":"EndpointPickerConfig","plugins":[{"type":"random-picker"}],"schedulingProfiles":[{"name":"p","plugins":[{"pluginRef":"b"}]}]}}`, "epp.pluginsConfig.schedulingProfiles[0].plugins[0].pluginRef", "must be the name of one of the plugins"},
	} {
		_, err := load(map[string]string{test.key: test.value})
		var all *Error
		require.ErrorAs(t, err, &all, "%s=%s", test.key, test.value)
		require.Equal(t, test.path, all.Problems[0].Path, "%s=%s", test.key, test.value)
		require.ErrorContains(t, err, test.message, "%s=%s", test.key, test.value)
		require.ErrorContains(t, err, "fix: pulumi config")
	}
}

func TestConflictingSettingsAreRefused(t *testing.T) {
	t.Parallel()
	on := `{"enabled":true}`
	for name, test := range map[string]struct {
		values        map[string]string
		path, message string
	}{
		"two ports for one EPP": {
			map[string]string{"epp": on, "prefill": `{"enabled":true,"port":8300}`, "decode": on},
			"prefill.port", "must equal decode.port (8200)",
		},
		"no port above": {
			map[string]string{
				"epp": on, "prefill": `{"enabled":true,"port":65535}`, "decode": `{"enabled":true,"port":65535}`,
			},
			"decode.port", "must be below 65535",
		},
		"objectives without EPP": {
			map[string]string{"objectives": `{"batch":{"priority":-1}}`}, "objectives", "needs epp.enabled",
		},
		"objectives without pool": {
			map[string]string{"epp": on, "objectives": `{"batch":{"priority":-1}}`, "inferencePool": `{"enabled":false}`},
			"inferencePool.enabled", "must be true for objectives",
		},
		"objectives of an EPP without queues": {
			map[string]string{"epp": `{"enabled":true,"image":"epp:v0.4.0"}`, "objectives": `{"batch":{"priority":-1}}`},
			"objectives", "EPP v0.4.0 has no queues for priorities",
		},
		"one queue with two limits": {
			map[string]string{"epp": on, "objectives": `{"a":{"queueBytes":1},"b":{}}`},
			"objectives.b.priority", "is also that of a",
		},
		"a queue beside an own configuration": {
			map[string]string{
				"epp":        `{"enabled":true,"pluginsConfig":{"apiVersion":"llm-d.ai/v1alpha1","kind":"EndpointPickerConfig","plugins":[{"type":"random-picker"}]}}`,
				"objectives": `{"batch":{"queueBytes":1}}`,
			},
			"objectives.batch.queueBytes", "use flowControl.priorityBands in epp.pluginsConfig",
		},
		"an empty queue": {
			map[string]string{"epp": on, "objectives": `{"batch":{"queueBytes":0}}`}, "objectives.batch.queueBytes", "must be 1 or more",
		},
		"a number in place of an objective": {
			map[string]string{"epp": on, "objectives": `{"batch":-1}`}, "objectives.batch", "must be an object with keys",
		},
		"a list of objectives": {
			map[string]string{"epp": on, "objectives": `["batch"]`}, "objectives", "must be an object with keys",
		},
		"a typo in an objective": {
			map[string]string{"epp": on, "objectives": `{"batch":{"prority":-1}}`},
			"objectives.batch.prority", "pulumi config set --path objectives.batch.priority -- -1",
		},
		"a name that no object can have": {
			map[string]string{"epp": on, "objectives": `{"Batch":{}}`}, "objectives.Batch", "that an InferenceObjective can have",
		},
		"no gateway that checks the key": {
			map[string]string{"inferenceGateway": `{"enabled":true,"istio":{"enabled":true},"auth":{"enabled":true}}`},
			"inferenceGateway.auth.enabled", "needs the standard gateway",
		},
		"a gateway that does not check the key": {
			map[string]string{"inferenceGateway": `{"enabled":true,"standard":{"enabled":true},"istio":{"enabled":true},"auth":{"enabled":true}}`},
			"inferenceGateway.auth.enabled", "inferenceGateway.istio would let anyone in",
		},
		"another gateway that does not check the key": {
			map[string]string{"inferenceGateway": `{"enabled":true,"standard":{"enabled":true},"auth":{"enabled":true}}`, "gateway": on},
			"inferenceGateway.auth.enabled", "gateway would let anyone in",
		},
	} {
		_, err := load(test.values)
		require.ErrorContains(t, err, test.path, name)
		require.ErrorContains(t, err, test.message, name)
	}
}

func TestBoundsAreInclusive(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ key, value string }{
		{"replicas", "1"},
		{"decode", `{"replicas":1,"port":1}`},
		{"decode", `{"port":65535}`},
		{"service", `{"port":65535,"type":"NodePort"}`},
		{"logVerbosity", "0"},
		{"logVerbosity", "10"},
		{"readyTimeout", "1s"},
		{"simulator", `{"maxNumSeqs":1,"seed":0}`},
		{"simulator", `{"seed":-1}`},
		{"simulator", `{"maxRequestMiB":1}`},
		{"simulator", `{"maxRequestMiB":512,"version":"v0.10.1"}`},
		{"simulator", `{"maxRequestMiB":4,"version":"v0.10.0"}`},
		{"name", "a12345678901234567890123456789012345678901234567"},
		{"image", "example.com/sim@sha256:0000000000000000000000000000000000000000000000000000000000000000"},
		{"resources", `{"requests":{"cpu":1,"memory":"1Gi","example.com/gpu":2},"limits":{"cpu":"1","example.com/gpu":2}}`},
		{"loadBalancing", `{"algorithm":"LEAST_CONN","connectionPool":{"http1MaxPendingRequests":1}}`},
		{"monitoring", `{"interval":"1s","labels":{"app.kubernetes.io/name":"x","release":""},"alerts":{"after":"1s","queueLength":1,"errorPercent":100}}`},
	} {
		_, err := load(map[string]string{test.key: test.value})
		require.NoError(t, err, "%s=%s", test.key, test.value)
	}
}
