// Package tests holds the tests of the whole program under mocks: the graph of every
// example, its outputs, and everything that the program refuses. The tests on a real
// cluster are in tests/e2e.
package tests

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/recorder"
	"github.com/llm-d-sim/llm-d-sim/internal/stackfile"
	"github.com/llm-d-sim/llm-d-sim/stacks"
	"github.com/llm-d-sim/llm-d-sim/stacks/status"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// result is the outcome of one run of the program.
type result struct {
	*recorder.Recorder
	err     error
	exports map[string]any
}

type option func(*pulumi.RunInfo)

func preview(info *pulumi.RunInfo) { info.DryRun = true }

// run runs the program under mocks.
func run(t *testing.T, values map[string]string, live *fakeCluster, options ...option) result {
	t.Helper()
	full := map[string]string{}
	for key, value := range values {
		if !strings.Contains(key, ":") {
			key = "llm-d-sim:" + key
		}
		full[key] = value
	}
	r := result{Recorder: recorder.New(), exports: map[string]any{}}
	program := stacks.Program{Values: full, Deployer: stacks.Deployer{Connect: live.connect, Settle: live.settle}}
	var exports map[string]pulumi.Input
	options = append(options, func(info *pulumi.RunInfo) {
		info.Organization = "organization"
		r.Preview = info.DryRun
	})
	runOptions := []pulumi.RunOption{pulumi.WithMocks("llm-d-sim", "test", r.Recorder)}
	for _, o := range options {
		runOptions = append(runOptions, pulumi.RunOption(o))
	}
	r.err = pulumi.RunErr(func(ctx *pulumi.Context) error {
		if err := program.Run(ctx); err != nil {
			return err
		}
		exports = ctx.GetCurrentExportMap()
		return nil
	}, runOptions...)
	// The run waits for the outputs of resources, but not for those that hold plain values.
	for name, value := range exports {
		output, err := internals.UnsafeAwaitOutput(t.Context(), pulumi.ToOutput(value))
		if err == nil && output.Known {
			r.exports[name] = output.Value
		}
	}
	require.Empty(t, r.Errors())
	return r
}

// stackFile reads a checked-in configuration as Pulumi passes it to the program.
func stackFile(t *testing.T, name string) map[string]string {
	t.Helper()
	values, err := stackfile.Values("..", name)
	require.NoError(t, err)
	return values
}

func TestStackGraphsMatchGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, name := range stackfile.Names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, stackFile(t, name), fullCluster())
			require.NoError(t, r.err)
			got, err := json.MarshalIndent(r.Registrations(), "", "  ")
			require.NoError(t, err)
			golden := filepath.Join("testdata", name+".json")
			if *update {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(golden, append(got, '\n'), 0o600))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.JSONEq(t, string(want), string(got), "rewrite with: go test ./tests -update")
		})
	}
}

func TestStacksCanBePreviewedBeforeTheyExist(t *testing.T) {
	t.Parallel()
	for _, name := range stackfile.Names {
		before := run(t, stackFile(t, name), fullCluster(), preview)
		require.NoError(t, before.err, name)
		after := run(t, stackFile(t, name), fullCluster())
		require.Len(t, before.Registrations(), len(after.Registrations()), "a preview shows every resource of %s", name)
		require.NotContains(t, before.exports, "readyReplicas", "unknown outputs are left out")
	}
}

// everything enables every part.
var everything = map[string]string{
	"epp":              `{"enabled":true,"replicas":2,"secureServing":true}`,
	"networkPolicy":    `{"enabled":true}`,
	"inferencePool":    `{"enabled":true}`,
	"inferenceGateway": `{"enabled":true,"standard":{"enabled":true},"istio":{"enabled":true}}`,
	"prefill":          `{"enabled":true}`,
	"decode":           `{"enabled":true}`,
	"gateway":          `{"enabled":true,"routeName":"route"}`,
	"loadBalancing":    `{"enabled":true,"algorithm":"LEAST_CONN","connectionPool":{"http1MaxPendingRequests":5,"maxRequestsPerConnection":6}}`,
}

func TestGraphIsSound(t *testing.T) {
	t.Parallel()
	r := run(t, everything, fullCluster())
	require.NoError(t, r.err)
	for _, reg := range r.Registrations() {
		switch {
		case strings.HasPrefix(reg.Type, "kubernetes:"):
			require.Contains(t, reg.Provider, "pulumi:providers:kubernetes::kubernetes", reg.Name)
			metadata := reg.Inputs["metadata"].(map[string]any)
			annotations := metadata["annotations"].(map[string]any)
			require.Equal(t, "organization/llm-d-sim/test", annotations[llmd.StackAnnotation], reg.Name)
			if reg.Type != "kubernetes:core/v1:Namespace" {
				require.Equal(t, "llm-d-sim", metadata["namespace"], reg.Name)
				require.Contains(t, reg.Parent, "llm-d-sim:index:", "%s belongs to a component", reg.Name)
			}
		case strings.HasPrefix(reg.Type, "random:"):
			require.Contains(t, reg.Provider, "pulumi:providers:random::random")
		case strings.HasPrefix(reg.Type, "llm-d-sim:"):
			require.Len(t, strings.Split(reg.Type, ":"), 3)
			require.NotEmpty(t, reg.Inputs)
		}
	}
	epp, found := r.Find("kubernetes:apps/v1:Deployment", llmd.EPPName)
	require.True(t, found)
	for _, dependency := range []string{"llm-d-sim-epp-role-binding", "llm-d-sim-epp-config", "llm-d-sim-epp-pool"} {
		require.Contains(t, strings.Join(epp.Dependencies, " "), dependency, "the EPP needs it when it starts")
	}
}

