package status

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
)

// troubled is a cluster in which these pods and this Deployment are all there is.
type troubled struct {
	cluster.Cluster
	deployment appsv1.Deployment
	pods       []corev1.Pod
	words      string
	wordsErr   error
}

func (c *troubled) Deployments(context.Context, string, string) ([]appsv1.Deployment, error) {
	return []appsv1.Deployment{c.deployment}, nil
}

func (c *troubled) Pods(context.Context, string, string) ([]corev1.Pod, error) { return c.pods, nil }

func (c *troubled) LastWords(_ context.Context, _, pod, container string) (string, error) {
	return pod + "/" + container + " said: " + c.words, c.wordsErr
}

// pod returns a pod of the Deployment sim with one container in this state.
func pod(name string, state corev1.ContainerState) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app.kubernetes.io/name": "sim"}},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", State: state, RestartCount: 3,
		}}},
	}
}

func waiting(reason, message string) corev1.ContainerState {
	return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

func exited(code int32, reason string) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}}
}

// crashing returns a pod that is about to be restarted after it has run out of memory.
func crashing(name string) corev1.Pod {
	p := pod(name, waiting("CrashLoopBackOff", "back-off 20s"))
	p.Status.ContainerStatuses[0].LastTerminationState = exited(137, "OOMKilled")
	return p
}

// watched returns what a Watcher reports within some looks at the cluster.
func watched(t *testing.T, c *troubled) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var reports []string
	Watcher{Cluster: c, Interval: time.Millisecond}.Watch(ctx, func(trouble string) error {
		reports = append(reports, trouble)
		return nil
	})
	return reports
}

func TestWatcherSaysWhyPodsDoNotRun(t *testing.T) {
	t.Parallel()
	refused := deployment(2)
	refused.Status.Conditions = []appsv1.DeploymentCondition{{
		Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: "exceeded quota: one",
	}}
	unschedulable := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Status: corev1.PodStatus{Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "0/1 nodes",
	}}}}
	deleted := crashing("a")
	deleted.DeletionTimestamp = &metav1.Time{Time: time.Now()}
	for name, test := range map[string]struct {
		cluster troubled
		want    []string
	}{
		"all is well": {troubled{pods: []corev1.Pod{pod("a", corev1.ContainerState{Running: &corev1.ContainerStateRunning{}})}}, nil},
		"starting":    {troubled{pods: []corev1.Pod{pod("a", waiting("ContainerCreating", ""))}}, nil},
		"deleted":     {troubled{pods: []corev1.Pod{deleted}}, nil},
		"quota": {troubled{deployment: refused}, []string{
			"Deployment sim cannot create its pods: FailedCreate: exceeded quota: one",
		}},
		"no node": {troubled{pods: []corev1.Pod{unschedulable}}, []string{"pod a finds no node: 0/1 nodes"}},
		"no image, two replicas": {
			troubled{pods: []corev1.Pod{pod("a", waiting("ErrImagePull", "not found")), pod("b", waiting("ImagePullBackOff", "not found"))}},
			[]string{"pod a, container main: ErrImagePull: not found"},
		},
		"crashes": {troubled{pods: []corev1.Pod{crashing("a"), crashing("b")}, words: "bad flag"}, []string{
			"pod a, container main: exits with code 137, OOMKilled, after 3 restarts; it last logged: a/main said: bad flag",
		}},
		"exits without an error": {troubled{pods: []corev1.Pod{pod("a", exited(0, "Completed"))}, words: "help"}, []string{
			"pod a, container main: exits with code 0, Completed, after 3 restarts; it last logged: a/main said: help",
		}},
		"a log that may not be read": {
			troubled{pods: []corev1.Pod{pod("a", exited(2, "Error"))}, wordsErr: errors.New("forbidden")},
			[]string{"pod a, container main: exits with code 2, Error, after 3 restarts"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, watched(t, &test.cluster))
		})
	}
}

func TestWatcherStopsWhenNobodyListens(t *testing.T) {
	t.Parallel()
	reports := 0
	c := &troubled{pods: []corev1.Pod{crashing("a"), pod("b", waiting("ErrImagePull", ""))}}
	Watcher{Cluster: c, Interval: time.Millisecond}.Watch(t.Context(), func(string) error {
		reports++
		return errors.New("the engine is gone")
	})
	require.Equal(t, 1, reports)
}
