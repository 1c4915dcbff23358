// Package traffic sends real requests through real pods: Envoy, the EPP, the routing
// sidecar and the simulators on a node of the lab. `make test` runs it where such a node
// can run; it starts a lab of its own and removes it.
package traffic

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

var lab *labtest.Lab

func TestMain(m *testing.M) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		fmt.Println("skipped: real pods need Linux and root")
		return
	}
	os.Exit(labtest.Run(m, func() (_ *labtest.Lab, err error) {
		lab, err = labtest.Start("../..", "traffic", 1, "CRDS=inference", "NODE=real")
		return lab, err
	}))
}

// once returns a function that adds something to the running lab by these flags, when the
// first test calls it.
func once(flags ...string) func(*testing.T) {
	start := sync.OnceValues(func() (string, error) {
		out, err := lab.Command(lab.Path(), append([]string{"start", "--name", lab.Name}, flags...)...).CombinedOutput()
		return string(out), err
	})
	return func(t *testing.T) {
		t.Helper()
		out, err := start()
		require.NoError(t, err, out)
	}
}

// withLLMDv04 gives the node the images of labtest.LLMDv04, when the first test calls it.
func withLLMDv04(t *testing.T) {
	t.Helper()
	require.NoError(t, addLLMDv04())
}

var addLLMDv04 = sync.OnceValue(func() error { return lab.AddLLMDv04() })

// newStack creates a stack whose pods request little CPU, since those of several tests have
// to fit on a node with two cores.
func newStack(t *testing.T, name string, config map[string]any) *labtest.Stack {
	t.Helper()
	little := map[string]any{"requests": map[string]any{"cpu": "10m"}}
	config["resources"] = little
	if epp, has := config["epp"].(map[string]any); has {
		epp["resources"] = little
	}
	for _, kind := range []string{"standard", "istio"} {
		gateways, _ := config["inferenceGateway"].(map[string]any)
		if g, has := gateways[kind].(map[string]any); has {
			g["resources"] = little
		}
	}
	return lab.NewStack(t, name, config)
}

// gateway returns a client for a stack's gateway, at its Service's address: the machine has
// a route to the lab's Services. It waits until Envoy knows the pods and the EPP: Envoy
// resolves the pods every second and checks the EPP twice a second, so it may not know
// those that have just become ready.
func gateway(t *testing.T, s *labtest.Stack) *traffic.Client {
	t.Helper()
	knows := func(cluster string) int {
		return metric(t, pods(t, s, llmd.StandardGatewayName)[0], llmd.GatewayProbePort, "/stats/prometheus",
			fmt.Sprintf("envoy_cluster_membership_healthy{envoy_cluster_name=%q}", cluster))
	}
	eventually(t, 30*time.Second, func() bool { return knows("decode") == len(pods(t, s, s.DecodeName())) }, "the gateway knows its pods")
	if lab.Kubectl(t, "get", "deployment", llmd.EPPName, "-n", s.Namespace, "--ignore-not-found", "-o", "name") != "" {
		eventually(t, 30*time.Second, func() bool { return knows("epp") == 1 }, "the gateway knows the EPP")
	}
	return traffic.NewClient(url(t, s), "random")
}

// url returns the URL of the gateway's Service, by its address.
func url(t *testing.T, s *labtest.Stack) string {
	t.Helper()
	return serviceURL(t, s, llmd.StandardGatewayName, llmd.GatewayServicePort)
}

func serviceURL(t *testing.T, s *labtest.Stack, service string, port int) string {
	t.Helper()
	address := labtest.At(t, s.Get("service", service), "spec", "clusterIP").(string)
	return fmt.Sprintf("http://%s:%d", address, port)
}

// pod is a running pod.
type pod struct{ namespace, name, address string }

