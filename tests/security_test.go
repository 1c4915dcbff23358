package tests

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/recorder"
)

// withKey returns the configuration of a stack whose gateway requires a key.
func withKey(generation int) map[string]string {
	return map[string]string{
		"inferenceGateway": fmt.Sprintf(
			`{"enabled":true,"standard":{"enabled":true},"auth":{"enabled":true,"keyGeneration":%d}}`, generation),
	}
}

func TestAPIKeyIsNeverInPlainText(t *testing.T) {
	t.Parallel()
	r := run(t, withKey(1), bareCluster())
	require.NoError(t, r.err)
	const key = "generated1"
	require.Equal(t, key, r.exports["apiKey"])
	secret, found := r.Find("kubernetes:core/v1:Secret", llmd.StandardGatewayName)
	require.True(t, found)
	require.Equal(t, []string{"stringData"}, secret.Secrets)
	data := secret.Inputs["stringData"].(map[string]any)
	require.Equal(t, key, data["apiKey"])
	require.Contains(t, data["envoy.yaml"], "+("+key+")\n")
	_, found = r.Find("kubernetes:core/v1:ConfigMap", llmd.StandardGatewayName)
	require.False(t, found, "no ConfigMap exposes the key")

	for _, reg := range r.Registrations() {
		if reg.Type == "kubernetes:core/v1:Secret" {
			continue
		}
		for input, value := range reg.Inputs {
			if !reg.IsSecret(input) {
				require.NotContains(t, recorder.Text(value), key, reg.Name)
				require.NotContains(t, recorder.Text(value), base64.StdEncoding.EncodeToString([]byte(key)), reg.Name)
			}
		}
		if reg.Type == "kubernetes:apps/v1:Deployment" {
			require.Empty(t, reg.Secrets, "diffs show what pods run")
		}
	}
}

func TestLastTwoAPIKeysAreValid(t *testing.T) {
	t.Parallel()
	for generation, want := range map[int]string{1: "generated1", 2: "generated2|generated1", 3: "generated3|generated2"} {
		r := run(t, withKey(generation), bareCluster())
		require.NoError(t, r.err)
		secret, found := r.Find("kubernetes:core/v1:Secret", llmd.StandardGatewayName)
		require.True(t, found)
		require.Contains(t, secret.Inputs["stringData"].(map[string]any)["envoy.yaml"], "+("+want+")\n")
		require.Equal(t, fmt.Sprintf("generated%d", generation), r.exports["apiKey"])
	}
}

