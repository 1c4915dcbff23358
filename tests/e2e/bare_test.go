package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// The tests in this file run first, on a cluster without any CRDs. Tests that need the
// cluster to themselves, or measure it, run one after the other; the parallel ones follow.

func TestMakeUp(t *testing.T) {
	s := lab.Dev(t)
	require.Contains(t, lab.Ups[0], "26 created")
	require.Contains(t, lab.Ups[1], "26 unchanged", "a second `make up` changes nothing")
	for _, changed := range []string{"created", "updated", "replaced", "deleted"} {
		require.NotContains(t, strings.Split(lab.Ups[1], "Resources:")[1], changed)
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
	}, labtest.Names(s.Objects()))

	outputs := s.Outputs()
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
	out, err := lab.Command("git", "status", "--porcelain").Output()
	require.NoError(t, err)
	return string(out)
}

func TestPortMap(t *testing.T) {
	s := lab.Dev(t)
	port := func(service string) (any, any) {
		o := s.Get("service", service)
		return labtest.At(t, o, "spec", "ports", 0, "port"), labtest.At(t, o, "spec", "ports", 0, "targetPort")
	}
	containerPorts := func(deployment string, container int) map[string]any {
		ports := map[string]any{}
		for _, p := range labtest.At(t, s.Get("deployment", deployment),
			"spec", "template", "spec", "containers", container, "ports").([]any) {
			ports[p.(map[string]any)["name"].(string)] = p.(map[string]any)["containerPort"]
		}
		return ports
	}
	service, target := port("infra-sim-inference-gateway")
	require.EqualValues(t, 8080, service)
	require.EqualValues(t, 80, target)
	require.EqualValues(t, 19000, containerPorts("infra-sim-inference-gateway", 0)["probe"])
	require.EqualValues(t, 19000, labtest.At(t, s.Get("deployment", "infra-sim-inference-gateway"),
		"spec", "template", "spec", "containers", 0, "readinessProbe", "httpGet", "port"))

	service, target = port("gaie-sim-epp")
	require.EqualValues(t, 8100, service)
	require.Equal(t, "grpc", target)
	require.EqualValues(t, 9002, containerPorts("gaie-sim-epp", 0)["grpc"])
	require.EqualValues(t, 9003, labtest.At(t, s.Get("deployment", "gaie-sim-epp"),
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
	s := lab.Dev(t)
	before := s.Objects()
	s.Set("decode.replicas", "4")
	summary := s.Up()
	require.Contains(t, summary, "2 updated")
	require.Contains(t, summary, "24 unchanged")

	after := s.Objects()
	const decode = "Deployment ms-sim-llm-d-modelservice-decode"
	require.NotEqual(t, before[decode], after[decode])
	delete(before, decode)
	delete(after, decode)
	require.Equal(t, before, after, "nothing else is touched")

	live := s.Get("deployment", "ms-sim-llm-d-modelservice-decode")
	require.EqualValues(t, 4, labtest.At(t, live, "status", "readyReplicas"))
	outputs := s.Outputs()
	require.EqualValues(t, 4, outputs["replicas"])
	require.EqualValues(t, 4, outputs["readyReplicas"])
	require.EqualValues(t, 4, outputs["status"].(map[string]any)["decode"].(map[string]any)["ready"])
	s.Set("decode.replicas", "2")
	s.Up()
}

func TestDriftIsReportedAndRepaired(t *testing.T) {
	s := lab.Dev(t)
	lab.Kubectl(t, "scale", "deployment", "ms-sim-llm-d-modelservice-decode", "-n", s.Namespace, "--replicas=1")
	lab.Kubectl(t, "rollout", "status", "deployment", "ms-sim-llm-d-modelservice-decode", "-n", s.Namespace)
	s.Up()
	require.EqualValues(t, 1, s.Outputs()["readyReplicas"], "even an up that changes nothing reports the current state")
	s.Up("--refresh")
	require.EqualValues(t, 2, s.Outputs()["readyReplicas"])
	require.EqualValues(t, 2, labtest.At(t, s.Get("deployment", "ms-sim-llm-d-modelservice-decode"), "status", "readyReplicas"))
}

func TestEveryPodIsRestricted(t *testing.T) {
	s := lab.Dev(t)
	namespace := lab.Kubectl(t, "get", "namespace", s.Namespace, "-o", "jsonpath={.metadata.labels}")
	require.Contains(t, namespace, `"pod-security.kubernetes.io/enforce":"restricted"`)
	// Each Deployment has its pods, so the API server has admitted them.
	pods := strings.Fields(lab.Kubectl(t, "get", "pods", "-n", s.Namespace, "-o", "name"))
	require.Len(t, pods, 5)
}

func TestMissingIstioIsReportedBeforeAnythingChanges(t *testing.T) {
	s := lab.NewStack(t, "no-istio", map[string]any{"loadBalancing": map[string]any{"enabled": true}})
	out, took := s.UpFails()
	require.Contains(t, out, "loadBalancing.enabled: the cluster does not know DestinationRule (networking.istio.io/v1)")
	require.Contains(t, out, "install Istio")
	require.NotContains(t, out, "the server could not find")
	require.Less(t, took, 5*time.Second)
	require.False(t, s.NamespaceExists(), "nothing is created")
	fmt.Printf("missing Istio CRDs reported after %.1f s\n", took.Seconds())
}

func TestBadConfigurationsChangeNothing(t *testing.T) {
	t.Parallel()
	config := lab.Sample(t, "dev")
	s := lab.NewStack(t, "typed", config)
	s.Up()
	before := s.Objects()

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
		s.Configure(config)
		script := "pulumi config set " + test.args
		set, err := s.Command("bash", "-c", script).CombinedOutput()
		require.NoError(t, err, "%s\n%s", script, set)
		out, err := s.Pulumi("preview")
		require.Error(t, err, script)
		require.Regexp(t, `\n *`+regexp.QuoteMeta(test.path)+" = ", out, script)
		require.Contains(t, out, "fix: pulumi config", script)
		require.Contains(t, out, "nothing was changed", script)
		require.NotContains(t, out, "hush", "a secret is not repeated")
		require.NotContains(t, out, "unhandled error", script)
	}
	require.Equal(t, before, s.Objects(), "no resourceVersion changed")
	fmt.Printf("%d bad configurations refused, nothing changed\n", len(cases))
}

func TestChangesReachClusterAndRollPods(t *testing.T) {
	t.Parallel()
	s := lab.NewStack(t, "changes", lab.Sample(t, "dev"))
	s.Up()
	const decode, gateway, epp = "ms-sim-llm-d-modelservice-decode", "infra-sim-inference-gateway", "gaie-sim-epp"
	template := func(deployment string) string {
		return lab.Kubectl(t, "get", "deployment", deployment, "-n", s.Namespace, "-o", "jsonpath={.spec.template}")
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
		s.Set(test.path, test.value)
		s.Up()
		after := template(test.deployment)
		require.NotEqual(t, before, after, test.path)
		require.Contains(t, after, test.want, test.path)
		live := s.Get("deployment", test.deployment)
		require.Equal(t, labtest.At(t, live, "spec", "replicas"), labtest.At(t, live, "status", "updatedReplicas"), "%s rolls the pods", test.path)
	}
	require.EqualValues(t, 8101, labtest.At(t, s.Get("service", epp), "spec", "ports", 0, "port"))
	require.Contains(t, labtest.At(t, s.Get("configmap", gateway), "data", "envoy.yaml"), "port_value: 8101")

	s.Set("inferenceGateway.standard.port", "8081")
	s.Up()
	require.EqualValues(t, 8081, labtest.At(t, s.Get("service", gateway), "spec", "ports", 0, "port"))
	require.Contains(t, s.Outputs()["gatewayURL"], ":8081")

	before := template(epp)
	s.Set("epp.pluginsConfig.apiVersion", "inference.networking.x-k8s.io/v1alpha1")
	s.Set("epp.pluginsConfig.kind", "EndpointPickerConfig")
	s.Set("epp.pluginsConfig.plugins[0].type", "decode-filter")
	s.Set("epp.pluginsConfig.plugins[1].type", "random-picker")
	s.Up()
	require.NotEqual(t, before, template(epp))
	require.Contains(t, labtest.At(t, s.Get("configmap", epp), "data", "plugins.yaml"), "random-picker")
}

func TestDisabledPartsAreDeleted(t *testing.T) {
	t.Parallel()
	config := lab.Sample(t, "dev")
	s := lab.NewStack(t, "parts", config)
	s.Up()
	whole := s.Objects()

	s.Set("epp.enabled", "false")
	s.Up()
	for _, name := range labtest.Names(s.Objects()) {
		require.NotContains(t, name, "gaie-sim-epp")
	}
	require.NotContains(t, labtest.At(t, s.Get("configmap", "infra-sim-inference-gateway"), "data", "envoy.yaml"), "ext_proc")
	require.NotContains(t, s.Outputs()["status"], "epp")

	s.Set("inferenceGateway.standard.enabled", "false")
	s.Set("inferenceGateway.enabled", "false")
	s.Up()
	for _, name := range labtest.Names(s.Objects()) {
		require.NotContains(t, name, "infra-sim")
	}
	require.Empty(t, s.Outputs()["gatewayURL"])

	// Single mode and back.
	s.Set("prefill.enabled", "false")
	s.Set("decode.enabled", "false")
	s.Up()
	require.Equal(t, []string{"Deployment ms-sim-llm-sim-decode", "Service gaie-inference-scheduling-proxy"}, labtest.Names(s.Objects()))
	require.EqualValues(t, 2, s.Outputs()["readyReplicas"])

	s.Configure(config)
	s.Up()
	require.Equal(t, labtest.Names(whole), labtest.Names(s.Objects()))
}

func TestExistingNamespaceIsUsedAndKept(t *testing.T) {
	t.Parallel()
	s := lab.NewStack(t, "adopt", map[string]any{})
	lab.Kubectl(t, "create", "namespace", s.Namespace)
	t.Cleanup(func() { lab.Kubectl(t, "delete", "namespace", s.Namespace, "--wait=false") })

	out, err := s.Pulumi("up", "--yes", "--skip-preview")
	require.Error(t, err, "a namespace is not taken over silently")
	require.Contains(t, out, "pulumi config set createNamespace false")

	s.Set("createNamespace", "false")
	s.Up()
	require.Len(t, s.Objects(), 2)

	s.Adopts = true
	s.Destroy()
	require.True(t, s.NamespaceExists(), "an adopted namespace outlives the stack")
	require.Empty(t, s.Objects(), "destroy leaves none of the stack's objects")
}

func TestStacksAreIsolated(t *testing.T) {
	t.Parallel()
	kept := lab.NewStack(t, "kept", map[string]any{"name": "kept"})
	kept.Up()
	other := lab.NewStack(t, "other", map[string]any{"name": "other"})
	other.Up()
	seed := func(s *labtest.Stack, name string) any {
		return labtest.At(t, s.Get("deployment", name), "spec", "template", "spec", "containers", 0, "args", 0)
	}
	first := seed(kept, "ms-sim-kept-decode")
	require.Contains(t, first, "--seed=")
	require.NotEqual(t, first, seed(other, "ms-sim-other-decode"), "each stack has a seed of its own")
	kept.Set("replicas", "3")
	kept.Up()
	require.Equal(t, first, seed(kept, "ms-sim-kept-decode"), "the seed is kept")

	// A stack does not touch another stack's namespace.
	other.Set("namespace", kept.Namespace)
	out, err := other.Pulumi("preview")
	require.Error(t, err)
	require.Contains(t, out, "belongs to another Pulumi stack, organization/llm-d-sim/kept")
	other.Set("namespace", other.Namespace)

	before := kept.Objects()
	require.Len(t, before, 2)
	other.Destroy()
	require.Contains(t, kept.Up(), "unchanged")
	require.Equal(t, before, kept.Objects(), "destroying another stack touched nothing")
}

func TestDestroyLeavesNothing(t *testing.T) {
	t.Parallel()
	s := lab.NewStack(t, "gone", lab.Sample(t, "dev"))
	s.Up()
	require.True(t, s.NamespaceExists())
	s.Destroy()
	require.False(t, s.NamespaceExists())
	require.NotContains(t, lab.Kubectl(t, "get", "clusterroles,clusterrolebindings", "-o", "name"), "gaie-sim")
}

// TestNoOpCost compares an up that changes nothing with that of an empty program.
func TestNoOpCost(t *testing.T) {
	empty := labtest.EmptyProgram(t)
	lab.Settle(t)
	s := lab.NewStack(t, "cost", lab.Sample(t, "dev"))
	s.Up()
	floor := lab.NewStack(t, "floor", nil)
	floor.Program(empty)
	floor.Up()
	took := func(s *labtest.Stack) time.Duration {
		began := time.Now()
		s.Up()
		return time.Since(began)
	}
	// In alternation, and the best of each: other load on the machine affects both.
	ours, engine := time.Hour, time.Hour
	for range 5 {
		ours, engine = min(ours, took(s)), min(engine, took(floor))
	}
	fmt.Printf("an up that changes nothing: %.2f s; of an empty program: %.2f s; ratio %.2f\n",
		ours.Seconds(), engine.Seconds(), ours.Seconds()/engine.Seconds())
}
