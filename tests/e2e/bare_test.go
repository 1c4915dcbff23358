package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The tests in this file run first, on a cluster without any CRDs.

func TestMakeUp(t *testing.T) {
	s := devStack(t)
	require.Contains(t, makeUps[0], "24 created")
	require.Contains(t, makeUps[1], "24 unchanged", "a second `make up` changes nothing")
	for _, changed := range []string{"created", "updated", "replaced", "deleted"} {
		require.NotContains(t, strings.Split(makeUps[1], "Resources:")[1], changed)
	}
	require.Empty(t, strings.TrimSpace(gitStatus(t)), "`make up` leaves the clone clean")

	require.Equal(t, []string{
		"ConfigMap gaie-sim-epp", "ConfigMap infra-sim-inference-gateway",
		"Deployment gaie-sim-epp", "Deployment infra-sim-inference-gateway",
		"Deployment ms-sim-llm-d-modelservice-decode", "Deployment ms-sim-llm-d-modelservice-prefill",
		"Role gaie-sim-epp", "RoleBinding gaie-sim-epp",
		"Service gaie-inference-scheduling-proxy", "Service gaie-sim-epp", "Service infra-sim-inference-gateway",
		"Service ms-sim-llm-d-modelservice-decode", "Service ms-sim-llm-d-modelservice-prefill",
		"ServiceAccount gaie-sim-epp",
	}, names(s.objects()))

	outputs := s.outputs()
	require.Equal(t, "llm-d-sim", outputs["namespace"])
	require.EqualValues(t, 2, outputs["replicas"])
	require.EqualValues(t, 2, outputs["readyReplicas"])
	require.Equal(t, "http://infra-sim-inference-gateway.llm-d-sim.svc.cluster.local:8080", outputs["gatewayURL"])
	require.Len(t, outputs["endpoints"], 3)
	require.Len(t, outputs["status"], 4)
	for _, c := range outputs["conditions"].([]any) {
		require.Equal(t, "True", c.(map[string]any)["status"], "%v", c)
	}
}

func gitStatus(t *testing.T) string {
	t.Helper()
	out, err := command(clone, nil, "git", "status", "--porcelain").Output()
	require.NoError(t, err)
	return string(out)
}

func TestPortMap(t *testing.T) {
	s := devStack(t)
	port := func(service string) (any, any) {
		o := s.get("service", service)
		return at(t, o, "spec", "ports", 0, "port"), at(t, o, "spec", "ports", 0, "targetPort")
	}
	containerPorts := func(deployment string, container int) map[string]any {
		ports := map[string]any{}
		for _, p := range at(t, s.get("deployment", deployment),
			"spec", "template", "spec", "containers", container, "ports").([]any) {
			ports[p.(map[string]any)["name"].(string)] = p.(map[string]any)["containerPort"]
		}
		return ports
	}
	service, target := port("infra-sim-inference-gateway")
	require.EqualValues(t, 8080, service)
	require.EqualValues(t, 80, target)
	require.EqualValues(t, 19000, containerPorts("infra-sim-inference-gateway", 0)["probe"])
	require.EqualValues(t, 19000, at(t, s.get("deployment", "infra-sim-inference-gateway"),
		"spec", "template", "spec", "containers", 0, "readinessProbe", "httpGet", "port"))

	service, target = port("gaie-sim-epp")
	require.EqualValues(t, 8100, service)
	require.Equal(t, "grpc", target)
	require.EqualValues(t, 9002, containerPorts("gaie-sim-epp", 0)["grpc"])
	require.EqualValues(t, 9003, at(t, s.get("deployment", "gaie-sim-epp"),
		"spec", "template", "spec", "containers", 0, "readinessProbe", "grpc", "port"))

	for _, name := range []string{"gaie-inference-scheduling-proxy", "ms-sim-llm-d-modelservice-decode", "ms-sim-llm-d-modelservice-prefill"} {
		service, target = port(name)
		require.EqualValues(t, 8200, service, name)
		require.Equal(t, "http", target, name)
	}
	require.EqualValues(t, 8200, containerPorts("ms-sim-llm-d-modelservice-prefill", 0)["http"])
	require.EqualValues(t, 8201, containerPorts("ms-sim-llm-d-modelservice-decode", 0)["simulator"])
	require.EqualValues(t, 8200, containerPorts("ms-sim-llm-d-modelservice-decode", 1)["http"])
}

