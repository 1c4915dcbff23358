package tool

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheEstimateFollowsTheMachine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tools := []Tool{{Name: "etcd"}, {Name: "unknown"}, {Name: "kube-apiserver"}}
		require.Positive(t, cost["etcd"])
		e := newEstimate(tools)
		whole := cost["etcd"] + usualCost + cost["kube-apiserver"]
		require.InDelta(t, float64(whole)*2/float64(runtime.NumCPU()), minutes(t, e.left()), float64(time.Minute))

		time.Sleep(3 * cost["etcd"])
		e.done(tools[0])
		require.InDelta(t, float64(3*(whole-cost["etcd"])), minutes(t, e.left()), float64(time.Minute),
			"this machine takes three times as long")
		e.done(tools[1])
		e.done(tools[2])
		require.Empty(t, e.left())
	})
}

// minutes reads the minutes in an estimate.
func minutes(t *testing.T, text string) float64 {
	t.Helper()
	var n int
	_, err := fmt.Sscanf(text, " (about %d min left)", &n)
	require.NoError(t, err, text)
	return float64(time.Duration(n) * time.Minute)
}
