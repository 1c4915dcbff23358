package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// attackTime is how long each load lasts.
const attackTime = 8 * time.Second

// measured is one path to the simulators at one concurrency.
type measured struct {
	rps      float64
	p50, p99 time.Duration
	// first is the median time to the first token of a stream.
	first time.Duration
	// gateway and epp are their CPU time per 1000 requests.
	gateway, epp time.Duration
}

// TestDataPath compares the paths to four simulators that answer immediately, so that only
// the path itself is measured.
func TestDataPath(t *testing.T) {
	s := fourSimulators(t)
	s.Set("simulator.maxNumSeqs", "1000")

	concurrencies := []int{1, 10, 50}
	ways := []struct {
		name   string
		images map[string]string // Of the EPP, if there is one.
		url    func() string
	}{
		{"direct", nil, func() string { return podURL(t, s) }},
		{"gateway", nil, func() string { return gatewayURL(t, s) }},
		{"EPP v0.4", labtest.LLMDv04, func() string { return gatewayURL(t, s) }},
		{"EPP v0.7", realLab.LLMD(), func() string { return gatewayURL(t, s) }},
	}
	byWay := map[string]map[int]measured{}
	var rows []string
	for _, way := range ways {
		withEPP(s, way.images)
		url := way.url()
		byWay[way.name] = map[int]measured{}
		for _, n := range concurrencies {
			m := attack(t, url, n)
			byWay[way.name][n] = m
			rows = append(rows, fmt.Sprintf("%s\t%d\t%.0f\t%s\t%s\t%s\t%s\t%s", way.name, n, m.rps,
				rounded(m.p50), rounded(m.p99), rounded(m.first), rounded(m.gateway), rounded(m.epp)))
		}
	}
	printTable("PATH\tCONCURRENCY\tREQUESTS/S\tP50\tP99\tFIRST TOKEN\tGATEWAY CPU/1000\tEPP CPU/1000", rows)
	direct, plain := byWay["direct"], byWay["gateway"]
	added := func(m map[int]measured) float64 {
		return float64(m[1].p50-direct[1].p50) / float64(time.Millisecond)
	}
	record("datapath.added_p50_ms_gateway", "milliseconds that the gateway alone adds to the median, one request at a time", added(plain))
	for _, way := range ways[2:] {
		epp := byWay[way.name]
		key := "datapath." + strings.ReplaceAll(way.name, " ", "_")
		recordAtMost(key+".added_p50_ms", "milliseconds that gateway and "+way.name+" add to the median, one request at a time", added(epp), 3)
		recordAtLeast(key+".rps_vs_gateway", "requests per second through gateway and "+way.name+
			", relative to the gateway alone, 50 at a time", epp[50].rps/plain[50].rps, 0.6)
	}
	record("datapath.rps_gateway_vs_direct", "requests per second through the gateway alone, relative to direct ones, 50 at a time", plain[50].rps/direct[50].rps)
}

// fourSimulators returns a stack of four decode pods on a real node.
func fourSimulators(t *testing.T) *labtest.Stack {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("real pods need Linux and root")
	}
	if realLab == nil {
		var err error
		realLab, err = labtest.Start("../..", "bench-real", 1, "CRDS=inference", "NODE=real")
		require.NoError(t, err)
		require.NoError(t, realLab.AddLLMDv04())
	}
	s := realLab.Dev(t)
	s.Set("prefill.enabled", "false")
	s.Set("decode.replicas", "4")
	s.Set("decode.logVerbosity", "0")
	return s
}

// withEPP deploys the EPP of these images, or none, and waits until the previous pods are gone.
func withEPP(s *labtest.Stack, images map[string]string) {
	s.Set("epp.enabled", strconv.FormatBool(images != nil))
	if images != nil {
		s.SetAll(images)
	}
	s.Up()
	time.Sleep(20 * time.Second) // The previous pods drain.
}

