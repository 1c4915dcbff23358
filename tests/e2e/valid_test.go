package e2e

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/internal/stackfile"
)

// choices are values for what a type alone does not tell. What is not here, and is neither
// a number nor a switch, keeps its default.
var choices = map[string][]any{
	"name":                    {"llm-sim", "other"},
	"image":                   {"example.com/image:local", "example.com/image@sha256:" + strings.Repeat("0", 64), "image"},
	"imagePullPolicy":         {"Always", "IfNotPresent", "Never"},
	"imagePullSecrets":        {[]any{"registry"}},
	"service.name":            {"proxy", llmd.ProxyServiceName},
	"service.type":            {"ClusterIP", "NodePort", "LoadBalancer"},
	"gateway.className":       {"other"},
	"loadBalancing.algorithm": {"ROUND_ROBIN", "LEAST_REQUEST", "RANDOM", "LEAST_CONN"},
	"epp.args":                {[]any{"--enable-pprof=false"}},
	"decode.args":             {[]any{"--max-loras=2"}},
	"prefill.args":            {[]any{"--max-loras=3", "--max-model-len=2048"}},
	"simulator.model":         {"random", "org/model"},
	"resources.requests.cpu":  {"10m", "1"},
	"resources.limits.memory": {"512Mi", "1G"},
	"port":                    {1, 80, 8200, 8201, 65535},
	"verbosity":               {0, 10},
	"logVerbosity":            {0, 10},
	"replicas":                {1, 3},
}

// generated makes a configuration of values that are good each, which does not say that
// they go together.
func generated(random *rand.Rand) map[string]any {
	values := map[string]any{}
	for _, l := range leaves() {
		switch l.path {
		case "namespace", "createNamespace", "readyTimeout":
			continue // The test's own.
		case "gateway.enabled", "inferenceGateway.istio.enabled":
			if random.IntN(8) > 0 {
				continue // There is no controller, so that they are refused.
			}
		}
		// A switch decides what else there is, so it is turned more often than the rest.
		switched := strings.HasSuffix(l.path, "nabled")
		if !switched && random.IntN(6) > 0 {
			continue
		}
		if value := good(random, l); value != nil {
			set(values, l.path, value)
		}
	}
	values["createNamespace"], values["readyTimeout"] = false, "60s"
	return values
}

func good(random *rand.Rand, l leaf) any {
	for path := l.path; ; path = path[strings.Index(path, ".")+1:] {
		if values := choices[path]; len(values) > 0 {
			return values[random.IntN(len(values))]
		}
		if !strings.Contains(path, ".") {
			break
		}
	}
	switch of := l.of; {
	case of.Kind() == reflect.Bool:
		return random.IntN(2) > 0
	case of.Kind() == reflect.Int32, of.Kind() == reflect.Int64:
		return 1 + random.IntN(3)
	case of == reflect.TypeFor[metav1.Duration]():
		return "20ms"
	}
	return nil
}

// TestWhatIsAcceptedDeploys goes from one configuration to the next, each with a real up:
// it deploys wholly, or is refused before anything has changed.
func TestWhatIsAcceptedDeploys(t *testing.T) {
	t.Parallel()
	lab.InstallCRDs(t)
	for seed, name := range []string{"accepted", "accepted-too"} {
		t.Run(name, func(t *testing.T) { t.Parallel(); deploys(t, name, uint64(seed)) })
	}
}

// deploys lets a stack go through 50 of the configurations.
func deploys(t *testing.T, name string, seed uint64) {
	t.Helper()
	s := lab.NewStack(t, name, nil)
	s.Adopts = true
	lab.Kubectl(t, "create", "namespace", s.Namespace)
	random := rand.New(rand.NewPCG(1, seed)) // The same ones each time.
	const most = 50
	deployed, byCluster, byConfig := 0, 0, 0
	for deployed+byCluster < most {
		values := generated(random)
		if !accepted(t, values) {
			byConfig++
			continue
		}
		s.Configure(values)
		before := s.Objects()
		out, err := s.Pulumi("up", "--yes", "--skip-preview")
		if err != nil {
			require.Contains(t, out, "nothing was changed", "%v", values)
			require.Equal(t, before, s.Objects(), "%v", values)
			byCluster++
			continue
		}
		deployed++
		for _, c := range s.Outputs()["conditions"].([]any) {
			require.Equal(t, "True", c.(map[string]any)["status"], "%v of %v", c, values)
		}
	}
	fmt.Printf("%d generated configurations: %d deployed wholly, %d refused for what the cluster lacks; %d more refused for what does not go together\n",
		most, deployed, byCluster, byConfig)
	require.Greater(t, deployed, most/2)
}

// accepted reports whether the program's own checks let a configuration pass.
func accepted(t *testing.T, values map[string]any) bool {
	t.Helper()
	full := map[string]any{}
	for key, value := range values {
		full[config.Namespace+":"+key] = value
	}
	encoded, err := stackfile.Encode(full)
	require.NoError(t, err)
	_, err = config.Load(encoded, nil)
	return err == nil
}
