package traffic

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

func TestRequestsSurviveLossOfEPP(t *testing.T) {
	s := lab.Dev(t)
	client := gateway(t, s)
	l := startLoad(t, 4, func(ctx context.Context, i int) traffic.Answer { return client.Completion(ctx, prompt(i), 5) })
	time.Sleep(2 * time.Second)
	t.Cleanup(func() { lab.Kubectl(t, "scale", "deployment", llmd.EPPName, "-n", s.Namespace, "--replicas=1") })
	lab.Kubectl(t, "scale", "deployment", llmd.EPPName, "-n", s.Namespace, "--replicas=0")
	lab.Kubectl(t, "wait", "--for=delete", "pod", "-l", "component=epp", "-n", s.Namespace, "--timeout=140s")
	time.Sleep(5 * time.Second)
	sum := l.stop()
	report(t, "EPP scaled to 0", sum)
	fmt.Printf("EPP scaled to 0: %d requests failed, within %s\n", sum.Requests-sum.OK, sum.FailedFor)
	require.LessOrEqual(t, sum.FailedFor, 1500*time.Millisecond, "only until the loss is detected")
	require.Len(t, sum.Pods, 2)

	lab.Kubectl(t, "scale", "deployment", llmd.EPPName, "-n", s.Namespace, "--replicas=1")
	lab.Kubectl(t, "rollout", "status", "deployment", llmd.EPPName, "-n", s.Namespace, "--timeout=60s")
	schedulesAgain(t, s, client)
}

func TestRequestsSurviveHangingEPP(t *testing.T) {
	s := lab.Dev(t)
	client := gateway(t, s)
	const atATime = 4
	send := func(ctx context.Context, i int) traffic.Answer { return client.Completion(ctx, prompt(i), 5) }
	l := startLoad(t, atATime, send)
	time.Sleep(time.Second)
	epp := processesOf(t, pods(t, s, llmd.EPPName)[0])
	signal := func(s syscall.Signal) {
		for _, pid := range epp {
			require.NoError(t, syscall.Kill(pid, s))
		}
	}
	signal(syscall.SIGSTOP)
	t.Cleanup(func() { signal(syscall.SIGCONT) })
	time.Sleep(2 * time.Second) // A health check starts every 0.5 s and times out after 1 s.
	next := traffic.Sum(traffic.Run(t.Context(), 200, atATime, send, nil))
	report(t, "after 2 s of an EPP that hangs", next)
	require.Equal(t, next.Requests, next.OK, next.Failed)
	require.Len(t, next.Pods, 2)

	signal(syscall.SIGCONT)
	sum := l.stop()
	report(t, "an EPP that hangs and goes on", sum)
	require.Equal(t, sum.Requests, sum.OK, "those that it had wait for it: %v", sum.Failed)
	schedulesAgain(t, s, client)
}

// schedulesAgain waits until the EPP chooses pods again.
func schedulesAgain(t *testing.T, s *labtest.Stack, client *traffic.Client) {
	t.Helper()
	eventually(t, 30*time.Second, func() bool {
		before := picked(t, s)
		return client.Completion(t.Context(), "x", 1).OK() && picked(t, s) > before
	}, "the EPP schedules again")
}

func TestDeletedPodLosesNoRequests(t *testing.T) {
	t.Parallel()
	s := newStack(t, "deleted", lab.Sample(t, "dev"))
	s.Up()
	client := gateway(t, s)
	l := startLoad(t, 10, func(ctx context.Context, i int) traffic.Answer {
		if i%2 == 0 {
			return client.Stream(ctx, prompt(i), 20)
		}
		return client.Completion(ctx, prompt(i), 20)
	})
	time.Sleep(time.Second)
	lab.Kubectl(t, "delete", "pod", "-n", s.Namespace, pods(t, s, llmd.DecodeName)[0].name) // Waits until it is gone.
	time.Sleep(time.Second)
	sum := l.stop()
	report(t, "a decode pod deleted", sum)
	require.Greater(t, sum.Requests, 200)
	require.Equal(t, sum.Requests, sum.OK, sum.Failed)
}

