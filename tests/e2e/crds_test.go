package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// The tests in this file run last, on the cluster with all CRDs (Go runs a package's
// tests in the order of its files' names).

func TestEveryExampleDeploys(t *testing.T) {
	lab.InstallCRDs(t)
	proxy := "Service gaie-inference-scheduling-proxy"
	epp := []string{
		"ConfigMap gaie-sim-epp", "Deployment gaie-sim-epp", "Role gaie-sim-epp", "RoleBinding gaie-sim-epp",
		"Service gaie-sim-epp", "ServiceAccount gaie-sim-epp",
	}
	stages := []string{
		proxy,
		"Deployment ms-sim-llm-d-modelservice-decode", "Service ms-sim-llm-d-modelservice-decode",
		"Deployment ms-sim-llm-d-modelservice-prefill", "Service ms-sim-llm-d-modelservice-prefill",
	}
	standard := []string{
		"ConfigMap infra-sim-inference-gateway", "Deployment infra-sim-inference-gateway", "Service infra-sim-inference-gateway",
	}
	istio := []string{
		"Deployment infra-sim-inference-gateway-istio", "Service infra-sim-inference-gateway-istio",
		"ServiceAccount infra-sim-inference-gateway-istio",
	}
	rule := "DestinationRule gaie-inference-scheduling-proxy-lb"
	for name, want := range map[string][][]string{
		"minimal": {{"Deployment ms-sim-llm-sim-minimal-decode", proxy}},
		"istio": {{
			"Deployment ms-sim-llm-sim-istio-decode", proxy, rule,
			"Gateway infra-sim-inference-gateway", "HTTPRoute infra-sim-inference-gateway",
		}},
		"full":           {epp, stages, standard, istio, {rule}},
		"prefill-decode": {stages},
	} {
		t.Run(name, func(t *testing.T) {
			s := lab.NewStack(t, name, lab.Sample(t, name))
			s.Up()
			var all []string
			for _, part := range want {
				all = append(all, part...)
			}
			require.ElementsMatch(t, all, labtest.Names(s.Objects()))
			outputs := s.Outputs()
			require.Equal(t, outputs["replicas"], outputs["readyReplicas"])
			for _, c := range outputs["conditions"].([]any) {
				require.Equal(t, "True", c.(map[string]any)["status"], "%v", c)
			}
			require.Contains(t, s.Up(), "unchanged")
		})
		require.Empty(t, lab.Kubectl(t, "get", "namespace", "ns-"+name, "--ignore-not-found"))
	}
}

func TestEveryAlgorithmReachesIstioAndTheGateway(t *testing.T) {
	lab.InstallCRDs(t)
	config := lab.Sample(t, "dev")
	config["loadBalancing"] = map[string]any{"enabled": true}
	s := lab.NewStack(t, "algorithms", config)
	for algorithm, policy := range map[string]string{
		"ROUND_ROBIN":   "envoy.load_balancing_policies.round_robin",
		"LEAST_REQUEST": "envoy.load_balancing_policies.least_request",
		"LEAST_CONN":    "envoy.load_balancing_policies.least_request",
		"RANDOM":        "envoy.load_balancing_policies.random",
	} {
		s.Set("loadBalancing.algorithm", algorithm)
		s.Up()
		rule := s.Get("destinationrule", "gaie-inference-scheduling-proxy-lb")
		require.Equal(t, algorithm, labtest.At(t, rule, "spec", "trafficPolicy", "loadBalancer", "simple"))
		require.Equal(t, "gaie-inference-scheduling-proxy.ns-algorithms.svc.cluster.local", labtest.At(t, rule, "spec", "host"))
		require.NotContains(t, labtest.At(t, rule, "spec", "trafficPolicy"), "connectionPool", "limits are set only when given")
		require.Contains(t, labtest.At(t, s.Get("configmap", "infra-sim-inference-gateway"), "data", "envoy.yaml"), policy)
	}
	s.Set("loadBalancing.connectionPool.http1MaxPendingRequests", "7")
	s.Set("loadBalancing.connectionPool.maxRequestsPerConnection", "8")
	s.Up()
	pool := labtest.At(t, s.Get("destinationrule", "gaie-inference-scheduling-proxy-lb"), "spec", "trafficPolicy", "connectionPool", "http")
	require.Equal(t, map[string]any{"http1MaxPendingRequests": float64(7), "maxRequestsPerConnection": float64(8)}, pool)

	s.Set("loadBalancing.enabled", "false")
	s.Up()
	require.NotContains(t, fmt.Sprint(labtest.Names(s.Objects())), "DestinationRule")
}

func TestTheInferencePoolIsMadeBeforeTheEPP(t *testing.T) {
	lab.InstallCRDs(t)
	config := lab.Sample(t, "dev")
	config["inferencePool"] = map[string]any{"enabled": true}
	config["epp"] = map[string]any{"enabled": true, "replicas": 2}
	s := lab.NewStack(t, "pool", config)
	s.Up()
	pool := s.Get("inferencepool.inference.networking.k8s.io", "gaie-sim")
	require.Equal(t, "gaie-sim-epp", labtest.At(t, pool, "spec", "endpointPickerRef", "name"))
	require.EqualValues(t, 8200, labtest.At(t, pool, "spec", "targetPorts", 0, "number"))
	epp := s.Get("deployment", "gaie-sim-epp")
	require.False(t, epp.GetCreationTimestamp().Time.Before(pool.GetCreationTimestamp().Time))
	require.Contains(t, labtest.At(t, epp, "spec", "template", "spec", "containers", 0, "args"), "--pool-name=gaie-sim")
	require.Contains(t, labtest.At(t, epp, "spec", "template", "spec", "containers", 0, "args"), "--ha-enable-leader-election=true")

	allowed := func(verb, resource string) string {
		cmd := lab.Command("kubectl", "auth", "can-i", verb, resource, "-n", s.Namespace,
			"--as", "system:serviceaccount:"+s.Namespace+":gaie-sim-epp")
		out, _ := cmd.Output() // A `no` is an exit code too.
		return string(out)
	}
	for _, resource := range []string{
		"pods", "inferencepools.inference.networking.k8s.io", "inferenceobjectives.inference.networking.x-k8s.io",
		"leases.coordination.k8s.io",
	} {
		require.Contains(t, allowed("watch", resource), "yes", resource)
	}
	require.Contains(t, allowed("create", "leases.coordination.k8s.io"), "yes")
	for _, resource := range []string{"secrets", "configmaps", "services"} {
		require.Contains(t, allowed("get", resource), "no", resource)
	}
	require.Contains(t, allowed("delete", "pods"), "no")
}
