package traffic

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// withKEDA installs KEDA, when the first test calls it.
var withKEDA = once("--crds", "inference", "--keda")

// TestKEDAFollowsTheLoad lets a real KEDA, which network policies let in, add pods under load and
// remove them afterwards. The program leaves them alone, and no request fails.
func TestKEDAFollowsTheLoad(t *testing.T) {
	t.Parallel()
	const least, most, perPod = 2, 6, 5
	withKEDA(t)
	withPolicies(t)
	s := newStack(t, "autoscaled", map[string]any{
		"epp":              map[string]any{"enabled": true},
		"inferenceGateway": map[string]any{"enabled": true, "standard": map[string]any{"enabled": true}},
		"networkPolicy":    map[string]any{"enabled": true},
		"simulator":        map[string]any{"timeToFirstToken": "1s"},
		"decode": map[string]any{"enabled": true, "replicas": least, "autoscaling": map[string]any{
			"enabled": true, "minReplicas": least, "maxReplicas": most, "requestsPerPod": perPod, "scaleDownAfter": "5s",
		}},
	})
	s.Up()
	require.Equal(t, least, target(t, s))
	client := gateway(t, s)
	send := func(ctx context.Context, i int) traffic.Answer { return client.Completion(ctx, prompt(i), 1) }

	began := time.Now()
	busy := startLoad(t, (most+1)*perPod, send)
	eventually(t, time.Minute, func() bool { return target(t, s) == most }, "KEDA adds pods")
	fmt.Printf("KEDA scaled from %d to %d pods %.0f s after the load began\n", least, most, time.Since(began).Seconds())
	lab.Kubectl(t, "rollout", "status", "deployment", s.DecodeName(), "-n", s.Namespace, "--timeout=60s")
	requireLeftAlone(t, s, most)
	loaded := busy.stop()

	began = time.Now()
	calm := startLoad(t, 1, send)
	eventually(t, time.Minute, func() bool { return target(t, s) == least }, "KEDA removes pods")
	fmt.Printf("KEDA scaled back to %d pods %.0f s after the load ended\n", least, time.Since(began).Seconds())
	eventually(t, time.Minute, func() bool { return len(pods(t, s, s.DecodeName())) == least }, "the pods are gone")
	requireLeftAlone(t, s, least)
	idle := calm.stop()

	report(t, "a load that adds pods", loaded)
	report(t, "requests while pods are removed", idle)
	require.Equal(t, loaded.Requests, loaded.OK, loaded.Failed)
	require.Equal(t, idle.Requests, idle.OK, idle.Failed)
	require.Greater(t, len(loaded.Pods), least, "the new pods answer, too")
}

// target returns how many decode pods there should be.
func target(t *testing.T, s *labtest.Stack) int {
	t.Helper()
	replicas, err := strconv.Atoi(lab.Kubectl(t, "get", "deployment", s.DecodeName(), "-n", s.Namespace, "-o", "jsonpath={.spec.replicas}"))
	require.NoError(t, err)
	return replicas
}

// requireLeftAlone requires that the program neither changes the number of pods nor reports it as a
// difference, and that its outputs tell it.
func requireLeftAlone(t *testing.T, s *labtest.Stack, replicas int) {
	t.Helper()
	summary := s.Up()
	require.NotRegexp(t, "created|updated|deleted|replaced", summary)
	s.Must("preview", "--expect-no-changes")
	s.Must("refresh", "--yes", "--skip-preview", "--expect-no-changes")
	require.Equal(t, replicas, target(t, s))
	outputs := s.Outputs()
	require.EqualValues(t, replicas, outputs["replicas"])
	decode := outputs["status"].(map[string]any)["decode"].(map[string]any)
	require.EqualValues(t, replicas, decode["desired"])
}
