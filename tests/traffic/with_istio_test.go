package traffic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// withIstio installs Istio on the lab, which starts without it.
var withIstio = once("--crds", "all", "--istio")

// pushed is how long istiod may take to push a change: it waits for changes to settle, 10 s
// at most, and other tests' stacks may be changing.
const pushed = 30 * time.Second

// throughIstio returns a client for Istio's proxies, at their Service's address, once they
// answer.
func throughIstio(t *testing.T, s *labtest.Stack, port int) *traffic.Client {
	t.Helper()
	address := labtest.At(t, s.Get("service", llmd.IstioGatewayName), "spec", "clusterIP").(string)
	client := traffic.NewClient(fmt.Sprintf("http://%s:%d", address, port), "random")
	eventually(t, pushed, func() bool { return client.Completion(t.Context(), "x", 1).OK() }, "the gateway has its routes")
	return client
}

func TestFullExampleOnIstio(t *testing.T) {
	t.Parallel()
	withIstio(t)
	s := lab.NewStack(t, "full", lab.Sample(t, "full"))
	s.Up()
	s.RequireObjects(labtest.EPP, labtest.Stages, labtest.StandardGateway, labtest.IstioGateway, []string{
		labtest.Proxy, labtest.DestinationRule, "InferencePool gaie-sim",
	})
	client := throughIstio(t, s, llmd.GatewayServicePort)
	checkRouting(t, s, client)
	checkClientsCannotChoose(t, s, client)
	require.True(t, client.Get(t.Context(), "//v1//models").OK())

	lab.Kubectl(t, "scale", "deployment", llmd.EPPName, "-n", s.Namespace, "--replicas=0")
	lab.Kubectl(t, "wait", "--for=delete", "pod", "-l", "component=epp", "-n", s.Namespace, "--timeout=140s")
	sum := traffic.Sum(traffic.Run(t.Context(), 50, 5, func(ctx context.Context, i int) traffic.Answer {
		return client.Completion(ctx, prompt(i), 5)
	}, nil))
	report(t, "Istio without the EPP", sum)
	require.Equal(t, 50, sum.OK, "failureMode FailOpen: %s", sum.Failed)
	for _, secure := range []string{"false", "true"} {
		s.Set("epp.secureServing", secure)
		require.Contains(t, s.Up("--refresh"), "updated")
		eventually(t, pushed, func() bool {
			before := picked(t, s)
			return client.Completion(t.Context(), "x", 1).OK() && picked(t, s) == before+1
		}, "the EPP schedules again, in TLS: "+secure)
	}

	l := startLoad(t, 4, func(ctx context.Context, i int) traffic.Answer { return client.Completion(ctx, prompt(i), 5) })
	lab.Kubectl(t, "rollout", "restart", "deployment/istiod", "-n", "istio-system")
	lab.Kubectl(t, "rollout", "status", "deployment/istiod", "-n", "istio-system", "--timeout=120s")
	time.Sleep(5 * time.Second)
	sum = l.stop()
	report(t, "istiod restarted", sum)
	require.Equal(t, sum.Requests, sum.OK, sum.Failed)
}

func TestIstiodWithoutInferenceSupportIsReported(t *testing.T) {
	withIstio(t)
	support := func(is string) {
		lab.Kubectl(t, "set", "env", "deployment/istiod", "-n", "istio-system", "ENABLE_GATEWAY_API_INFERENCE_EXTENSION="+is)
		lab.Kubectl(t, "rollout", "status", "deployment/istiod", "-n", "istio-system", "--timeout=120s")
	}
	t.Cleanup(func() { support("true") })
	support("false")
	s := lab.NewStack(t, "unsupported", lab.Sample(t, "full"))
	out, took := s.UpFails()
	require.Contains(t, out, "nothing was changed")
	require.Contains(t, out, "ENABLE_GATEWAY_API_INFERENCE_EXTENSION=true")
	require.Less(t, took, 5*time.Second)
	require.False(t, s.NamespaceExists())
	fmt.Printf("an istiod without inference support: reported after %.1f s\n", took.Seconds())
}