func TestScaling(t *testing.T) {
	s := devStack(t)
	before := s.objects()
	s.set("decode.replicas", "4")
	summary := s.up()
	require.Contains(t, summary, "1 updated")
	require.Contains(t, summary, "23 unchanged")

	after := s.objects()
	const decode = "Deployment ms-sim-llm-d-modelservice-decode"
	require.NotEqual(t, before[decode], after[decode])
	delete(before, decode)
	delete(after, decode)
	require.Equal(t, before, after, "nothing else is touched")

	live := s.get("deployment", "ms-sim-llm-d-modelservice-decode")
	require.EqualValues(t, 4, at(t, live, "status", "readyReplicas"))
	outputs := s.outputs()
	require.EqualValues(t, 4, outputs["replicas"])
	require.EqualValues(t, 4, outputs["readyReplicas"])
	require.EqualValues(t, 4, outputs["status"].(map[string]any)["decode"].(map[string]any)["ready"])
	s.set("decode.replicas", "2")
	s.up()
}

func TestADriftIsRepairedAndToldInTheOutputs(t *testing.T) {
	s := devStack(t)
	kubectl(t, "scale", "deployment", "ms-sim-llm-d-modelservice-decode", "-n", s.namespace, "--replicas=1")
	kubectl(t, "rollout", "status", "deployment", "ms-sim-llm-d-modelservice-decode", "-n", s.namespace)
	s.up()
	require.EqualValues(t, 1, s.outputs()["readyReplicas"], "even an up that changes nothing tells what is there")
	s.up("--refresh")
	require.EqualValues(t, 2, s.outputs()["readyReplicas"])
	require.EqualValues(t, 2, at(t, s.get("deployment", "ms-sim-llm-d-modelservice-decode"), "status", "readyReplicas"))
}

func TestEveryPodIsRestricted(t *testing.T) {
	s := devStack(t)
	namespace := kubectl(t, "get", "namespace", s.namespace, "-o", "jsonpath={.metadata.labels}")
	require.Contains(t, namespace, `"pod-security.kubernetes.io/enforce":"restricted"`)
	// The API server admitted them, so that each Deployment has its pods.
	pods := strings.Fields(kubectl(t, "get", "pods", "-n", s.namespace, "-o", "name"))
	require.Len(t, pods, 5)
}

func TestMissingIstioIsToldBeforeAnythingChanges(t *testing.T) {
	s := newStack(t, "no-istio", map[string]any{"loadBalancing": map[string]any{"enabled": true}})
	began := time.Now()
	out, err := s.pulumi("up", "--yes", "--skip-preview")
	took := time.Since(began)
	require.Error(t, err)
	require.Contains(t, out, "loadBalancing.enabled: the cluster does not know DestinationRule (networking.istio.io/v1)")
	require.Contains(t, out, "install Istio")
	require.NotContains(t, out, "the server could not find")
	require.Less(t, took, 5*time.Second)
	require.False(t, s.namespaceExists(), "nothing is created")
	fmt.Printf("missing Istio CRDs told after %.1f s\n", took.Seconds())
}

