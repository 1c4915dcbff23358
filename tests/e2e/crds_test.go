package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// The tests in this file, and in those after it, run on the cluster with all CRDs (Go runs
// a package's tests in the order of its file names).

func TestExamplesDeploy(t *testing.T) {
	t.Parallel()
	lab.InstallCRDs(t)
	for name, want := range map[string][][]string{
		"minimal":        {{"Deployment ms-sim-llm-sim-minimal-decode", labtest.Proxy}},
		"prefill-decode": {labtest.Stages, {labtest.Proxy}},
	} {
		t.Run(name, func(t *testing.T) {
			s := lab.NewStack(t, name, lab.Sample(t, name))
			s.Up()
			s.RequireObjects(want...)
		})
	}
}

// TestIstioNotRunningIsReported has the CRDs of Istio and of the Gateway API, but no
// controller that acts on them.
func TestIstioNotRunningIsReported(t *testing.T) {
	t.Parallel()
	lab.InstallCRDs(t)
	for name, part := range map[string]string{"istio": "gateway.enabled", "full": "inferenceGateway.istio.enabled"} {
		s := lab.NewStack(t, name, lab.Sample(t, name))
		out, took := s.UpFails()
		fmt.Printf("example %s without istiod: refused after %.1f s\n", name, took.Seconds())
		require.Contains(t, out, part+": there is no GatewayClass istio: install Istio")
		require.Contains(t, out, "pulumi config set --path "+part+" false")
		require.Less(t, took, 5*time.Second)
		require.False(t, s.NamespaceExists(), "nothing was changed")
	}
}

// TestUnprogrammedGatewayIsReported has a class whose controller does nothing, until the
// test acts in its place.
func TestUnprogrammedGatewayIsReported(t *testing.T) {
	t.Parallel()
	lab.InstallCRDs(t)
	acceptedClass(t, "idle")
	s := lab.NewStack(t, "idle", map[string]any{
		"gateway": map[string]any{"enabled": true, "className": "idle"}, "readyTimeout": "3s",
	})
	began := time.Now()
	out, err := s.Pulumi("up", "--yes", "--skip-preview")
	require.Error(t, err)
	require.Contains(t, out, "Programmed=Unknown (want True)")
	fmt.Printf("a Gateway that no controller programs: reported after %.1f s\n", time.Since(began).Seconds())

	program(t, s)
	out, err = s.Pulumi("up", "--yes", "--skip-preview")
	require.Error(t, err)
	require.Contains(t, out, "HTTPRoute")
	setStatus(t, s.Namespace, "httproute/infra-sim-inference-gateway", `{"parents":[`+parent(condition("Accepted"), condition("ResolvedRefs"))+`]}`)
	s.Up()
	require.NotContains(t, s.Up(), "updated")
}

// TestRefusedRouteIsReported has a controller that programs the Gateway but not the route.
func TestRefusedRouteIsReported(t *testing.T) {
	t.Parallel()
	lab.InstallCRDs(t)
	acceptedClass(t, "refusing")
	s := lab.NewStack(t, "refusing", map[string]any{
		"gateway": map[string]any{"enabled": true, "className": "refusing"}, "readyTimeout": "3s",
	})
	_, err := s.Pulumi("up", "--yes", "--skip-preview")
	require.Error(t, err)
	program(t, s)
	_, err = s.Pulumi("up", "--yes", "--skip-preview")
	require.Error(t, err)

	const route, says = "httproute/infra-sim-inference-gateway", "UnsupportedValue: timeouts are not supported"
	refused := strings.NewReplacer(`"True"`, `"False"`, `"Test"`, `"UnsupportedValue"`, `"message":""`, `"message":"timeouts are not supported"`).
		Replace(condition("Accepted"))
	good := parent(condition("Accepted"), condition("ResolvedRefs"))
	for name, parents := range map[string]string{
		"the only parent":   parent(refused, condition("ResolvedRefs")),
		"one of two":        good + "," + parent(refused, condition("ResolvedRefs")),
		"no backend either": parent(refused),
	} {
		setStatus(t, s.Namespace, route, `{"parents":[`+parents+`]}`)
		out, _ := s.UpFails()
		require.Contains(t, out, says, name)
	}
	s.Set("readyTimeout", "60s")
	began := time.Now()
	said, wait := s.UpUntil(says)
	require.True(t, said)
	took := time.Since(began)
	require.Less(t, took, 15*time.Second, "long before readyTimeout")
	recordFault("a route that its controller refuses", fmt.Sprintf("reported after %.1f s, readyTimeout 60s", took.Seconds()))
	setStatus(t, s.Namespace, route, `{"parents":[`+good+`]}`)
	out, err := wait()
	require.NoError(t, err, out)

	// A controller that has seen only an earlier spec has not said anything about this one.
	s.Set("readyTimeout", "3s")
	s.Set("service.port", "8300")
	out, _ = s.UpFails()
	require.Contains(t, out, "the controller has not seen the latest change")
}

// program sets the status of a stack's Gateway as its controller would.
func program(t *testing.T, s *labtest.Stack) {
	t.Helper()
	setStatus(t, s.Namespace, "gateway/infra-sim-inference-gateway", `{"conditions":[`+condition("Accepted")+","+condition("Programmed")+`]}`)
}

// parent returns what a controller says about a route.
func parent(conditions ...string) string {
	return `{"controllerName":"example.com/controller","parentRef":{"name":"infra-sim-inference-gateway"},"conditions":[` +
		strings.Join(conditions, ",") + `]}`
}

// acceptedClass creates a GatewayClass as if its controller had accepted it.
func acceptedClass(t *testing.T, name string) {
	t.Helper()
	class := filepath.Join(t.TempDir(), "class.yaml")
	require.NoError(t, os.WriteFile(class, fmt.Appendf(nil,
		"apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\n"+
			"metadata: {name: %[1]s}\nspec: {controllerName: example.com/%[1]s}\n", name), 0o600))
	lab.Kubectl(t, "apply", "-f", class)
	t.Cleanup(func() { lab.Kubectl(t, "delete", "-f", class) })
	setStatus(t, "default", "gatewayclass/"+name, `{"conditions":[`+condition("Accepted")+`]}`)
}

// setStatus writes the status of an object, as its controller would.
func setStatus(t *testing.T, namespace, object, status string) {
	t.Helper()
	lab.Kubectl(t, "patch", "-n", namespace, object, "--subresource=status", "--type=merge", "-p", `{"status":`+status+`}`)
}

func condition(name string) string {
	return `{"type":"` + name + `","status":"True","reason":"Test","message":"","lastTransitionTime":"2026-01-01T00:00:00Z","observedGeneration":1}`
}

func TestAlgorithmsReachIstioAndGateway(t *testing.T) {
	t.Parallel()
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

func TestInferencePoolIsCreatedBeforeEPP(t *testing.T) {
	t.Parallel()
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
		out, _ := cmd.Output() // `no` sets the exit code, too.
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
