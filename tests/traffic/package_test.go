package traffic

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
)

// TestProgramInYAMLServesRequests deploys the example in YAML, with the lab's images.
func TestProgramInYAMLServesRequests(t *testing.T) {
	t.Parallel()
	lab.InstallPackage(t)
	s := newStack(t, "yaml", map[string]any{})
	image := func(path string) string {
		if substitute := lab.LLMD()[path]; substitute != "" {
			return fmt.Sprintf(", image: %q", substitute)
		}
		return ""
	}
	s.Project(s.Example("stack",
		"      epp:\n        enabled: true\n",
		"      resources: {requests: {cpu: 10m}}\n      epp: {enabled: true, resources: {requests: {cpu: 10m}}"+image("epp.image")+"}\n",
		"        standard:\n          enabled: true\n", "        standard: {enabled: true, resources: {requests: {cpu: 10m}}}\n",
		"        replicas: 2\n", "        replicas: 2\n        routingSidecar: {enabled: true"+image("decode.routingSidecar.image")+"}\n",
	))
	s.Up()
	require.EqualValues(t, 2, s.Outputs()["readyReplicas"])
	client := gateway(t, s)
	answers := traffic.Run(t.Context(), 100, 8, func(ctx context.Context, i int) traffic.Answer {
		return client.Completion(ctx, fmt.Sprintf("request %d", i), 2)
	}, nil)
	summary := traffic.Sum(answers)
	fmt.Println("the stack in YAML:", summary)
	require.Equal(t, 100, summary.OK)
	require.Len(t, summary.Pods, 2)
}
