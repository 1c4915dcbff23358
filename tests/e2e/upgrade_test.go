package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// TestUpgradeReplacesNoObjects imports states that an earlier version of the program left,
// with their objects. None may be replaced: names and types are a promise.
func TestUpgradeReplacesNoObjects(t *testing.T) {
	lab.InstallCRDs(t)
	acceptedClass(t, llmd.IstioClassName)
	for sample, config := range map[string]map[string]any{
		"dev":  lab.Sample(t, "dev"),
		"full": lab.Sample(t, "full"),
		// The last version without a component for the whole stack.
		"parts": {
			"epp": enabled(), "inferencePool": enabled(), "prefill": map[string]any{"enabled": true, "replicas": 1},
			"decode": enabled(), "inferenceGateway": map[string]any{"enabled": true, "standard": enabled()},
			"loadBalancing": map[string]any{"enabled": true, "algorithm": "LEAST_REQUEST"}, "networkPolicy": enabled(),
		},
	} {
		s := lab.NewStack(t, "earlier-"+sample, config)
		state := recorded(t, s, "state-"+sample+".json.gz")
		objects, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": labtest.Rendered(t, state)})
		require.NoError(t, err)
		apply := lab.Command("kubectl", "apply", "--server-side", "-f", "-")
		apply.Stdin = bytes.NewReader(objects)
		out, err := apply.CombinedOutput()
		require.NoError(t, err, string(out))
		file := filepath.Join(t.TempDir(), "state.json")
		require.NoError(t, os.WriteFile(file, state, 0o600))
		s.Must("stack", "import", "--file", file)

		var preview struct {
			ChangeSummary map[string]int `json:"changeSummary"`
		}
		require.NoError(t, json.Unmarshal([]byte(s.Must("preview", "--json")), &preview))
		require.NotZero(t, preview.ChangeSummary["same"])
		for operation := range preview.ChangeSummary {
			require.Contains(t, []string{"same", "update", "create"}, operation, sample)
		}
		recordFault("a "+sample+" stack of an earlier version", fmt.Sprintf("taken over: %v, none replaced", preview.ChangeSummary))
		switch sample {
		case "dev":
			s.Up()
			s.RequireObjects(labtest.EPP, labtest.Stages, labtest.StandardGateway, []string{labtest.Proxy})
		case "parts":
			require.NotRegexp(t, "deleted|replaced", s.Up())
		default: // Its Gateway would wait for a controller.
		}
	}
}

func enabled() map[string]any { return map[string]any{"enabled": true} }

// recorded reads a recorded state as this stack's own: with its salt for the secrets, and
// for this cluster.
func recorded(t *testing.T, s *labtest.Stack, name string) []byte {
	t.Helper()
	packed, err := os.Open(filepath.Join("testdata", name))
	require.NoError(t, err)
	defer packed.Close()
	reader, err := gzip.NewReader(packed)
	require.NoError(t, err)
	var state map[string]any
	require.NoError(t, json.NewDecoder(reader).Decode(&state))
	state["deployment"].(map[string]any)["secrets_providers"] = map[string]any{
		"type": "passphrase", "state": map[string]any{"salt": s.Salt()},
	}
	raw, err := json.Marshal(state)
	require.NoError(t, err)
	id := lab.Kubectl(t, "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")
	raw = bytes.ReplaceAll(raw, []byte("CLUSTER_ID"), []byte(id))
	return bytes.ReplaceAll(raw, []byte("KUBECONFIG"), []byte(lab.Variable("KUBECONFIG")))
}