func rounded(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// podURL returns the URL of one of the simulators, which are all the same.
func podURL(t *testing.T, s *labtest.Stack) string {
	t.Helper()
	address := realLab.Kubectl(t, "get", "pods", "-n", s.Namespace, "-l", "app.kubernetes.io/name="+llmd.DecodeName,
		"-o", "jsonpath={.items[0].status.podIP}")
	return fmt.Sprintf("http://%s:%d", address, llmd.SimulatorPort)
}

func gatewayURL(t *testing.T, s *labtest.Stack) string {
	t.Helper()
	address := labtest.At(t, s.Get("service", llmd.StandardGatewayName), "spec", "clusterIP")
	return fmt.Sprintf("http://%s:%d", address, llmd.GatewayServicePort)
}

// attack sends distinct prompts at a fixed concurrency, each as soon as one has been
// answered.
func attack(t *testing.T, url string, atATime int) measured {
	t.Helper()
	var sent atomic.Int64
	target := func(target *vegeta.Target) (err error) {
		target.Method, target.URL = http.MethodPost, url+"/v1/completions"
		target.Header = http.Header{"Content-Type": {"application/json"}}
		target.Body, err = json.Marshal(map[string]any{
			"model": "random", "max_tokens": 1, "prompt": fmt.Sprintf("%d is a prompt of its own", sent.Add(1)),
		})
		return err
	}
	send := func(long time.Duration) (metrics vegeta.Metrics) {
		attacker := vegeta.NewAttacker(vegeta.Workers(uint64(atATime)), vegeta.MaxWorkers(uint64(atATime)),
			vegeta.Connections(atATime), vegeta.Timeout(30*time.Second))
		for answer := range attacker.Attack(target, vegeta.Rate{}, long, url) {
			metrics.Add(answer)
		}
		metrics.Close()
		return metrics
	}
	send(time.Second) // Warms up all pods.
	gateway, epp := cpu("envoy"), cpu("epp")
	metrics := send(attackTime)
	gateway, epp = cpu("envoy")-gateway, cpu("epp")-epp
	require.InDelta(t, 1, metrics.Success, 0, "%v %v", metrics.StatusCodes, metrics.Errors)
	client := traffic.NewClient(url, "random")
	streams := traffic.Sum(traffic.Run(t.Context(), 100*min(atATime, 5), atATime, func(ctx context.Context, i int) traffic.Answer {
		return client.Stream(ctx, fmt.Sprintf("stream %d of %d", i, atATime), 5)
	}, nil))
	require.Equal(t, streams.Requests, streams.OK, streams.Failed)
	per1000 := func(d time.Duration) time.Duration { return d * 1000 / time.Duration(metrics.Requests) }
	return measured{
		rps: metrics.Throughput, p50: metrics.Latencies.P50, p99: metrics.Latencies.P99,
		first: streams.First.P50, gateway: per1000(gateway), epp: per1000(epp),
	}
}

// cpu returns the CPU time that all processes of an executable have used.
func cpu(executable string) time.Duration {
	const tick = 10 * time.Millisecond // Linux' USER_HZ, for user space.
	var total time.Duration
	for _, p := range processes(executable) {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
		if err != nil {
			continue // It has ended.
		}
		_, rest, _ := strings.Cut(string(raw), ") ")
		fields := strings.Fields(rest)
		var user, system int64
		_, _ = fmt.Sscan(fields[11], &user)
		_, _ = fmt.Sscan(fields[12], &system)
		total += time.Duration(user+system) * tick
	}
	return total
}

// TestPrefixHits repeats 8 long prompts, with simulators whose caches hold two of them
// each.
func TestPrefixHits(t *testing.T) {
	s := fourSimulators(t)
	s.Set("simulator.kvCache.enabled", "true")
	s.Set("simulator.kvCache.blocks", "32")
	s.Set("simulator.maxNumSeqs", "1")
	// total sums up a metric over the pods.
	total := func(name string) (sum float64) {
		for address := range strings.FieldsSeq(realLab.Kubectl(t, "get", "pods", "-n", s.Namespace, "-l",
			"app.kubernetes.io/name="+llmd.DecodeName, "-o", "jsonpath={.items[*].status.podIP}")) {
			metrics := traffic.NewClient(fmt.Sprintf("http://%s:%d", address, llmd.SimulatorPort), "").Get(t.Context(), "/metrics")
			require.True(t, metrics.OK(), metrics)
			sum += traffic.Metric(metrics.Body, name)
		}
		return sum
	}
	hitRate := func(name string) float64 {
		const prompts, requests = 8, 240
		random := rand.New(rand.NewPCG(1, 2)) // Reproducible.
		order := make([]int, requests)
		for i := range order {
			order[i] = random.IntN(prompts)
		}
		client := traffic.NewClient(gatewayURL(t, s), "random")
		asked, hits := total("vllm:prefix_cache_queries"), total("vllm:prefix_cache_hits")
		sum := traffic.Sum(traffic.Run(t.Context(), requests, 1, func(ctx context.Context, i int) traffic.Answer {
			return client.Completion(ctx, fmt.Sprintf("%d, %s:", order[i], name)+strings.Repeat(" this is the same long prompt", 40), 1)
		}, nil))
		require.Equal(t, requests, sum.OK, sum.Failed)
		asked, hits = total("vllm:prefix_cache_queries")-asked, total("vllm:prefix_cache_hits")-hits
		require.Positive(t, asked)
		fmt.Printf("8 long prompts over 4 pods, %s: %.0f %% of %.0f tokens per request were in the cache, pods %v\n",
			name, 100*hits/asked, asked/requests, sum.Pods)
		return hits / asked
	}
	withEPP(s, nil)
	roundRobin := max(hitRate("round robin"), 0.01)
	for name, images := range map[string]map[string]string{"EPP v0.4": labtest.LLMDv04, "EPP v0.7": realLab.LLMD()} {
		withEPP(s, images)
		for run := range 3 {
			recordAtLeast(fmt.Sprintf("prefix.%s.hits_vs_round_robin.%d", strings.ReplaceAll(name, " ", "_"), run+1),
				"tokens found in a prefix cache with "+name+", relative to round robin", hitRate(fmt.Sprintf("%s run %d", name, run+1))/roundRobin, 3)
		}
	}
}
