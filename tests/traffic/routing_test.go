package traffic

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

func TestAPIAnswersThroughEPP(t *testing.T) {
	s := lab.Dev(t)
	client := gateway(t, s)
	checkRouting(t, s, client)
}

// checkRouting checks what holds however the EPP finds the pods.
func checkRouting(t *testing.T, s *labtest.Stack, client *traffic.Client) {
	t.Helper()
	models := client.Get(t.Context(), "/v1/models")
	require.True(t, models.OK(), models)
	require.Contains(t, models.Body, `"random"`)

	before := picked(t, s)
	for name, send := range map[string]func(ctx context.Context, prompt string, maxTokens int) traffic.Answer{
		"completion": client.Completion, "chat": client.Chat, "stream": client.Stream,
	} {
		answer := send(t.Context(), name, 5)
		require.True(t, answer.OK(), "%s: %s", name, answer)
		require.Contains(t, answer.Pod, s.DecodeName(), "a decode pod answers")
	}
	require.Equal(t, 3, picked(t, s)-before, "the EPP scheduled each of them")

	same := traffic.Sum(traffic.Run(t.Context(), 20, 1, func(ctx context.Context, _ int) traffic.Answer {
		return client.Completion(ctx, long("affinity"), 5)
	}, nil))
	report(t, "one long prompt 20 times", same)
	_, favourite := same.Favourite()
	require.GreaterOrEqual(t, favourite, 19)

	different := traffic.Sum(traffic.Run(t.Context(), 40, 4, func(ctx context.Context, i int) traffic.Answer {
		return client.Completion(ctx, prompt(i), 5)
	}, nil))
	report(t, "40 different prompts", different)
	require.Equal(t, 40, different.OK)
	require.Len(t, different.Pods, len(pods(t, s, s.DecodeName())), "every decode pod gets some")
}

// TestGatewayFollowsEPPChoice leaves the EPP only one pod to choose.
func TestGatewayFollowsEPPChoice(t *testing.T) {
	t.Parallel()
	s := newStack(t, "chosen", map[string]any{
		"epp": map[string]any{"enabled": true, "pluginsConfig": map[string]any{
			"apiVersion": "inference.networking.x-k8s.io/v1alpha1", "kind": "EndpointPickerConfig",
			"plugins": []any{
				map[string]any{"type": "by-label-selector", "parameters": map[string]any{"matchLabels": map[string]any{"the": "one"}}},
				map[string]any{"type": "random-picker"},
			},
			"schedulingProfiles": []any{map[string]any{"name": "default", "plugins": []any{
				map[string]any{"pluginRef": "by-label-selector"}, map[string]any{"pluginRef": "random-picker"},
			}}},
		}},
		"inferenceGateway": map[string]any{"enabled": true, "standard": map[string]any{"enabled": true}},
		"replicas":         3,
	})
	s.Up()
	client := gateway(t, s)
	for _, p := range pods(t, s, s.DecodeName())[:2] {
		lab.Kubectl(t, "label", "pod", "-n", s.Namespace, p.name, "the=one")
		eventually(t, 20*time.Second, func() bool {
			// Often enough to reveal balancing over three pods.
			sum := traffic.Sum(traffic.Run(t.Context(), 10, 1, func(ctx context.Context, _ int) traffic.Answer {
				return client.Completion(ctx, "x", 1)
			}, nil))
			return sum.Pods[p.name] == 10
		}, "the EPP sees the label, and the gateway the EPP")
		sum := traffic.Sum(traffic.Run(t.Context(), 50, 5, func(ctx context.Context, i int) traffic.Answer {
			return client.Completion(ctx, prompt(i), 1)
		}, nil))
		report(t, "an EPP that knows one pod", sum)
		require.Equal(t, map[string]int{p.name: 50}, sum.Pods)
		lab.Kubectl(t, "label", "pod", "-n", s.Namespace, p.name, "the-")
	}
}

func TestPrefillRunsBeforeDecode(t *testing.T) {
	s := lab.Dev(t)
	checkPrefill(t, s, gateway(t, s))
}

