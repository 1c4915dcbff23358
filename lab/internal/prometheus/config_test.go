package prometheus

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMonitorsBecomeJobs(t *testing.T) {
	t.Parallel()
	config, rules, err := configuration([]byte(`{"items":[
		{"kind":"ServiceMonitor","metadata":{"namespace":"a","name":"x"},"spec":{
			"selector":{"matchLabels":{"app.kubernetes.io/name":"epp"}},"jobLabel":"app.kubernetes.io/name",
			"endpoints":[{"port":"http-metrics","path":"/metrics","interval":"2s"}]}},
		{"kind":"PodMonitor","metadata":{"namespace":"b","name":"y"},"spec":{
			"selector":{"matchLabels":{"a":"b.c"}},"podMetricsEndpoints":[{"port":"http","path":"/m","interval":"90s"}]}},
		{"kind":"PrometheusRule","metadata":{"namespace":"a","name":"z"},"spec":{"groups":[{"name":"g","rules":[{"alert":"A"}]}]}}
	]}`))
	require.NoError(t, err)
	var read struct {
		Jobs []struct {
			Name     string `json:"job_name"`
			Interval string `json:"scrape_interval"`
			Path     string `json:"metrics_path"`
			SD       []struct {
				Role       string
				Namespaces struct{ Names []string }
			} `json:"kubernetes_sd_configs"`
			Relabel []struct {
				Source []string `json:"source_labels"`
				Regex  string
				Action string
				Target string `json:"target_label"`
			} `json:"relabel_configs"`
		} `json:"scrape_configs"`
	}
	require.NoError(t, json.Unmarshal(config, &read))
	require.Len(t, read.Jobs, 2)
	service, pods := read.Jobs[0], read.Jobs[1]
	require.Equal(t, []string{"servicemonitor/a/x/0", "2s", "/metrics"}, []string{service.Name, service.Interval, service.Path})
	require.Equal(t, "endpointslice", service.SD[0].Role)
	require.Equal(t, []string{"a"}, service.SD[0].Namespaces.Names)
	require.Equal(t, []string{"__meta_kubernetes_service_label_app_kubernetes_io_name"}, service.Relabel[0].Source)
	require.Equal(t, "epp", service.Relabel[0].Regex)
	require.Equal(t, []string{"__meta_kubernetes_endpointslice_port_name"}, service.Relabel[1].Source)
	require.Equal(t, "job", service.Relabel[len(service.Relabel)-1].Target)
	require.Equal(t, "pod", pods.SD[0].Role)
	require.Equal(t, `b\.c`, pods.Relabel[0].Regex)
	require.Equal(t, []string{"__meta_kubernetes_pod_container_port_name"}, pods.Relabel[1].Source)
	require.JSONEq(t, `{"groups":[{"name":"a/g","rules":[{"alert":"A"}]}]}`, string(rules))
}

func TestAMonitorThatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	_, _, err := configuration([]byte(`{"items":[{"kind":"PodMonitor","metadata":{"namespace":"a","name":"x"},
		"spec":{"selector":{"matchExpressions":[]},"podMetricsEndpoints":[]}}]}`))
	require.ErrorContains(t, err, "cannot read the PodMonitor x in namespace a")
	require.ErrorContains(t, err, "matchExpressions")
}
