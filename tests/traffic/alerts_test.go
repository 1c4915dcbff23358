package traffic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// fault is what series show of a fault that an alert is about, and what its summary then says.
type fault struct {
	series map[string]string
	says   string
}

// faults returns a fault for each alert of a stack: all is well for 5 minutes, then it is not for 5,
// and then it is again.
func faults(s *labtest.Stack) map[string]fault {
	of := func(metric string, labels ...string) string {
		return fmt.Sprintf("%s{namespace=%q,%s}", metric, s.Namespace, strings.Join(labels, ","))
	}
	job := func(name string) string { return fmt.Sprintf("job=%q", name) }
	const inference, down, counted = `envoy_http_conn_manager_prefix="inference"`, "1x19 0x19 1x19", "0x19 15+15x19 300x19"
	decode := job(s.DecodeName())
	return map[string]fault{
		"LLMDNoDecodePod": {map[string]string{
			of("up", decode, `pod="a"`): down, of("up", decode, `pod="b"`): "0x59",
		}, "no decode pod answers"},
		"LLMDEPPDown": {map[string]string{of("up", job(llmd.EPPName)): down}, "no EPP answers"},
		"LLMDGatewayFailsOpen": {map[string]string{
			of("envoy_http_ext_proc_failure_mode_allowed", inference): counted,
		}, "1.0 requests per second bypass the EPP"},
		"LLMDQueueTooLong": {map[string]string{
			of("vllm:num_requests_waiting", decode, `pod="a"`):                "5x19 8x19 5x19",
			of("vllm:num_requests_waiting", decode, `pod="b"`):                "5x19 6x19 5x19",
			of("vllm:num_requests_waiting", job(llmd.PrefillName), `pod="c"`): "0x59",
		}, "7.0 requests wait"},
		"LLMDErrorRate": {map[string]string{
			of("envoy_http_downstream_rq_xx", inference, `envoy_response_code_class="5"`): counted,
			of("envoy_http_downstream_rq_xx", inference, `envoy_response_code_class="2"`): "0+135x59",
			of("envoy_http_downstream_rq_completed", inference):                           "0+150x59",
		}, "10.0 % of the requests fail"},
	}
}

// requireAlertsFireAndStop gives the faults to the rules of a stack that Prometheus has, in the time of
// promtool.
func requireAlertsFireAndStop(t *testing.T, s *labtest.Stack) {
	t.Helper()
	type object = map[string]any
	var tests []object
	faults := faults(s)
	rules := labtest.At(t, s.Get("prometheusrule", llmd.MonitoringName), "spec", "groups", 0, "rules").([]any)
	require.Len(t, rules, len(faults))
	for _, rule := range rules {
		rule := rule.(object)
		fault, found := faults[rule["alert"].(string)]
		require.True(t, found, rule["alert"])
		var series []object
		for name, values := range fault.series {
			series = append(series, object{"series": name, "values": values})
		}
		annotations := maps.Clone(rule["annotations"].(object))
		value, _, _ := strings.Cut(fault.says, " ")
		annotations["summary"] = strings.ReplaceAll(annotations["summary"].(string), `{{ $value | printf "%.1f" }}`, value)
		require.Contains(t, annotations["summary"], fault.says)
		fires := []object{{"exp_labels": rule["labels"], "exp_annotations": annotations}}
		tests = append(tests, object{"interval": "15s", "input_series": series, "alert_rule_test": []object{
			{"eval_time": "4m", "alertname": rule["alert"], "exp_alerts": []object{}},
			{"eval_time": "9m", "alertname": rule["alert"], "exp_alerts": fires},
			{"eval_time": "14m", "alertname": rule["alert"], "exp_alerts": []object{}},
		}})
	}
	input, err := json.Marshal(object{
		"rule_files": []string{"/etc/prometheus/rules.yml"}, "evaluation_interval": "15s", "tests": tests,
	})
	require.NoError(t, err)
	promtool := lab.Command("kubectl", "exec", "-i", "-n", llmd.PrometheusNamespace, "deployment/prometheus", "--",
		"/bin/promtool", "test", "rules", "/dev/stdin")
	promtool.Stdin = bytes.NewReader(input)
	out, err := promtool.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "SUCCESS")
	fmt.Printf("%d alerts fire and stop\n", len(rules))
}
