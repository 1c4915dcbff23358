package configgen

import (
	"math/rand/v2"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// choices are values for strings and lists, whose types alone do not say which are valid. A
// path that is neither listed here nor a number or a switch keeps its default.
var choices = map[string][]any{
	"name":                       {"llm-sim", "other"},
	"image":                      {"example.com/image:local", "example.com/image@sha256:" + strings.Repeat("0", 64), "example.com/image:v0.10.2"},
	"imagePullPolicy":            {"Always", "IfNotPresent", "Never"},
	"imagePullSecrets":           {[]any{"registry"}},
	"service.name":               {"proxy", llmd.ProxyServiceName},
	"service.type":               {"ClusterIP", "NodePort", "LoadBalancer"},
	"gateway.className":          {"other"},
	"loadBalancing.algorithm":    {"ROUND_ROBIN", "LEAST_REQUEST", "RANDOM", "LEAST_CONN"},
	"epp.args":                   {[]any{"--enable-pprof=false"}},
	"epp.prefixCache":            {"approximate", "precise"},
	"decode.args":                {[]any{"--max-loras=2"}},
	"prefill.args":               {[]any{"--max-loras=3", "--max-cpu-loras=4"}},
	"simulator.model":            {"random", "org/model"},
	"simulator.profile":          {"8b-h100", "70b-8xh100", "3b-l40s"},
	"autoscaling.scaler":         {"other"},
	"autoscaling.minReplicas":    {1, 2},
	"autoscaling.maxReplicas":    {2, 3},
	"autoscaling.scaleDownAfter": {"0s", "90s"},
	// Their bounds depend on each other.
	"simulator.timeToFirstTokenStdDev":  {"0s"},
	"simulator.interTokenLatencyStdDev": {"0s"},
	"simulator.timeFactorUnderLoad":     {1, 2.5},
	"simulator.kvCache.blockSize":       {8, 128},
	"simulator.failures.types":          {[]any{"rate_limit", "server_error"}},
	"monitoring.interval":               {"1s", "1m30s"},
	"monitoring.alerts.after":           {"1s", "5m"},
	"tracing.endpoint":                  {"otel-collector.monitoring:4317", "10.0.0.1:4317"},
	"tracing.sampling":                  {0, 0.5, 1},
	"resources.requests.cpu":            {"10m", "1"},
	"resources.limits.memory":           {"512Mi", "1G"},
	"port":                              {1, 80, 8200, 8201, 65535},
	"verbosity":                         {0, 10},
	"logVerbosity":                      {0, 10},
	"replicas":                          {1, 3},
}

// Generate returns a configuration whose values are each valid, though they may conflict.
// Paths that skip reports stay unset; nil skips none.
func Generate(random *rand.Rand, skip func(path string) bool) map[string]any {
	values := map[string]any{}
	// A model has many keys and many objects, so it is there or not as a whole.
	models := random.IntN(3) == 0
	for _, l := range Leaves() {
		if strings.HasPrefix(l.Path, "models.") && !models {
			continue
		}
		if skip != nil && skip(l.Path) {
			continue
		}
		// Switches decide which other settings matter, so they are set more often than the rest.
		switched := strings.HasSuffix(l.Path, "nabled")
		if !switched && random.IntN(6) > 0 {
			continue
		}
		if value := good(random, l); value != nil {
			Set(values, l.Path, value)
		}
	}
	return values
}

func good(random *rand.Rand, l Leaf) any {
	for path := l.Path; ; path = path[strings.Index(path, ".")+1:] {
		if values := choices[path]; len(values) > 0 {
			return values[random.IntN(len(values))]
		}
		if !strings.Contains(path, ".") {
			break
		}
	}
	switch of := l.Of; {
	case of.Kind() == reflect.Bool:
		return random.IntN(2) > 0
	case of.Kind() == reflect.Int32, of.Kind() == reflect.Int64:
		return 1 + random.IntN(3)
	case of == reflect.TypeFor[metav1.Duration]():
		return "20ms"
	}
	return nil
}