// checkPrefill checks that long prompts, and only those, are processed by a prefill pod first.
func checkPrefill(t *testing.T, s *labtest.Stack, client *traffic.Client) {
	t.Helper()
	prefill := pods(t, s, llmd.PrefillName)[0]
	before := served(t, prefill)
	answer := client.Completion(t.Context(), long("prefill first"), 5)
	require.True(t, answer.OK(), answer)
	require.Contains(t, answer.Pod, llmd.DecodeName, "the decode pod answers")
	require.Equal(t, 1, served(t, prefill)-before, "a prefill pod processed the prompt")

	before = served(t, prefill)
	answer = client.Completion(t.Context(), "short", 5)
	require.True(t, answer.OK(), answer)
	require.Zero(t, served(t, prefill)-before, "a short prompt is not worth it")
}

func TestClientsCannotChooseAPod(t *testing.T) {
	s := lab.Dev(t)
	checkClientsCannotChoose(t, s, gateway(t, s))
}

// checkClientsCannotChoose checks what holds for every gateway.
func checkClientsCannotChoose(t *testing.T, s *labtest.Stack, client *traffic.Client) {
	t.Helper()
	prefill := pods(t, s, llmd.PrefillName)[0]
	before := served(t, prefill)
	target := prefill.address + ":8200"
	own := client.Headers
	for _, header := range []string{"x-gateway-destination-endpoint", "x-prefiller-host-port", "x-data-parallel-host-port"} {
		client.Headers = http.Header{}
		maps.Copy(client.Headers, own)
		client.Headers.Set(header, target)
		sum := traffic.Sum(traffic.Run(t.Context(), 10, 1, func(ctx context.Context, _ int) traffic.Answer {
			return client.Completion(ctx, "short", 1)
		}, nil))
		require.Equal(t, 10, sum.OK, sum.Failed)
		require.NotContains(t, sum.Pods, prefill.name, header)
	}
	require.Zero(t, served(t, prefill)-before, "nothing got there")

	client.Headers = own
	for _, path := range []string{
		"/admin/config", "/metrics", "/v1/../admin/config", "/v1/%2e%2e/admin/config", "/v1/models/..%2f..%2fadmin%2fconfig",
	} {
		require.Equal(t, http.StatusNotFound, client.Get(t.Context(), path).Status, path)
	}
}

// TestRoutingAcrossReleases has an EPP that finds pods by label, then by InferencePool, and then
// one of a newer release, which knows only InferencePools; and goes back.
func TestRoutingAcrossReleases(t *testing.T) {
	t.Parallel()
	newest := lab.LLMD()
	withLLMDv04(t)
	s := newStack(t, "releases", lab.Sample(t, "dev"))
	s.SetAll(labtest.LLMDv04)
	s.Up()
	addStranger(t, s)
	client := gateway(t, s)
	check := func() {
		checkRouting(t, s, client)
		checkPrefill(t, s, client)
	}
	check()
	change := func(what string, set func()) {
		t.Helper()
		old := append(pods(t, s, llmd.EPPName), pods(t, s, llmd.DecodeName)...)
		l := startLoad(t, 4, func(ctx context.Context, i int) traffic.Answer { return client.Completion(ctx, prompt(i), 5) })
		set()
		s.Up()
		for _, p := range old {
			if !slices.Contains(append(pods(t, s, llmd.EPPName), pods(t, s, llmd.DecodeName)...), p) {
				lab.Kubectl(t, "wait", "--for=delete", "pod", p.name, "-n", s.Namespace, "--timeout=60s")
			}
		}
		sum := l.stop()
		report(t, what, sum)
		require.Equal(t, sum.Requests, sum.OK, sum.Failed)
		check()
	}
	change("v0.4.0 with an InferencePool", func() { s.Set("inferencePool.enabled", "true") })
	change("v0.4.0 by label to "+newest["epp.image"], func() {
		s.Must("config", "rm", "--path", "inferencePool.enabled")
		s.SetAll(newest)
	})
	change("back to v0.4.0", func() { s.SetAll(labtest.LLMDv04) })
}

