package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMonitorsThatNoPrometheusSelectsAreReported has a Prometheus as the Helm chart
// kube-prometheus-stack makes it, whose release is called kps.
func TestMonitorsThatNoPrometheusSelectsAreReported(t *testing.T) {
	t.Parallel()
	lab.InstallCRDs(t)
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus-operator/prometheus-operator")
	cmd.Dir = filepath.Join(repository, "lab", "crds") // The lab installs only the kinds that stacks have.
	module, err := cmd.Output()
	require.NoError(t, err)
	const definition = "crd/prometheuses.monitoring.coreos.com"
	lab.Kubectl(t, "create", "-f", filepath.Join(strings.TrimSpace(string(module)),
		"example/prometheus-operator-crd/monitoring.coreos.com_prometheuses.yaml"))
	t.Cleanup(func() { lab.Kubectl(t, "delete", definition) }) // With the Prometheus.
	require.Eventually(t, func() bool { return lab.Command("kubectl", "get", "prometheuses").Run() == nil },
		30*time.Second, 100*time.Millisecond) // kubectl wait fails while a definition has no conditions.
	prometheus := lab.Command("kubectl", "create", "-f", "-")
	prometheus.Stdin = strings.NewReader(`
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: kps-prometheus, namespace: default}
spec:
  podMonitorNamespaceSelector: {}
  podMonitorSelector: {matchLabels: {release: kps}}
  serviceMonitorNamespaceSelector: {}
  serviceMonitorSelector: {matchLabels: {release: kps}}
  ruleNamespaceSelector: {}
  ruleSelector: {}
`)
	out, err := prometheus.CombinedOutput()
	require.NoError(t, err, string(out))

	s := lab.NewStack(t, "monitored", map[string]any{
		"monitoring": map[string]any{"enabled": true}, "epp": map[string]any{"enabled": true},
	})
	preview := s.Must("preview")
	for _, kind := range []string{"PodMonitors", "ServiceMonitors"} {
		require.Contains(t, preview, "no Prometheus selects the "+kind+" of this stack: "+
			"kps-prometheus in namespace default selects those with release=kps, in all namespaces")
	}
	require.NotContains(t, preview, "PrometheusRules")
	s.Set("monitoring.labels.release", "kps")
	require.NotContains(t, s.Must("preview"), "no Prometheus selects")
}