func TestRolloutLosesNoRequests(t *testing.T) {
	t.Parallel()
	s := newStack(t, "rollout", lab.Sample(t, "dev"))
	s.Up()
	old := pods(t, s, llmd.DecodeName)
	client := gateway(t, s)
	l := startLoad(t, 10, func(ctx context.Context, i int) traffic.Answer { return client.Completion(ctx, prompt(i), 20) })
	time.Sleep(time.Second)
	// The same simulator under another name: the image changes.
	s.Set("decode.image", "docker.io/library/llm-d-simulator:local")
	require.Contains(t, s.Up(), "2 updated")
	for _, p := range old {
		lab.Kubectl(t, "wait", "--for=delete", "pod", p.name, "-n", s.Namespace, "--timeout=60s")
	}
	sum := l.stop()
	report(t, "the decode pods' image changed", sum)
	require.Equal(t, sum.Requests, sum.OK, sum.Failed)
	for _, p := range pods(t, s, llmd.DecodeName) {
		require.Contains(t, sum.Pods, p.name, "the new pods answer")
	}
}

func TestMissingImageIsReported(t *testing.T) {
	t.Parallel()
	s := newStack(t, "no-image", map[string]any{
		"inferenceGateway": map[string]any{"enabled": true, "standard": map[string]any{"enabled": true}},
	})
	s.Up()
	client := gateway(t, s)
	l := startLoad(t, 4, func(ctx context.Context, i int) traffic.Answer { return client.Completion(ctx, prompt(i), 5) })
	s.Set("readyTimeout", "15s")
	s.Set("image", "image.invalid/none:v1")
	out, took := s.UpFails()
	sum := l.stop()
	require.Regexp(t, s.DecodeName()+"-[a-z0-9]+-[a-z0-9]+", out, "the pod is named")
	require.Regexp(t, "ErrImagePull|ImagePullBackOff", out, "and its reason")
	report(t, fmt.Sprintf("a missing image, reported after %.1f s with readyTimeout 15s", took.Seconds()), sum)
	require.Less(t, took, 30*time.Second)
	require.Equal(t, sum.Requests, sum.OK, sum.Failed)

	s.Set("image", llmd.SimulatorImage)
	s.Up()
	require.EqualValues(t, 2, s.Outputs()["readyReplicas"])
}

func TestContainerThatExitsIsReported(t *testing.T) {
	t.Parallel()
	s := newStack(t, "exits", map[string]any{
		"decode": map[string]any{"enabled": true, "replicas": 1, "args": []string{"--no-such-flag"}}, "readyTimeout": "30s",
	})
	began := time.Now()
	said, wait := s.UpUntil("unknown flag: --no-such-flag")
	require.True(t, said, "the container's last log line")
	took := time.Since(began)
	fmt.Printf("a container that exits: reported after %.1f s with readyTimeout 30s\n", took.Seconds())
	require.Less(t, took, 20*time.Second)
	out, err := wait()
	require.Error(t, err)
	require.Contains(t, out, llmd.DecodeName)
}