func TestBadConfigurationsChangeNothing(t *testing.T) {
	s := devStack(t)
	before := s.objects()
	working := configFile(t)
	original, err := os.ReadFile(working)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.WriteFile(working, original, 0o600)) })

	cases := []struct{ args, path string }{
		{"replcas 4", "replcas"},
		{"--path decode.replcas 4", "decode.replcas"},
		{"--path decode.Replicas 4", "decode.Replicas"},
		{"decode.replicas 4", "decode.replicas"},
		{"--path inferenceGateway.standard.enable true", "inferenceGateway.standard.enable"},
		{"--path resources.request.cpu 1", "resources.request"},
		{"replicas four", "replicas"},
		{"replicas 0", "replicas"},
		{"replicas -- -1", "replicas"},
		{"--path decode.replicas --type string 4", "decode.replicas"},
		{"--path decode.replicas 0", "decode.replicas"},
		{"--path prefill.replicas -- -3", "prefill.replicas"},
		{"--path decode.enabled maybe", "decode.enabled"},
		{"--path decode.image 12345", "decode.image"},
		{"--path decode.port 0", "decode.port"},
		{"--path decode.port 65536", "decode.port"},
		{"--path service.port 0", "service.port"},
		{"--path epp.port 65536", "epp.port"},
		{"--path inferenceGateway.standard.port 0", "inferenceGateway.standard.port"},
		{"--path inferenceGateway.istio.port 65536", "inferenceGateway.istio.port"},
		{"--path resources.requests.cpu lots", "resources.requests.cpu"},
		{"--path epp.resources.requests.memory 1QB", "epp.resources.requests.memory"},
		{"--path decode.resources.limits.memory -- -1Mi", "decode.resources.limits.memory"},
		{"--path resources.limits.cpu 50m && pulumi config set --path resources.requests.cpu 60m", "resources.requests.cpu"},
		{"--path loadBalancing.algorithm FASTEST", "loadBalancing.algorithm"},
		{"--path loadBalancing.connectionPool.http1MaxPendingRequests 0", "loadBalancing.connectionPool.http1MaxPendingRequests"},
		{"--path service.type Loadbalancer", "service.type"},
		{"imagePullPolicy sometimes", "imagePullPolicy"},
		{"name Not_A_Name", "name"},
		{"namespace UPPER", "namespace"},
		{"image 'a b'", "image"},
		{"readyTimeout 5", "readyTimeout"},
		{"logVerbosity 11", "logVerbosity"},
		{"--path service.name gaie-sim-epp", "service.name"},
		{"--path service.name ms-sim-llm-d-modelservice-decode", "service.name"},
		{"--path prefill.port 8300", "prefill.port"},
		{"--path inferencePool.enabled true && pulumi config set --path epp.enabled false", "inferencePool.enabled"},
		{"--path decode.enabled false", "prefill.enabled"},
		{"--path 'decode.args[0]' -- --port=1", "decode.args[0]"},
		{"--path epp.apiKey hush", "epp.apiKey"},
		{"--path --secret epp.args[0] hush", "epp"},
		{"--path epp.pluginsConfig.kind Other", "epp.pluginsConfig.kind"},
	}
	for _, test := range cases {
		require.NoError(t, os.WriteFile(working, original, 0o600))
		script := "pulumi config set " + test.args
		require.NoError(t, errorOf(clone, labEnv, "bash", "-c", script), script)
		out, err := s.pulumi("preview", "--stack", s.name)
		require.Error(t, err, script)
		require.Regexp(t, `\n *`+regexp.QuoteMeta(test.path)+" = ", out, script)
		require.Contains(t, out, "mend it: pulumi config", script)
		require.Contains(t, out, "nothing was changed", script)
		require.NotContains(t, out, "hush", "a secret is not repeated")
		require.NotContains(t, out, "unhandled error", script)
	}
	require.Equal(t, before, s.objects(), "no resourceVersion changed")
	fmt.Printf("%d bad configurations refused, nothing changed\n", len(cases))
}

// configFile is the working copy of the dev stack's configuration.
func configFile(t *testing.T) string {
	t.Helper()
	for _, pair := range labEnv {
		if path, is := strings.CutPrefix(pair, "PULUMI_OPTION_CONFIG_FILE="); is {
			return filepath.Clean(path)
		}
	}
	require.Fail(t, "make env does not tell the configuration file")
	return ""
}

