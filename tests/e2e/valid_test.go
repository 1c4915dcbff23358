package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/internal/configgen"
	"github.com/llm-d-sim/llm-d-sim/internal/stackfile"
)

// TestAcceptedConfigurationsDeploy goes from one configuration to the next, each with a
// real up: it either deploys completely, or is refused before anything changes.
func TestAcceptedConfigurationsDeploy(t *testing.T) {
	t.Parallel()
	lab.InstallCRDs(t)
	for seed, name := range []string{"accepted", "accepted-too"} {
		t.Run(name, func(t *testing.T) { t.Parallel(); deploys(t, name, uint64(seed)) })
	}
}

// generate returns a configuration for an existing namespace. Few of them need a Gateway
// controller or KEDA: there is none, so they are refused.
func generate(random *rand.Rand) map[string]any {
	values := configgen.Generate(random, func(path string) bool {
		missing := path == "gateway.enabled" || path == "inferenceGateway.istio.enabled" || strings.HasSuffix(path, "autoscaling.enabled")
		return missing && random.IntN(8) > 0
	})
	values["createNamespace"], values["readyTimeout"] = false, "60s"
	delete(values, "namespace")
	return values
}

// deploys takes a stack through 50 of the configurations.
func deploys(t *testing.T, name string, seed uint64) {
	t.Helper()
	s := lab.NewStack(t, name, nil)
	s.Adopts = true
	lab.Kubectl(t, "create", "namespace", s.Namespace)
	random := rand.New(rand.NewPCG(1, seed)) // Reproducible.
	const most = 50
	deployed, byCluster, byConfig := 0, 0, 0
	for deployed+byCluster < most {
		values := generate(random)
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
	fmt.Printf("%d generated configurations: %d deployed completely, %d refused for what the cluster lacks; %d more refused for conflicts\n",
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
	_, err = config.Load(config.Namespace, encoded, nil)
	return err == nil
}