func TestLongGenerationsLargePromptsAndManyConnections(t *testing.T) {
	t.Parallel()
	s := newStack(t, "long", map[string]any{
		"epp":              map[string]any{"enabled": true},
		"inferenceGateway": map[string]any{"enabled": true, "standard": map[string]any{"enabled": true}},
		"decode":           map[string]any{"enabled": true},
		"simulator": map[string]any{
			"interTokenLatency": "200ms", "maxNumSeqs": 1000, "maxModelLen": 1000000, "maxRequestMiB": 8,
		},
	})
	s.Up()
	client := gateway(t, s)
	// A response that streams while its gateway is replaced.
	answered := make(chan traffic.Answer, 1)
	go func() {
		answered <- client.Post(t.Context(), "/v1/completions", map[string]any{
			"model": "random", "prompt": "a long answer", "max_tokens": 130, "ignore_eos": true,
		})
	}()
	eventually(t, 10*time.Second, func() bool { return running(t, s) > 0 }, "the generation has begun")
	before := pods(t, s, llmd.StandardGatewayName)
	s.Set("loadBalancing.algorithm", "RANDOM")
	s.Up()
	require.NotEqual(t, before, pods(t, s, llmd.StandardGatewayName), "the gateway was replaced")
	slow := <-answered
	fmt.Printf("a generation of %s, while its gateway was replaced\n", slow.Whole.Round(time.Millisecond))
	require.True(t, slow.OK(), slow)
	require.Greater(t, slow.Whole, 25*time.Second)
	client = gateway(t, s)

	// Over the simulator's own limit of 4 MiB, and over what the EPP accepts in one message.
	large := client.Completion(t.Context(), strings.Repeat("a large prompt ", 315_000), 1)
	fmt.Printf("a prompt of 4.5 MiB: %s\n", large.Whole.Round(time.Millisecond))
	require.True(t, large.OK(), large)
	require.Contains(t, large.Body, `"choices"`, "a simulator answers with nothing at all above its limit")
	larger := client.Completion(t.Context(), strings.Repeat("a large prompt ", 595_000), 1)
	require.Equal(t, http.StatusRequestEntityTooLarge, larger.Status, larger)
	require.Contains(t, requireError(t, larger.Status, larger.Body), "larger than 8 MiB")

	const n = 1000
	sum := traffic.Sum(traffic.Run(t.Context(), n, n, func(ctx context.Context, i int) traffic.Answer {
		return client.Completion(ctx, prompt(i), 5)
	}, nil))
	report(t, "1000 connections at a time", sum)
	require.Equal(t, n, sum.OK, sum.Failed)
}

// running returns how many requests the decode pods are working on.
func running(t *testing.T, s *labtest.Stack) int {
	t.Helper()
	sum := 0
	for _, p := range pods(t, s, s.DecodeName()) {
		sum += metric(t, p, llmd.SimulatorPort, "/metrics", "vllm:num_requests_running")
	}
	return sum
}

func TestOneEPPLeads(t *testing.T) {
	config := lab.Sample(t, "dev")
	config["epp"] = map[string]any{"enabled": true, "replicas": 2}
	s := newStack(t, "leader", config)
	s.Up()
	require.EqualValues(t, 1, s.Outputs()["status"].(map[string]any)["epp"].(map[string]any)["ready"])
	for _, c := range s.Outputs()["conditions"].([]any) {
		require.Equal(t, "True", c.(map[string]any)["status"], "%v", c)
	}
	leader := func() string {
		return strings.TrimSpace(lab.Kubectl(t, "get", "endpointslices", "-n", s.Namespace,
			"-l", "kubernetes.io/service-name="+llmd.EPPName, "-o",
			`jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].targetRef.name}`))
	}
	first := leader()
	require.NotContains(t, first, " ", "only one of them receives requests")
	client := gateway(t, s)
	l := startLoad(t, 4, func(ctx context.Context, i int) traffic.Answer { return client.Completion(ctx, prompt(i), 5) })
	time.Sleep(time.Second)
	began := time.Now()
	lab.Kubectl(t, "delete", "pod", "-n", s.Namespace, first, "--grace-period=0", "--force")
	eventually(t, 30*time.Second, func() bool { next := leader(); return next != "" && next != first }, "another pod leads")
	fmt.Printf("a new leader after %.1f s\n", time.Since(began).Seconds())
	time.Sleep(2 * time.Second)
	sum := l.stop()
	report(t, "the leading EPP killed", sum)
	fmt.Printf("the leading EPP killed: %d requests failed, within %s\n", sum.Requests-sum.OK, sum.FailedFor)
	require.Less(t, sum.Requests-sum.OK, sum.Requests/20)
	eventually(t, 20*time.Second, func() bool {
		before := pickedBy(t, s, podNamed(t, s, leader()))
		return client.Completion(t.Context(), "x", 1).OK() && pickedBy(t, s, podNamed(t, s, leader())) > before
	}, "the new leader schedules")
}