func TestChangesReachTheClusterAndRollThePods(t *testing.T) {
	s := newStack(t, "changes", sample(t, "dev"))
	s.up()
	const decode, gateway, epp = "ms-sim-llm-d-modelservice-decode", "infra-sim-inference-gateway", "gaie-sim-epp"
	template := func(deployment string) string {
		return kubectl(t, "get", "deployment", deployment, "-n", s.namespace, "-o", "jsonpath={.spec.template}")
	}
	for _, test := range []struct {
		path, value, deployment, want string
	}{
		{"decode.image", "ghcr.io/llm-d/llm-d-inference-sim:v0.10.1", decode, `"ghcr.io/llm-d/llm-d-inference-sim:v0.10.1"`},
		{"decode.args[0]", "--log-http", decode, `"--log-http"`},
		{"decode.resources.requests.cpu", "150m", decode, `"cpu":"150m"`},
		{"decode.logVerbosity", "3", decode, `"--v=3"`},
		{"epp.image", "ghcr.io/llm-d/llm-d-inference-scheduler:v0.4.1", epp, "llm-d-inference-scheduler:v0.4.1"},
		{"epp.verbosity", "4", epp, `"--v=4"`},
		{"inferenceGateway.standard.image", "envoyproxy/envoy:v1.36.2", gateway, "envoyproxy/envoy:v1.36.2"},
		{"simulator.timeToFirstToken", "150ms", decode, `"--time-to-first-token=150ms"`},
		// These reach the pods by a ConfigMap, whose checksum rolls them.
		{"epp.port", "8101", gateway, "llm-d-sim/config-checksum"},
		{"loadBalancing.algorithm", "RANDOM", gateway, "llm-d-sim/config-checksum"},
	} {
		before := template(test.deployment)
		s.set(test.path, test.value)
		s.up()
		after := template(test.deployment)
		require.NotEqual(t, before, after, test.path)
		require.Contains(t, after, test.want, test.path)
		live := s.get("deployment", test.deployment)
		require.Equal(t, at(t, live, "spec", "replicas"), at(t, live, "status", "updatedReplicas"), "%s rolls the pods", test.path)
	}
	require.EqualValues(t, 8101, at(t, s.get("service", epp), "spec", "ports", 0, "port"))
	require.Contains(t, at(t, s.get("configmap", gateway), "data", "envoy.yaml"), "port_value: 8101")

	s.set("inferenceGateway.standard.port", "8081")
	s.up()
	require.EqualValues(t, 8081, at(t, s.get("service", gateway), "spec", "ports", 0, "port"))
	require.Contains(t, s.outputs()["gatewayURL"], ":8081")

	before := template(epp)
	s.set("epp.pluginsConfig.apiVersion", "inference.networking.x-k8s.io/v1alpha1")
	s.set("epp.pluginsConfig.kind", "EndpointPickerConfig")
	s.set("epp.pluginsConfig.plugins[0].type", "random-picker")
	s.up()
	require.NotEqual(t, before, template(epp))
	require.Contains(t, at(t, s.get("configmap", epp), "data", "plugins.yaml"), "random-picker")
}

func TestDisabledPartsAreDeleted(t *testing.T) {
	config := sample(t, "dev")
	s := newStack(t, "parts", config)
	s.up()
	whole := s.objects()

	s.set("epp.enabled", "false")
	s.up()
	for _, name := range names(s.objects()) {
		require.NotContains(t, name, "gaie-sim-epp")
	}
	require.NotContains(t, at(t, s.get("configmap", "infra-sim-inference-gateway"), "data", "envoy.yaml"), "ext_proc")
	require.NotContains(t, s.outputs()["status"], "epp")

	s.set("inferenceGateway.standard.enabled", "false")
	s.set("inferenceGateway.enabled", "false")
	s.up()
	for _, name := range names(s.objects()) {
		require.NotContains(t, name, "infra-sim")
	}
	require.Empty(t, s.outputs()["gatewayURL"])

	// Single mode and back.
	s.set("prefill.enabled", "false")
	s.set("decode.enabled", "false")
	s.up()
	require.Equal(t, []string{"Deployment ms-sim-llm-sim-decode", "Service gaie-inference-scheduling-proxy"}, names(s.objects()))
	require.EqualValues(t, 2, s.outputs()["readyReplicas"])

	s.configure(config)
	s.up()
	require.Equal(t, names(whole), names(s.objects()))
}