// addStranger runs a model server of somebody else in the stack's namespace, with the labels
// that all charts of llm-d set, and waits until it is ready.
func addStranger(t *testing.T, s *labtest.Stack) {
	t.Helper()
	client := lab.Client(t).CoreV1().Pods(s.Namespace)
	own, err := client.Get(t.Context(), pods(t, s, s.DecodeName())[0].name, metav1.GetOptions{})
	require.NoError(t, err)
	stranger := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "stranger", Labels: map[string]string{
		llmd.ServingLabel: "true", llmd.ServingLabelNew: "true", llmd.RoleLabel: llmd.RoleDecode,
	}}, Spec: own.Spec}
	stranger.Spec.NodeName = ""
	for i := range stranger.Spec.Containers {
		c := &stranger.Spec.Containers[i]
		if model := slices.Index(c.Args, "--model=random"); model >= 0 {
			c.Args[model] = "--model=stranger"
		}
	}
	_, err = client.Create(t.Context(), stranger, metav1.CreateOptions{})
	require.NoError(t, err)
	lab.Kubectl(t, "wait", "--for=condition=Ready", "pod/stranger", "-n", s.Namespace, "--timeout=60s")
}

func TestAlgorithmsWithoutEPP(t *testing.T) {
	t.Parallel()
	s := newStack(t, "algorithms", map[string]any{
		"inferenceGateway": map[string]any{"enabled": true, "standard": map[string]any{"enabled": true}},
		"replicas":         4,
	})
	s.Up()
	first := traffic.NewClient(url(t, s), "random").Completion(t.Context(), "the first of all", 1)
	require.True(t, first.OK(), "a gateway that is ready answers: %s", first)
	for _, algorithm := range []string{"ROUND_ROBIN", "RANDOM", "LEAST_REQUEST"} {
		s.Set("loadBalancing.algorithm", algorithm)
		s.Up()
		client := gateway(t, s)
		sum := traffic.Sum(traffic.Run(t.Context(), 400, 8, func(ctx context.Context, i int) traffic.Answer {
			return client.Completion(ctx, prompt(i), 1)
		}, nil))
		report(t, algorithm, sum)
		require.Equal(t, 400, sum.OK, sum.Failed)
		require.Len(t, sum.Pods, 4)
		if algorithm == "ROUND_ROBIN" {
			for pod, n := range sum.Pods {
				require.InDelta(t, 100, n, 8, pod) // 25 % of 400, give or take 2 %.
			}
		}
	}
}

// TestEnvoyAcceptsEveryBootstrap validates them with the Envoy in the gateway's image.
func TestEnvoyAcceptsEveryBootstrap(t *testing.T) {
	s := lab.Dev(t)
	bootstraps := map[string]string{}
	combinations, err := filepath.Glob("../../components/envoy/testdata/*.yaml")
	require.NoError(t, err)
	for _, file := range combinations {
		bootstraps[filepath.Base(file)] = read(file)
	}
	examples, err := filepath.Glob("../testdata/*.json")
	require.NoError(t, err)
	for _, file := range examples {
		// The bootstrap is the only text of this name in what an example deploys.
		if _, rest, found := strings.Cut(read(file), `"envoy.yaml": "`); found {
			var bootstrap string
			text, _, _ := strings.Cut(rest, "\n")
			require.NoError(t, json.Unmarshal([]byte(`"`+text), &bootstrap))
			bootstraps[filepath.Base(file)] = bootstrap
		}
	}
	for name, bootstrap := range bootstraps {
		out := lab.Kubectl(t, "exec", "-n", s.Namespace, "deployment/"+llmd.StandardGatewayName, "--",
			"/usr/local/bin/envoy", "--mode", "validate", "--log-level", "warn", "--config-yaml", bootstrap)
		require.Equal(t, "configuration '' OK", strings.TrimSpace(out), "%s: and no warning either", name)
	}
	fmt.Printf("Envoy accepts %d bootstraps\n", len(bootstraps))
	require.Greater(t, len(bootstraps), len(combinations))
}

// TestSmoke runs the command that users run.
func TestSmoke(t *testing.T) {
	for _, where := range []string{"CLUSTER=lab", "CLUSTER=current"} {
		out, err := lab.Command("make", "smoke", "NAME="+lab.Name, where).CombinedOutput()
		require.NoError(t, err, "%s: %s", where, out)
		require.Contains(t, string(out), "all checks passed")
		fmt.Printf("make smoke %s\n%s", where, out)
	}
}
