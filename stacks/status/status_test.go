package status

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// fake returns its results one after the other.
type fake struct {
	cluster.Cluster
	answers []func() ([]appsv1.Deployment, error)
}

func (f *fake) Deployments(context.Context, string, string) ([]appsv1.Deployment, error) {
	answer := f.answers[0]
	if len(f.answers) > 1 {
		f.answers = f.answers[1:]
	}
	return answer()
}

func answers(deployments ...appsv1.Deployment) func() ([]appsv1.Deployment, error) {
	return func() ([]appsv1.Deployment, error) { return deployments, nil }
}

// deployment returns a Deployment whose rollout is complete.
func deployment(replicas int32) appsv1.Deployment {
	return appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "sim", Generation: 2},
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas},
		Status: appsv1.DeploymentStatus{
			ObservedGeneration: 2, Replicas: replicas, UpdatedReplicas: replicas, ReadyReplicas: replicas,
		},
	}
}

func TestWorkloadIsReadyOnceRolledOut(t *testing.T) {
	t.Parallel()
	changed := func(change func(*appsv1.Deployment)) appsv1.Deployment {
		d := deployment(2)
		change(&d)
		return d
	}
	four := plan.Workload{Part: "decode", Answers: true, Deployment: "sim", Replicas: 4}
	two := plan.Workload{Part: "decode", Answers: true, Deployment: "sim", Replicas: 2}
	leader := plan.Workload{Part: "decode", Answers: true, Deployment: "sim", Replicas: 2, LeaderOnly: true}
	autoscaled := plan.Workload{Part: "decode", Answers: true, Deployment: "sim"}
	for name, test := range map[string]struct {
		workload plan.Workload
		live     appsv1.Deployment
		ready    bool
		message  string
	}{
		"all ready": {two, deployment(2), true, "2 of 2 replicas of sim are ready"},
		"missing":   {two, changed(func(d *appsv1.Deployment) { d.Name = "other" }), false, "Deployment sim does not exist"},
		"one not ready": {
			two, changed(func(d *appsv1.Deployment) { d.Status.ReadyReplicas = 1 }), false, "1 of 2 replicas",
		},
		"the status describes an older spec": {
			two, changed(func(d *appsv1.Deployment) { d.Status.ObservedGeneration, d.Status.ReadyReplicas = 1, 4 }),
			false, "has not been processed yet",
		},
		"pods of the old version still serve": {
			two, changed(func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 }), false, "1 of 2 replicas of sim are updated",
		},
		"pods are terminating after scaling down": {
			two, changed(func(d *appsv1.Deployment) { d.Status.ReadyReplicas = 4 }), false, "2 are terminating",
		},
		"scaled to 0 by hand":   {four, deployment(0), false, "0 of 4 replicas"},
		"scaled down by hand":   {four, deployment(2), false, "2 of 4 replicas"},
		"scaled up by hand":     {two, deployment(4), true, "4 of 4 replicas"},
		"an autoscaler decides": {autoscaled, deployment(1), true, "1 of 1 replicas"},
		"the leader is ready":   {leader, changed(func(d *appsv1.Deployment) { d.Status.ReadyReplicas = 1 }), true, "1 of 2 replicas"},
		"no leader yet":         {leader, changed(func(d *appsv1.Deployment) { d.Status.ReadyReplicas = 0 }), false, "0 of 2 replicas"},
	} {
		status, ready := observe([]plan.Workload{test.workload}, []appsv1.Deployment{test.live})
		require.Equal(t, test.ready, ready, name)
		require.Contains(t, status.Conditions[1].Message, test.message, name)
		require.LessOrEqual(t, status.ReadyReplicas, max(status.Replicas, 4), name)
	}
}

func TestReadWaitsForWorkloadsToSettle(t *testing.T) {
	t.Parallel()
	starting := deployment(2)
	starting.Status.ReadyReplicas = 0
	busy := func() ([]appsv1.Deployment, error) { return nil, errors.New("too busy") }
	workloads := []plan.Workload{{Part: "decode", Answers: true, Deployment: "sim", Replicas: 2}}
	read := func(settle time.Duration, f *fake) (*Status, error) {
		return Reader{Cluster: f, Workloads: workloads, Settle: settle}.Read(t.Context())
	}

	status, err := read(time.Minute, &fake{answers: []func() ([]appsv1.Deployment, error){answers(starting), answers(deployment(2))}})
	require.NoError(t, err)
	require.Equal(t, 2, status.ReadyReplicas)

	status, err = read(time.Minute, &fake{answers: []func() ([]appsv1.Deployment, error){busy, answers(deployment(2))}})
	require.NoError(t, err, "one failed request is retried")
	require.Equal(t, 2, status.ReadyReplicas)

	status, err = read(0, &fake{answers: []func() ([]appsv1.Deployment, error){answers(starting)}})
	require.NoError(t, err)
	require.Equal(t, 0, status.ReadyReplicas)

	_, err = read(0, &fake{answers: []func() ([]appsv1.Deployment, error){busy}})
	require.ErrorContains(t, err, "reading the status from the cluster: too busy")
}

func TestPartsAreNamedInCamelCase(t *testing.T) {
	t.Parallel()
	for part, want := range map[string][2]string{
		"standard-gateway": {"standardGateway", "StandardGatewayReady"},
		"epp":              {"epp", "EPPReady"},
		"decode":           {"decode", "DecodeReady"},
	} {
		require.Equal(t, want, [2]string{outputName(part), conditionType(part)})
	}
}
