package tests

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/recorder"
)

const monitored = `{"enabled":true,"labels":{"release":"kps"},"interval":"1m30s",
	"prometheus":{"namespace":"observability","podLabels":{"app":"prom"}}}`

// field returns the value at a path of an object's inputs.
func field(t *testing.T, reg recorder.Registration, path ...string) any {
	t.Helper()
	value, found, err := unstructured.NestedFieldNoCopy(reg.Inputs, path...)
	require.NoError(t, err, reg.Name)
	require.True(t, found, "%s: %v", reg.Name, path)
	return value
}

// byKind returns the registered objects of a kind by their names.
func byKind(r result, kind string) map[string]recorder.Registration {
	objects := map[string]recorder.Registration{}
	for _, reg := range r.Registrations() {
		if reg.Inputs["kind"] == kind {
			objects[reg.Object()] = reg
		}
	}
	return objects
}

// container returns the port of a pod's container by its name.
func containerPort(t *testing.T, deployment recorder.Registration, name string) (any, bool) {
	t.Helper()
	for _, container := range field(t, deployment, "spec", "template", "spec", "containers").([]any) {
		ports, _ := container.(map[string]any)["ports"].([]any)
		for _, port := range ports {
			if port.(map[string]any)["name"] == name {
				return port.(map[string]any)["containerPort"], true
			}
		}
	}
	return nil, false
}

// TestEveryPartIsMonitored resolves the monitors as the operator does.
func TestEveryPartIsMonitored(t *testing.T) {
	t.Parallel()
	r := run(t, with(everything, "monitoring", monitored), fullCluster())
	require.NoError(t, r.err)
	deployments, services := byKind(r, "Deployment"), byKind(r, "Service")
	scraped := map[string]string{}
	note := func(monitor recorder.Registration, port any, endpoint map[string]any) {
		require.Equal(t, "kps", field(t, monitor, "metadata", "labels", "release"))
		require.Equal(t, "90s", endpoint["interval"])
		require.Equal(t, "app.kubernetes.io/name", field(t, monitor, "spec", "jobLabel"))
		require.NotContains(t, scraped, monitor.Object())
		scraped[monitor.Object()] = fmt.Sprintf("%v%v", port, endpoint["path"])
	}
	for name, monitor := range byKind(r, "ServiceMonitor") {
		endpoint := field(t, monitor, "spec", "endpoints").([]any)[0].(map[string]any)
		selected := 0
		for _, service := range services {
			if selects(t, field(t, monitor, "spec", "selector"), field(t, service, "metadata", "labels").(map[string]any)) {
				selected++
				for _, port := range field(t, service, "spec", "ports").([]any) {
					if port.(map[string]any)["name"] == endpoint["port"] {
						note(monitor, port.(map[string]any)["targetPort"], endpoint)
					}
				}
			}
		}
		require.Equal(t, 1, selected, "Services of %s", name)
	}
	for name, monitor := range byKind(r, "PodMonitor") {
		endpoint := field(t, monitor, "spec", "podMetricsEndpoints").([]any)[0].(map[string]any)
		for _, deployment := range deployments {
			if selects(t, field(t, monitor, "spec", "selector"), field(t, deployment, "spec", "template", "metadata", "labels").(map[string]any)) {
				port, found := containerPort(t, deployment, endpoint["port"].(string))
				require.True(t, found, name)
				note(monitor, port, endpoint)
			}
		}
	}
	require.Equal(t, map[string]string{
		llmd.EPPName: "9090/metrics", llmd.StandardGatewayName: "19000/stats/prometheus", llmd.IstioGatewayName: "15090/stats/prometheus",
		llmd.DecodeName: "8201/metrics", llmd.PrefillName: "8200/metrics",
	}, scraped)
	require.ElementsMatch(t, slices.Collect(maps.Keys(deployments)), slices.Collect(maps.Keys(scraped)))

	look := r.exports["monitoring"].(map[string]any)
	require.ElementsMatch(t, slices.Collect(maps.Keys(scraped)), look["jobs"])
	require.Equal(t, llmd.MonitoringName, look["alerts"])
	require.Contains(t, byKind(r, "PrometheusRule"), llmd.MonitoringName)
	dashboard := byKind(r, "ConfigMap")[llmd.MonitoringName]
	require.Equal(t, "1", field(t, dashboard, "metadata", "labels", "grafana_dashboard"))
	var board struct{ UID string }
	require.NoError(t, json.Unmarshal([]byte(field(t, dashboard, "data", "llm-d-sim-llm-d-sim.json").(string)), &board))
	require.Equal(t, "/d/"+board.UID, look["dashboard"])
}