// TestNetworkPoliciesAllowOnlyKnownPeers evaluates the policies as a cluster's network
// would.
func TestNetworkPoliciesAllowOnlyKnownPeers(t *testing.T) {
	t.Parallel()
	client := map[string]any{"app": "client"}
	keda, impostor := map[string]any{"app": "keda-operator", inNamespace: "keda"}, map[string]any{"app": "keda-operator", inNamespace: "other"}
	controllers := map[string]any{"gateway.networking.k8s.io/gateway-name": "any"}
	gateways := []string{llmd.IstioGatewayName, llmd.StandardGatewayName, "a controller's gateway"}
	all := append([]string{"a client", "an impostor", "KEDA's operator", llmd.DecodeName, llmd.EPPName, llmd.PrefillName}, gateways...)
	for name, test := range map[string]struct {
		values map[string]string
		want   map[string][]string
	}{
		"everything": {everything, map[string][]string{
			llmd.StandardGatewayName + " 80": all, llmd.IstioGatewayName + " 80": all,
			llmd.EPPName + " 9002":     gateways,
			llmd.DecodeName + " 8200":  append([]string{llmd.EPPName}, gateways...),
			llmd.PrefillName + " 8200": append([]string{llmd.DecodeName, llmd.EPPName}, gateways...),
		}},
		"the proxy Service too": {with(everything, "networkPolicy", `{"enabled":true,"proxyService":true}`), map[string][]string{
			llmd.StandardGatewayName + " 80": all, llmd.IstioGatewayName + " 80": all,
			llmd.EPPName + " 9002":     gateways,
			llmd.DecodeName + " 8200":  all,
			llmd.PrefillName + " 8200": append([]string{llmd.DecodeName, llmd.EPPName}, gateways...),
		}},
		"KEDA in its own namespace alone": {with(everything, "decode", `{"enabled":true,"autoscaling":{"enabled":true}}`), map[string][]string{
			llmd.StandardGatewayName + " 80": all, llmd.IstioGatewayName + " 80": all,
			llmd.EPPName + " 9002":     gateways,
			llmd.DecodeName + " 8200":  append([]string{llmd.EPPName, "KEDA's operator"}, gateways...),
			llmd.PrefillName + " 8200": append([]string{llmd.DecodeName, llmd.EPPName}, gateways...),
		}},
		"no gateway": {map[string]string{"networkPolicy": `{"enabled":true}`}, map[string][]string{
			"ms-sim-llm-sim-decode 8200": {"a client", "a controller's gateway", "an impostor", "KEDA's operator", "ms-sim-llm-sim-decode"},
		}},
	} {
		r := run(t, test.values, fullCluster())
		require.NoError(t, r.err, name)
		pods := map[string]map[string]any{
			"a client": client, "a controller's gateway": controllers, "KEDA's operator": keda, "an impostor": impostor,
		}
		others := len(pods)
		policies := map[string]map[string]any{}
		for _, reg := range r.Registrations() {
			switch reg.Type {
			case "kubernetes:apps/v1:Deployment":
				pods[reg.Object()] = reg.Inputs["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)
			case "kubernetes:networking.k8s.io/v1:NetworkPolicy":
				policies[reg.Object()] = reg.Inputs["spec"].(map[string]any)
			}
		}
		got := map[string][]string{}
		for _, policy := range policies {
			require.Equal(t, []any{"Ingress"}, policy["policyTypes"])
			for target, podLabels := range pods {
				if !selects(t, policy["podSelector"], podLabels) {
					continue
				}
				for _, rule := range policy["ingress"].([]any) {
					for _, port := range rule.(map[string]any)["ports"].([]any) {
						to := fmt.Sprintf("%s %v", target, port.(map[string]any)["port"])
						for source, from := range pods {
							if admits(t, rule.(map[string]any), from) {
								got[to] = append(got[to], source)
							}
						}
						slices.Sort(got[to])
					}
				}
			}
		}
		for to := range test.want {
			slices.Sort(test.want[to])
		}
		require.Equal(t, test.want, got, name)
		require.Len(t, policies, len(pods)-others, "%s: every pod of ours has a policy", name)
	}
}

func with(values map[string]string, key, value string) map[string]string {
	changed := maps.Clone(values)
	changed[key] = value
	return changed
}

// admits reports whether a rule admits a pod of the same namespace.
func admits(t *testing.T, rule, podLabels map[string]any) bool {
	t.Helper()
	from, limited := rule["from"].([]any)
	return !limited || slices.ContainsFunc(from, func(entry any) bool {
		peer := entry.(map[string]any)
		namespace, elsewhere := podLabels[inNamespace]
		if selector, given := peer["namespaceSelector"]; given {
			return elsewhere && selects(t, selector, map[string]any{inNamespace: namespace}) && selects(t, peer["podSelector"], podLabels)
		}
		return !elsewhere && selects(t, peer["podSelector"], podLabels)
	})
}

// inNamespace names the namespace of a pod that is not in the stack's, as the label of a
// namespace does.
const inNamespace = "kubernetes.io/metadata.name"

func selects(t *testing.T, selector any, podLabels map[string]any) bool {
	t.Helper()
	raw, err := json.Marshal(selector)
	require.NoError(t, err)
	var typed metav1.LabelSelector
	require.NoError(t, json.Unmarshal(raw, &typed))
	parsed, err := metav1.LabelSelectorAsSelector(&typed)
	require.NoError(t, err)
	set := labels.Set{}
	for k, v := range podLabels {
		set[k] = v.(string)
	}
	return parsed.Matches(set)
}

func TestSecureServingConfiguresBothEnds(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		values := map[string]string{
			"epp":              fmt.Sprintf(`{"enabled":true,"secureServing":%t}`, secure),
			"inferenceGateway": `{"enabled":true,"standard":{"enabled":true},"istio":{"enabled":true}}`,
		}
		r := run(t, values, fullCluster())
		require.NoError(t, r.err)
		epp, _ := r.Find("kubernetes:apps/v1:Deployment", llmd.EPPName)
		containers := epp.Inputs["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)["containers"].([]any)
		require.Contains(t, containers[0].(map[string]any)["args"], fmt.Sprintf("--secure-serving=%t", secure))
		config, _ := r.Find("kubernetes:core/v1:ConfigMap", llmd.StandardGatewayName)
		bootstrap := config.Inputs["data"].(map[string]any)["envoy.yaml"].(string)
		require.Equal(t, secure, strings.Contains(bootstrap, "envoy.transport_sockets.tls"))
		_, found := r.Find("kubernetes:networking.istio.io/v1:DestinationRule", llmd.EPPName)
		require.Equal(t, secure, found)
	}
}

func TestPullSecretsReachEveryPod(t *testing.T) {
	t.Parallel()
	r := run(t, with(everything, "imagePullSecrets", `["one","two"]`), fullCluster())
	require.NoError(t, r.err)
	want := []any{map[string]any{"name": "one"}, map[string]any{"name": "two"}}
	pods := 0
	for _, reg := range r.Registrations() {
		if reg.Type == "kubernetes:apps/v1:Deployment" {
			pod := reg.Inputs["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
			require.Equal(t, want, pod["imagePullSecrets"], reg.Name)
			pods++
		}
	}
	require.Equal(t, 5, pods)
}

func TestClusterCanAssignIDs(t *testing.T) {
	t.Parallel()
	for _, fixed := range []bool{true, false} {
		r := run(t, with(everything, "podSecurity", fmt.Sprintf(`{"fixedIDs":%t}`, fixed)), fullCluster())
		require.NoError(t, r.err)
		pods := 0
		for _, reg := range r.Registrations() {
			if reg.Type == "kubernetes:apps/v1:Deployment" {
				pod := reg.Inputs["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
				security := pod["securityContext"].(map[string]any)
				require.Equal(t, true, security["runAsNonRoot"], reg.Name)
				for _, id := range []string{"runAsUser", "runAsGroup", "fsGroup"} {
					_, set := security[id]
					require.Equal(t, fixed, set, "%s of %s", id, reg.Name)
				}
				pods++
			}
		}
		require.Equal(t, 5, pods)
	}
}