func TestSelectorsAreDisjoint(t *testing.T) {
	t.Parallel()
	r := run(t, everything, fullCluster())
	require.NoError(t, r.err)
	pods := map[string]map[string]any{}
	for _, reg := range r.Registrations() {
		if reg.Type == "kubernetes:apps/v1:Deployment" {
			spec := reg.Inputs["spec"].(map[string]any)
			template := spec["template"].(map[string]any)
			pods[reg.Object()] = template["metadata"].(map[string]any)["labels"].(map[string]any)
		}
	}
	require.Len(t, pods, 5)
	for _, reg := range r.Registrations() {
		if reg.Type != "kubernetes:core/v1:Service" {
			continue
		}
		selector := reg.Inputs["spec"].(map[string]any)["selector"].(map[string]any)
		var selected []string
		for name, labels := range pods {
			matches := true
			for k, v := range selector {
				matches = matches && labels[k] == v
			}
			if matches {
				selected = append(selected, name)
			}
		}
		want := reg.Object()
		if want == llmd.ProxyServiceName {
			want = llmd.DecodeName
		}
		require.Equal(t, []string{want}, selected, "Service %s", reg.Object())
	}
}

func TestAutoscaledStagesKeepTheirReplicas(t *testing.T) {
	t.Parallel()
	r := run(t, map[string]string{
		"decode":  `{"enabled":true,"replicas":1,"autoscaling":{"enabled":true,"scaler":"other"}}`,
		"prefill": `{"enabled":true}`, "podDisruptionBudget": `{"enabled":true}`,
	}, fullCluster())
	require.NoError(t, r.err)
	for deployment, want := range map[string]struct {
		ignored  []string
		replicas int
	}{llmd.DecodeName: {[]string{"spec.replicas"}, 1}, llmd.PrefillName: {nil, 2}} {
		d, found := r.Find("kubernetes:apps/v1:Deployment", deployment)
		require.True(t, found)
		require.EqualValues(t, want.replicas, d.Inputs["spec"].(map[string]any)["replicas"], deployment)
		require.Equal(t, want.ignored, d.IgnoreChanges, deployment)
		_, budget := r.Find("kubernetes:policy/v1:PodDisruptionBudget", deployment)
		require.True(t, budget, deployment)
	}
}

func TestNoPodGetsASidecarOfIstio(t *testing.T) {
	t.Parallel()
	r := run(t, everything, fullCluster())
	require.NoError(t, r.err)
	pods := 0
	for _, reg := range r.Registrations() {
		if reg.Type == "kubernetes:apps/v1:Deployment" {
			template := reg.Inputs["spec"].(map[string]any)["template"].(map[string]any)
			require.Equal(t, "false", template["metadata"].(map[string]any)["labels"].(map[string]any)["sidecar.istio.io/inject"], reg.Name)
			pods++
		}
	}
	require.Equal(t, 5, pods)
}

func TestConfigMapChangeRollsPods(t *testing.T) {
	t.Parallel()
	checksum := func(values map[string]string, deployment string) string {
		r := run(t, values, fullCluster())
		require.NoError(t, r.err)
		d, found := r.Find("kubernetes:apps/v1:Deployment", deployment)
		require.True(t, found)
		template := d.Inputs["spec"].(map[string]any)["template"].(map[string]any)
		return template["metadata"].(map[string]any)["annotations"].(map[string]any)["llm-d-sim/config-checksum"].(string)
	}
	other := map[string]string{}
	for k, v := range everything {
		other[k] = v
	}
	other["loadBalancing"] = `{"algorithm":"RANDOM"}`
	other["epp"] = `{"enabled":true,"pluginsConfig":{"apiVersion":"inference.networking.x-k8s.io/v1alpha1",` +
		`"kind":"EndpointPickerConfig","plugins":[{"type":"decode-filter"},{"type":"random-picker"}]}}`
	for _, deployment := range []string{llmd.StandardGatewayName, llmd.EPPName} {
		before := checksum(everything, deployment)
		require.Equal(t, before, checksum(everything, deployment), "the same configuration renders the same")
		require.NotEqual(t, before, checksum(other, deployment), deployment)
	}
}

