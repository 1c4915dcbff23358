package observe

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/config"
)

// fake serves the metrics of two simulators and one EPP, as they are after some readings of it.
type fake struct {
	simulator string
	epp       []string
	uid       []types.UID
}

func (f *fake) observer(t *testing.T) *Observer {
	t.Helper()
	spec := config.Default()
	spec.EPP.Enabled, spec.Decode.Enabled = true, true
	o, err := New(&rest.Config{}, &spec)
	require.NoError(t, err)
	o.pods = func(_ context.Context, selector map[string]string) ([]corev1.Pod, error) {
		pod := func(name string, uid types.UID) corev1.Pod {
			return corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Name: name, UID: uid}, Status: corev1.PodStatus{Phase: corev1.PodRunning},
			}
		}
		if selector[llmd.RoleLabel] == llmd.RoleDecode {
			gone := pod("gone", "g")
			gone.Status.Phase = corev1.PodFailed
			return []corev1.Pod{pod("a", "a"), pod("b", "b"), gone}, nil
		}
		require.Equal(t, llmd.ComponentEPP, selector[llmd.ComponentLabel])
		uid := f.uid[0]
		f.uid = f.uid[1:]
		return []corev1.Pod{pod("epp", uid)}, nil
	}
	o.scrape = func(_ context.Context, pod string, port int) (families, error) {
		if pod != "epp" {
			require.Equal(t, llmd.SimulatorPort, port)
			if f.simulator == "" {
				return nil, errors.New("pod " + pod + " does not answer")
			}
			return parse([]byte(f.simulator))
		}
		require.Equal(t, llmd.EPPMetricsPort, port)
		text := f.epp[0]
		f.epp = f.epp[1:]
		return parse([]byte(text))
	}
	return o
}

const simulators = `# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{model_name="m"} 3
vllm:num_requests_waiting{model_name="n"} 1
`

var epps = []string{
	`process_cpu_seconds_total 2
`, `# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 2.5
# TYPE llm_d_epp_scheduler_e2e_duration_seconds histogram
llm_d_epp_scheduler_e2e_duration_seconds_bucket{le="+Inf"} 10
llm_d_epp_scheduler_e2e_duration_seconds_sum 0.02
llm_d_epp_scheduler_e2e_duration_seconds_count 10
`,
}

func observe(t *testing.T, f *fake) (got Observation) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		got = f.observer(t).During(t.Context(), func() { time.Sleep(2*interval + interval/2) })
	})
	return got
}

func TestPodsAreObservedDuringTheRun(t *testing.T) {
	t.Parallel()
	got := observe(t, &fake{simulator: simulators, epp: epps, uid: []types.UID{"1", "1"}})
	require.Equal(t, Observation{
		Waiting: []Point{{At: interval, Value: 8}, {At: 2 * interval, Value: 8}},
		EPP:     &EPP{CPU: 500 * time.Millisecond, Decisions: 10, Deciding: 20 * time.Millisecond},
	}, got)
}

func TestAPodThatDoesNotAnswerLeavesNoHalfPoint(t *testing.T) {
	t.Parallel()
	got := observe(t, &fake{epp: epps, uid: []types.UID{"1", "1"}})
	require.Empty(t, got.Waiting)
	require.Contains(t, got.Problem, "does not answer")
}

func TestAnEPPThatRestartsIsNotMeasured(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*fake{
		"another pod":     {simulator: simulators, epp: epps, uid: []types.UID{"1", "2"}},
		"another process": {simulator: simulators, epp: []string{epps[1], epps[0]}, uid: []types.UID{"1", "1"}},
	} {
		got := observe(t, f)
		require.Nil(t, got.EPP, name)
		require.Contains(t, got.Problem, "started during the run", name)
		require.Len(t, got.Waiting, 2, name)
	}
}