// TestIstioExampleOnIstio deploys into a namespace in which Istio injects its sidecars.
func TestIstioExampleOnIstio(t *testing.T) {
	t.Parallel()
	withIstio(t)
	config := lab.Sample(t, "istio")
	config["createNamespace"] = false
	s := lab.NewStack(t, "istio", config)
	s.Adopts = true
	lab.Kubectl(t, "create", "namespace", s.Namespace)
	lab.Kubectl(t, "label", "namespace", s.Namespace, "istio-injection=enabled")
	s.Up()
	for _, p := range pods(t, s, s.DecodeName()) {
		require.Equal(t, "simulator", lab.Kubectl(t, "get", "pod", p.name, "-n", s.Namespace, "-o",
			"jsonpath={.spec.initContainers[*].name}{.spec.containers[*].name}"))
	}
	s.RequireObjects([]string{
		"Deployment ms-sim-llm-sim-istio-decode", labtest.Proxy, labtest.DestinationRule,
		"ConfigMap infra-sim-inference-gateway", "Gateway infra-sim-inference-gateway", "HTTPRoute infra-sim-inference-gateway",
		"EnvoyFilter infra-sim-inference-gateway",
	})
	require.Equal(t, "http://infra-sim-inference-gateway-istio.ns-istio.svc.cluster.local:80", s.Outputs()["gatewayURL"])
	client := throughIstio(t, s, llmd.GatewayListenPort)
	sum := traffic.Sum(traffic.Run(t.Context(), 100, 4, func(ctx context.Context, i int) traffic.Answer {
		return client.Completion(ctx, prompt(i), 1)
	}, nil))
	report(t, "a Gateway that istiod runs", sum)
	require.Equal(t, 100, sum.OK, sum.Failed)
	require.Len(t, sum.Pods, 2)
}

func TestDestinationRuleAppliesToIstioTraffic(t *testing.T) {
	t.Parallel()
	withIstio(t)
	s := newStack(t, "rules", map[string]any{
		"inferenceGateway": map[string]any{"enabled": true, "istio": map[string]any{"enabled": true}},
		"loadBalancing":    map[string]any{"enabled": true},
		"replicas":         4,
	})
	s.Up()
	client := throughIstio(t, s, llmd.GatewayServicePort)
	send := func(atATime int) traffic.Summary {
		return traffic.Sum(traffic.Run(t.Context(), 400, atATime, func(ctx context.Context, i int) traffic.Answer {
			return client.Completion(ctx, prompt(i), 1)
		}, nil))
	}
	for _, algorithm := range []string{"ROUND_ROBIN", "RANDOM", "LEAST_REQUEST"} {
		s.Set("loadBalancing.algorithm", algorithm)
		s.Up()
		eventually(t, pushed, func() bool {
			policy := cluster(t, s)["lb_policy"]
			return policy == algorithm || policy == nil && algorithm == "ROUND_ROBIN" // Envoy's default.
		}, "Envoy balances as the DestinationRule says")
		sum := send(8)
		report(t, "Istio, "+algorithm, sum)
		require.Equal(t, 400, sum.OK, sum.Failed)
		require.Len(t, sum.Pods, 4)
		if algorithm == "ROUND_ROBIN" {
			for pod, n := range sum.Pods {
				require.InDelta(t, 100, n, 8, pod)
			}
		}
	}

	none := send(100)
	report(t, "Istio, no connection pool", none)
	require.Equal(t, 400, none.OK, none.Failed)
	s.Set("loadBalancing.connectionPool.http1MaxPendingRequests", "1")
	s.Set("loadBalancing.connectionPool.maxRequestsPerConnection", "1")
	s.Up()
	eventually(t, pushed, func() bool {
		return strings.Contains(fmt.Sprint(cluster(t, s)["circuit_breakers"]), "max_pending_requests:1 ")
	}, "Envoy has the limits")
	one := send(100)
	report(t, "Istio, the operator's connection pool of 1 and 1", one)
	require.Positive(t, one.Statuses[503], "requests overflow")
}

// cluster returns how the Istio gateway's Envoy sends to the proxy Service.
func cluster(t *testing.T, s *labtest.Stack) map[string]any {
	t.Helper()
	dump, err := lab.Command("kubectl", "exec", "-n", s.Namespace, "deployment/"+llmd.IstioGatewayName, "--",
		"/usr/local/bin/pilot-agent", "request", "GET", "config_dump?resource=dynamic_active_clusters").Output()
	require.NoError(t, err)
	var clusters struct {
		Configs []struct {
			Cluster map[string]any `json:"cluster"`
		} `json:"configs"`
	}
	// The agent may print something first.
	require.NoError(t, json.Unmarshal(dump[bytes.IndexByte(dump, '{'):], &clusters))
	for _, c := range clusters.Configs {
		if name, _ := c.Cluster["name"].(string); strings.Contains(name, llmd.ProxyServiceName+"."+s.Namespace+".") {
			return c.Cluster
		}
	}
	require.Fail(t, "Envoy does not know the proxy Service")
	return nil
}