func TestAnExistingNamespaceIsAdoptedAndLeft(t *testing.T) {
	s := newStack(t, "adopt", map[string]any{})
	kubectl(t, "create", "namespace", s.namespace)
	t.Cleanup(func() {
		require.True(t, s.namespaceExists(), "an adopted namespace outlives the stack")
		kubectl(t, "delete", "namespace", s.namespace)
	})
	// Cleanups run last first: the stack must be gone before the namespace is checked.
	t.Cleanup(func() {
		s.must("destroy", "--yes", "--skip-preview")
		require.Empty(t, s.objects(), "destroy leaves none of ours")
	})

	out, err := s.pulumi("up", "--yes", "--skip-preview")
	require.Error(t, err, "a namespace is not taken over silently")
	require.Contains(t, out, "pulumi config set createNamespace false")

	s.set("createNamespace", "false")
	s.up()
	require.Len(t, s.objects(), 2)
}

func TestTwoStacksDoNotMeet(t *testing.T) {
	kept := newStack(t, "kept", map[string]any{"name": "kept"})
	kept.up()
	t.Run("other", func(t *testing.T) {
		other := newStack(t, "other", map[string]any{"name": "other"})
		other.up()
		seed := func(s *stack, name string) any {
			return at(t, s.get("deployment", name), "spec", "template", "spec", "containers", 0, "args", 0)
		}
		first := seed(kept, "ms-sim-kept-decode")
		require.Contains(t, first, "--seed=")
		require.NotEqual(t, first, seed(other, "ms-sim-other-decode"), "each stack has a seed of its own")
		kept.set("replicas", "3")
		kept.up()
		require.Equal(t, first, seed(kept, "ms-sim-kept-decode"), "which stays")

		// The other's namespace is none of this stack's business.
		other.set("namespace", kept.namespace)
		out, err := other.pulumi("preview")
		require.Error(t, err)
		require.Contains(t, out, "belongs to the Pulumi stack organization/llm-d-sim/kept")
		other.set("namespace", other.namespace)
	})
	before := kept.objects()
	require.Len(t, before, 2)
	require.Contains(t, kept.up(), "unchanged")
	require.Equal(t, before, kept.objects(), "the destruction of another stack touched nothing")
}

func TestDestroyLeavesNothing(t *testing.T) {
	t.Run("stack", func(t *testing.T) {
		s := newStack(t, "gone", maps.Clone(sample(t, "dev")))
		s.up()
		require.True(t, s.namespaceExists())
	})
	require.Empty(t, kubectl(t, "get", "namespace", "ns-gone", "--ignore-not-found"))
	require.NotContains(t, kubectl(t, "get", "clusterroles,clusterrolebindings", "-o", "name"), "gaie-sim")
}

// TestNoOpCost compares an up that changes nothing with one of an empty program.
func TestNoOpCost(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, errorOf(mustAbs(t, "testdata/empty"), nil, "go", "build", "-o", empty, "."))
	s := newStack(t, "cost", sample(t, "dev"))
	s.up()
	floor := newStack(t, "floor", nil)
	project := filepath.Join(floor.dir, "Pulumi.yaml")
	require.NoError(t, os.WriteFile(project, fmt.Appendf(nil,
		"name: llm-d-sim\nruntime: {name: go, options: {binary: %s}}\n", empty), 0o600))
	floor.up()
	best := func(s *stack) time.Duration {
		least := time.Hour
		for range 3 {
			began := time.Now()
			s.up()
			least = min(least, time.Since(began))
		}
		return least
	}
	ours, engine := best(s), best(floor)
	fmt.Printf("an up that changes nothing: %.2f s; of an empty program: %.2f s; ratio %.2f\n",
		ours.Seconds(), engine.Seconds(), ours.Seconds()/engine.Seconds())
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	absolute, err := filepath.Abs(path)
	require.NoError(t, err)
	return absolute
}
