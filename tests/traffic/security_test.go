package traffic

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// withPolicies makes the lab enforce network policies from then on.
var withPolicies = once("--crds", "inference", "--policies")

// bearer returns the header that carries a key.
func bearer(key string) http.Header { return http.Header{"Authorization": {"Bearer " + key}} }

// key returns the stack's API key.
func key(t *testing.T, s *labtest.Stack) string {
	t.Helper()
	return strings.TrimSpace(s.Must("stack", "output", llmd.APIKey, "--show-secrets"))
}

// TestGatewayRequiresAPIKey enables everything that protects a stack.
func TestGatewayRequiresAPIKey(t *testing.T) {
	t.Parallel()
	withPolicies(t)
	config := lab.Sample(t, "dev")
	config["inferenceGateway"] = map[string]any{
		"enabled": true, "standard": map[string]any{"enabled": true}, "auth": map[string]any{"enabled": true},
	}
	config["epp"] = map[string]any{"enabled": true, "secureServing": true, "verbosity": 5}
	config["networkPolicy"] = map[string]any{"enabled": true}
	s := newStack(t, "secured", config)
	s.Up()
	first := key(t, s)
	require.Regexp(t, `^[A-Za-z0-9]{40}$`, first)

	client := gateway(t, s)
	client.Headers = bearer(first)
	checkRouting(t, s, client) // This also shows that Envoy and the EPP agree on TLS.
	checkClientsCannotChoose(t, s, client)

	served := func() int {
		sum := 0
		for _, p := range pods(t, s, llmd.StandardGatewayName) {
			sum += metric(t, p, llmd.GatewayProbePort, "/stats/prometheus", `envoy_cluster_upstream_rq_total{envoy_cluster_name="decode"}`)
		}
		return sum
	}
	pickedBefore, servedBefore := picked(t, s), served()
	for name, headers := range map[string]http.Header{
		"no header":               nil,
		"no key":                  {"Authorization": {"Bearer"}},
		"wrong key":               bearer(strings.Repeat("x", len(first))),
		"half of the key":         bearer(first[:20]),
		"more than the key":       bearer(first + "x"),
		"another scheme":          {"Authorization": {"Basic " + first}},
		"the key twice":           {"Authorization": {"Bearer " + first, "Bearer " + first}},
		"the key and another":     {"Authorization": {"Bearer " + first, "Bearer x"}},
		"two keys in one":         {"Authorization": {"Bearer " + first + ",Bearer " + first}},
		"the pattern of the keys": bearer(".*"),
		"32 KiB":                  bearer(strings.Repeat(first, 820)),
	} {
		client.Headers = headers
		for _, path := range []string{"/v1/completions", "/v1/models", "/metrics"} {
			answer := client.Post(t.Context(), path, map[string]any{"model": "random"})
			require.Equal(t, http.StatusUnauthorized, answer.Status, "%s: %s", name, path)
			require.Contains(t, requireError(t, answer.Status, answer.Body), "Authorization: Bearer KEY")
		}
	}
	requireCORS(t, client.URL)
	client.Headers = bearer(strings.Repeat(first, 2000))
	// Envoy may close the connection before the client, still sending, has read why.
	require.Contains(t, []int{http.StatusRequestHeaderFieldsTooLarge, 0}, client.Completion(t.Context(), "x", 1).Status, "80 kB")
	require.Equal(t, pickedBefore, picked(t, s), "none of these requests reached the EPP")
	require.Equal(t, servedBefore, served(), "or a simulator")
	client.Headers = nil
	require.True(t, client.Get(t.Context(), "/health").OK(), "probes have no key")
	client.Headers = http.Header{"Authorization": {"bearer " + first}}
	require.True(t, client.Completion(t.Context(), "x", 1).OK(), "a scheme's case does not matter")

	requireNotLeaked(t, s, first)

	// A new key, while requests with the previous one are in flight.
	client.Headers = bearer(first)
	l := startLoad(t, 4, func(ctx context.Context, i int) traffic.Answer { return client.Completion(ctx, prompt(i), 5) })
	s.Set("inferenceGateway.auth.keyGeneration", "2")
	s.Up()
	sum := l.stop()
	report(t, "a new API key", sum)
	require.Equal(t, sum.Requests, sum.OK, sum.Failed)
	second := key(t, s)
	require.NotEqual(t, first, second)
	fresh := gateway(t, s)
	for _, valid := range []string{first, second} {
		fresh.Headers = bearer(valid)
		// The old gateway, which knows only the first key, gets connections until kube-proxy follows.
		eventually(t, 20*time.Second, func() bool { return fresh.Completion(t.Context(), "x", 1).OK() }, "both keys are valid")
	}
	s.Set("inferenceGateway.auth.keyGeneration", "3")
	s.Up()
	// The old gateway's pods serve existing connections until they end.
	eventually(t, 20*time.Second, func() bool {
		fresh = gateway(t, s)
		fresh.Headers = bearer(first)
		return fresh.Completion(t.Context(), "x", 1).Status == http.StatusUnauthorized
	}, "the key before the previous one is no longer valid")
	fresh.Headers = bearer(second)
	require.True(t, fresh.Completion(t.Context(), "x", 1).OK(), "the previous key is still valid")

	smoke := lab.Command("go", "run", "./tests/smoke")
	smoke.Stdin = strings.NewReader(s.Must("stack", "output", "--json", "--show-secrets"))
	out, err := smoke.CombinedOutput()
	require.NoError(t, err, string(out))
}

// requireNotLeaked checks that a key is nowhere in plain text.
func requireNotLeaked(t *testing.T, s *labtest.Stack, key string) {
	t.Helper()
	places := map[string]string{
		"objects":  lab.Kubectl(t, "get", "configmaps,pods,deployments,services,replicasets,networkpolicies,events", "-n", s.Namespace, "-o", "yaml"),
		"outputs":  s.Must("stack", "output") + s.Must("stack", "export"),
		"previews": s.Must("preview", "--diff"),
	}
	for _, name := range []string{llmd.EPPName, llmd.StandardGatewayName, llmd.PrefillName, s.DecodeName()} {
		for _, p := range pods(t, s, name) {
			places["log of "+p.name] = lab.Kubectl(t, "logs", p.name, "-n", s.Namespace, "--all-containers")
			require.NotEmpty(t, places["log of "+p.name])
		}
	}
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, file := range commands {
		places["process list"] += read(file)
	}
	state, err := os.ReadFile(s.StateFile())
	require.NoError(t, err)
	places["state"] = string(state)
	require.Contains(t, places["state"], "api-key-1")
	for place, text := range places {
		for _, spelling := range []string{key, base64.StdEncoding.EncodeToString([]byte(key))} {
			require.Zero(t, strings.Count(text, spelling), "the key is in the %s", place)
		}
	}
	fmt.Printf("the API key is in none of %d places\n", len(places))
}