func TestStatusIsReadFromTheCluster(t *testing.T) {
	t.Parallel()
	live := bareCluster()
	short := ready(llmd.DecodeName, 2)
	short.Status.ReadyReplicas = 1
	live.deployments = []appsv1.Deployment{
		short, ready(llmd.PrefillName, 1), ready(llmd.StandardGatewayName, 1),
	}
	r := run(t, stackFile(t, "dev"), live)
	require.NoError(t, r.err)
	require.Equal(t, "llm-d-sim", r.exports["namespace"])
	require.EqualValues(t, 2, r.exports["replicas"])
	require.EqualValues(t, 1, r.exports["readyReplicas"])
	require.Equal(t, "http://infra-sim-inference-gateway.llm-d-sim.svc.cluster.local:8080", r.exports["gatewayURL"])
	require.Equal(t, []string{
		"infra-sim-inference-gateway.llm-d-sim.svc.cluster.local:8080",
		"gaie-inference-scheduling-proxy.llm-d-sim.svc.cluster.local:8200",
		"ms-sim-llm-d-modelservice-decode.llm-d-sim.svc.cluster.local:8200",
	}, r.exports["endpoints"])
	require.Equal(t, status.Part{Desired: 1, Ready: 1, Image: llmd.SimulatorImage, Service: llmd.PrefillName},
		r.exports["status"].(map[string]status.Part)["prefill"])

	conditions := map[string]status.Condition{}
	for _, c := range r.exports["conditions"].([]status.Condition) {
		conditions[c.Type] = c
	}
	require.Equal(t, "False", conditions["Ready"].Status)
	require.Contains(t, conditions["Ready"].Message, "1 of 2 replicas of ms-sim-llm-d-modelservice-decode")
	require.Contains(t, conditions["Ready"].Message, "Deployment gaie-sim-epp does not exist")
	require.Equal(t, "True", conditions["StandardGatewayReady"].Status)
	require.Equal(t, "True", conditions["PrefillReady"].Status)
	require.Equal(t, "False", conditions["DecodeReady"].Status)
	require.Equal(t, "False", conditions["EPPReady"].Status)
}

// TestStatusWaitsForPodsToBecomeReady simulates a provider that is ahead of the pods.
func TestStatusWaitsForPodsToBecomeReady(t *testing.T) {
	t.Parallel()
	const name = "ms-sim-llm-sim-decode"
	for settle, want := range map[time.Duration]int{0: 0, time.Minute: 2} {
		live := bareCluster()
		starting := ready(name, 2)
		starting.Status.ReadyReplicas = 0
		live.before = [][]appsv1.Deployment{{starting}}
		live.deployments = []appsv1.Deployment{ready(name, 2)}
		live.settle = settle
		r := run(t, nil, live)
		require.NoError(t, r.err)
		require.EqualValues(t, want, r.exports["readyReplicas"], settle)
	}
}

func TestSeedIsRandomUnlessSet(t *testing.T) {
	t.Parallel()
	simulator := func(r result) []any {
		d, found := r.Find("kubernetes:apps/v1:Deployment", "ms-sim-llm-sim-decode")
		require.True(t, found)
		pod := d.Inputs["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
		return pod["containers"].([]any)[0].(map[string]any)["args"].([]any)
	}
	r := run(t, nil, bareCluster())
	require.NoError(t, r.err)
	_, found := r.Find("random:index/randomInteger:RandomInteger", "llm-d-sim-simulator-seed")
	require.True(t, found)
	require.Contains(t, simulator(r), "--seed=42")

	r = run(t, map[string]string{"simulator": `{"seed":7}`}, bareCluster())
	require.NoError(t, r.err)
	_, found = r.Find("random:index/randomInteger:RandomInteger", "llm-d-sim-simulator-seed")
	require.False(t, found)
	require.Contains(t, simulator(r), "--seed=7")
}

func TestOneReadyEPPOfSeveralIsEnough(t *testing.T) {
	t.Parallel()
	live := fullCluster()
	epp := ready(llmd.EPPName, 2)
	epp.Status.ReadyReplicas = 1
	live.deployments = []appsv1.Deployment{epp}
	r := run(t, everything, live)
	require.NoError(t, r.err)
	for _, c := range r.exports["conditions"].([]status.Condition) {
		if c.Type == "EPPReady" {
			require.Equal(t, "True", c.Status, c.Message)
		}
	}
	deployment, found := r.Find("kubernetes:apps/v1:Deployment", llmd.EPPName)
	require.True(t, found)
	require.Equal(t, map[string]any{"type": "Recreate"}, deployment.Inputs["spec"].(map[string]any)["strategy"])
}

func TestProviderIdentifiesClusterByUID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "4711"} {
		live := bareCluster()
		if id != "" {
			live.namespaces = map[string]metav1.PartialObjectMetadata{
				"kube-system": {ObjectMeta: metav1.ObjectMeta{UID: types.UID(id)}},
			}
		}
		r := run(t, nil, live)
		require.NoError(t, r.err)
		provider, found := r.Find("pulumi:providers:kubernetes", "kubernetes")
		require.True(t, found)
		known, is := provider.Inputs["clusterIdentifier"]
		require.Equal(t, id != "", is)
		if is {
			require.Equal(t, id, known)
		}
	}
}