// TestOnlyPrometheusMayReadMetrics reads what network policies allow beside requests.
func TestOnlyPrometheusMayReadMetrics(t *testing.T) {
	t.Parallel()
	without := byKind(run(t, everything, fullCluster()), "NetworkPolicy")
	r := run(t, with(everything, "monitoring", monitored), fullCluster())
	require.NoError(t, r.err)
	ports := map[string]any{}
	for name, policy := range byKind(r, "NetworkPolicy") {
		rules := field(t, policy, "spec", "ingress").([]any)
		require.Equal(t, field(t, without[name], "spec", "ingress"), rules[:1], "requests are let in as before")
		require.Len(t, rules, 2)
		rule := rules[1].(map[string]any)
		require.Equal(t, []any{map[string]any{
			"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": "observability"}},
			"podSelector":       map[string]any{"matchLabels": map[string]any{"app": "prom"}},
		}}, rule["from"])
		ports[name] = rule["ports"].([]any)[0].(map[string]any)["port"]
	}
	require.Equal(t, map[string]any{
		llmd.EPPName: 9090.0, llmd.StandardGatewayName: 19000.0, llmd.IstioGatewayName: 15090.0, llmd.DecodeName: 8201.0, llmd.PrefillName: 8200.0,
	}, ports)
}

func TestPodsAreAnnotatedWithoutTheOperator(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"epp": `{"enabled":true}`, "inferenceGateway": `{"enabled":true,"standard":{"enabled":true}}`,
		"monitoring": `{"enabled":true,"operator":false}`,
	}
	r := run(t, values, bareCluster())
	require.NoError(t, r.err)
	got := map[string]string{}
	for name, deployment := range byKind(r, "Deployment") {
		annotations := field(t, deployment, "spec", "template", "metadata", "annotations").(map[string]any)
		require.Equal(t, "true", annotations["prometheus.io/scrape"], name)
		got[name] = fmt.Sprintf("%v%v", annotations["prometheus.io/port"], annotations["prometheus.io/path"])
	}
	require.Equal(t, map[string]string{
		llmd.EPPName: "9090/metrics", llmd.StandardGatewayName: "19000/stats/prometheus", "ms-sim-llm-sim-decode": "8200/metrics",
	}, got)
	for _, reg := range r.Registrations() {
		require.NotContains(t, reg.Type, "monitoring.coreos.com")
	}
	require.NotContains(t, r.exports["monitoring"], "alerts")
}

func TestMonitoringChangesNothingElse(t *testing.T) {
	t.Parallel()
	before := run(t, everything, fullCluster())
	after := run(t, with(everything, "monitoring", monitored), fullCluster())
	for name, deployment := range byKind(before, "Deployment") {
		require.Equal(t, deployment, byKind(after, "Deployment")[name], "no pod is replaced")
	}
	for name, service := range byKind(before, "Service") {
		was, is := field(t, service, "spec", "ports").([]any), field(t, byKind(after, "Service")[name], "spec", "ports").([]any)
		require.Equal(t, was[0], is[0], "the first port of %s decides whether it is replaced", name)
	}
}

func TestMissingOperatorIsReported(t *testing.T) {
	t.Parallel()
	refused(t, run(t, map[string]string{"monitoring": `{"enabled":true}`}, bareCluster()),
		"monitoring.operator: the cluster does not know PodMonitor (monitoring.coreos.com/v1) and PrometheusRule",
		"install the Prometheus Operator", "pulumi config set --path monitoring.operator false")
}

func TestMonitorsOfOthersAreNotAdopted(t *testing.T) {
	t.Parallel()
	live := fullCluster()
	live.namespaces = map[string]metav1.PartialObjectMetadata{"llm-d-sim": {ObjectMeta: metav1.ObjectMeta{Name: "llm-d-sim"}}}
	live.objects = map[schema.GroupVersionResource][]metav1.PartialObjectMetadata{
		{Group: "monitoring.coreos.com", Version: "v1", Resource: "prometheusrules"}: {
			{ObjectMeta: metav1.ObjectMeta{Name: llmd.MonitoringName, Namespace: "llm-d-sim"}},
		},
	}
	refused(t, run(t, map[string]string{"monitoring": `{"enabled":true}`, "createNamespace": "false"}, live), "prometheusrules "+llmd.MonitoringName)
}

// TestAlertsHaveRunbooks checks that the page has the section that each alert links to.
func TestAlertsHaveRunbooks(t *testing.T) {
	t.Parallel()
	r := run(t, with(everything, "monitoring", monitored), fullCluster())
	require.NoError(t, r.err)
	page, err := os.ReadFile("../docs/monitoring.md")
	require.NoError(t, err)
	groups := field(t, byKind(r, "PrometheusRule")[llmd.MonitoringName], "spec", "groups").([]any)
	rules := groups[0].(map[string]any)["rules"].([]any)
	require.Len(t, rules, 5)
	for _, rule := range rules {
		annotations := rule.(map[string]any)["annotations"].(map[string]any)
		require.Regexp(t, `^Namespace llm-d-sim: .+\.$`, annotations["summary"])
		_, anchor, found := strings.Cut(annotations["runbook_url"].(string), "/docs/monitoring.md#")
		require.True(t, found)
		require.Contains(t, anchors(string(page)), anchor)
	}
}