// pods returns a Deployment's ready pods.
func pods(t *testing.T, s *labtest.Stack, deployment string) []pod {
	t.Helper()
	lines := lab.Kubectl(t, "get", "pods", "-n", s.Namespace, "-l", "app.kubernetes.io/name="+deployment, "-o",
		`jsonpath={range .items[?(@.status.phase=="Running")]}{.metadata.name} {.status.podIP} {.metadata.deletionTimestamp}{"\n"}{end}`)
	var list []pod
	for line := range strings.Lines(lines) {
		if fields := strings.Fields(line); len(fields) == 2 { // Without a deletion timestamp.
			list = append(list, pod{s.Namespace, fields[0], fields[1]})
		}
	}
	require.NotEmpty(t, list, deployment)
	return list
}

func podNamed(t *testing.T, s *labtest.Stack, name string) pod {
	t.Helper()
	return pod{s.Namespace, name, lab.Kubectl(t, "get", "pod", name, "-n", s.Namespace, "-o", "jsonpath={.status.podIP}")}
}

// metric sums up a metric over all its labels, or over those that follow its name. The API
// server reads it from the pod: no network policy applies to the node.
func metric(t *testing.T, p pod, port int, path, name string) int {
	t.Helper()
	body, err := lab.Client(t).CoreV1().Pods(p.namespace).ProxyGet("http", p.name, strconv.Itoa(port), path, nil).DoRaw(t.Context())
	require.NoError(t, err, string(body))
	return int(traffic.Metric(string(body), name))
}

// picked returns how many requests a stack's EPPs have scheduled.
func picked(t *testing.T, s *labtest.Stack) int {
	t.Helper()
	sum := 0
	for _, p := range pods(t, s, llmd.EPPName) {
		sum += pickedBy(t, s, p)
	}
	return sum
}

// pickedBy returns how many requests one of a stack's EPPs has scheduled.
func pickedBy(t *testing.T, s *labtest.Stack, epp pod) int {
	t.Helper()
	image := labtest.At(t, s.Get("deployment", llmd.EPPName), "spec", "template", "spec", "containers", 0, "image").(string)
	facts, err := release.EPPOf(image, "")
	require.NoError(t, err)
	return metric(t, epp, llmd.EPPMetricsPort, "/metrics", facts.Metrics.Requests)
}

// served returns how many requests a simulator without a sidecar has answered.
func served(t *testing.T, p pod) int {
	t.Helper()
	return metric(t, p, llmd.SimulatorPort, "/metrics", "vllm:request_success_total")
}

// eventually waits until a condition holds.
func eventually(t *testing.T, most time.Duration, is func() bool, what string) {
	t.Helper()
	require.Eventually(t, is, most, 200*time.Millisecond, what)
}

// pause is how long a sender waits after an answer, to leave CPU to what is tested and to
// the other tests.
const pause = 10 * time.Millisecond

// load sends completions at a fixed concurrency until it is stopped.
type load struct {
	cancel  context.CancelFunc
	answers chan []traffic.Answer
}

func startLoad(t *testing.T, atATime int, send func(ctx context.Context, i int) traffic.Answer) *load {
	t.Helper()
	stop, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel, answers: make(chan []traffic.Answer, 1)}
	go func() {
		const most = 100_000
		answers := traffic.Run(stop, most, atATime, func(_ context.Context, i int) traffic.Answer {
			defer time.Sleep(pause)
			return send(t.Context(), i) // Requests in flight still finish when the load stops.
		}, nil)
		var done []traffic.Answer
		for _, a := range answers {
			if a.Whole > 0 {
				done = append(done, a)
			}
		}
		l.answers <- done
	}()
	return l
}

// stop ends the load, and summarizes the answers.
func (l *load) stop() traffic.Summary {
	l.cancel()
	return traffic.Sum(<-l.answers)
}

// report prints what a test measured.
func report(t *testing.T, what string, s traffic.Summary) {
	t.Helper()
	fmt.Printf("%s: %d of %d good, statuses %v, p50/p95/p99 %s, pods %v\n", what, s.OK, s.Requests, s.Statuses, s.Whole, s.Pods)
}

// prompt returns a prompt that shares no prefix with those of other numbers.
func prompt(i int) string { return fmt.Sprintf("%d: a prompt like no other, number %d", i*7919, i) }

// long returns a prompt that is worth a prefill pod and a place in a cache.
func long(name string) string { return name + strings.Repeat(" and the same long prompt again", 30) }
