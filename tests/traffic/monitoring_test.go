package traffic

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	neturl "net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// prometheus runs a Prometheus on the lab with the monitors that are on the cluster now, and returns
// its URL.
func prometheus(t *testing.T) string {
	t.Helper()
	out, err := lab.Command(lab.Path(), "start", "--name", lab.Name, "--crds", "inference,monitoring", "--monitoring").CombinedOutput()
	require.NoError(t, err, string(out))
	return fmt.Sprintf("http://%s:9090", lab.Kubectl(t, "get", "service", "prometheus", "-n", llmd.PrometheusNamespace, "-o", "jsonpath={.spec.clusterIP}"))
}

// ask calls the API of Prometheus, and returns the data of its answer.
func ask[T any](t *testing.T, server, path string, query neturl.Values) T {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server+path+"?"+query.Encode(), nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s %v: %s", path, query, raw)
	var answer struct{ Data T }
	require.NoError(t, json.Unmarshal(raw, &answer))
	return answer.Data
}

// hasSeries reports whether a query returns a number.
func hasSeries(t *testing.T, server, query string) bool {
	t.Helper()
	data := ask[struct {
		Result []struct{ Value [2]any }
	}](t, server, "/api/v1/query", neturl.Values{"query": {query}})
	for _, series := range data.Result {
		if value, err := strconv.ParseFloat(series.Value[1].(string), 64); err == nil && !math.IsNaN(value) {
			return true
		}
	}
	return false
}

// firing returns the alerts that fire for a stack.
func firing(t *testing.T, server string, s *labtest.Stack) []string {
	t.Helper()
	data := ask[struct {
		Alerts []struct {
			Labels map[string]string
			State  string
		}
	}](t, server, "/api/v1/alerts", nil)
	var names []string
	for _, alert := range data.Alerts {
		if alert.Labels["namespace"] == s.Namespace && alert.State == "firing" {
			names = append(names, alert.Labels["alertname"])
		}
	}
	return names
}

// panelQueries returns the queries of the stack's dashboard, for the last 20 s.
func panelQueries(t *testing.T, s *labtest.Stack) []string {
	t.Helper()
	var board struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	content := labtest.At(t, s.Get("configmap", llmd.MonitoringName), "data", "llm-d-sim-"+s.Namespace+".json").(string)
	require.NoError(t, json.Unmarshal([]byte(content), &board))
	var queries []string
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, strings.ReplaceAll(target.Expr, "$__rate_interval", "20s"))
		}
	}
	return queries
}

var selectorPattern = regexp.MustCompile(`[a-zA-Z_:]+\{[^}]+\}`)

// alertSelectors returns what the stack's alerts select: an alert itself selects nothing while all is well.
func alertSelectors(t *testing.T, s *labtest.Stack) []string {
	t.Helper()
	var selectors []string
	for _, rule := range labtest.At(t, s.Get("prometheusrule", llmd.MonitoringName), "spec", "groups", 0, "rules").([]any) {
		found := selectorPattern.FindAllString(rule.(map[string]any)["expr"].(string), -1)
		require.NotEmpty(t, found, "%v", rule)
		selectors = append(selectors, found...)
	}
	return selectors
}

// requireSeries waits until Prometheus has an answer to everything that is asked about a stack.
func requireSeries(t *testing.T, server string, s *labtest.Stack, what string) {
	t.Helper()
	panels, alerts := panelQueries(t, s), alertSelectors(t, s)
	empty := slices.Concat(panels, alerts)
	for deadline := time.Now().Add(90 * time.Second); len(empty) > 0 && time.Now().Before(deadline); time.Sleep(time.Second) {
		empty = slices.DeleteFunc(empty, func(query string) bool { return hasSeries(t, server, query) })
	}
	require.Empty(t, empty, "%s: these return nothing", what)
	fmt.Printf("%s: %d queries of panels and %d selectors of alerts return series\n", what, len(panels), len(alerts))
}

// TestPrometheusSeesTheStack shows with a real Prometheus, which network policies let in, that every
// panel has data and that alerts fire only while something is wrong.
func TestPrometheusSeesTheStack(t *testing.T) {
	t.Parallel()
	withPolicies(t)
	withLLMDv04(t)
	prometheus(t) // With the CRDs.
	config := lab.Sample(t, "dev")
	config["networkPolicy"] = map[string]any{"enabled": true}
	config["simulator"] = map[string]any{"kvCache": map[string]any{"enabled": true}}
	config["monitoring"] = map[string]any{
		"enabled": true, "interval": "1s", "alerts": map[string]any{"after": "1s"},
	}
	s := newStack(t, "monitored", config)
	s.Up()
	require.NotEmpty(t, s.Outputs()["monitoring"].(map[string]any)["dashboard"])
	server := prometheus(t)
	client := gateway(t, s)
	l := startLoad(t, 2, func(ctx context.Context, i int) traffic.Answer {
		if i%2 > 0 {
			return client.Completion(ctx, long(fmt.Sprint("cached ", i%6)), 5)
		}
		return client.Stream(ctx, long(prompt(i)), 20)
	})
	requireSeries(t, server, s, "EPP v0.7")
	requireAlertsFireAndStop(t, s)
	eventually(t, 30*time.Second, func() bool { return len(firing(t, server, s)) == 0 }, "no alert fires")

	lab.Kubectl(t, "scale", "deployment", llmd.EPPName, "-n", s.Namespace, "--replicas=0")
	began := time.Now()
	eventually(t, time.Minute, func() bool {
		alerts := firing(t, server, s)
		return slices.Contains(alerts, "LLMDEPPDown") && slices.Contains(alerts, "LLMDGatewayFailsOpen")
	}, "the alerts about the EPP fire")
	fmt.Printf("alerts fired %.0f s after the EPP was scaled to 0\n", time.Since(began).Seconds())
	s.Up("--refresh")
	eventually(t, 90*time.Second, func() bool { return len(firing(t, server, s)) == 0 }, "the alerts stop")

	s.SetAll(labtest.LLMDv04)
	s.Up()
	server = prometheus(t)
	requireSeries(t, server, s, "EPP v0.4")
	report(t, "requests to a monitored stack", l.stop())
}
