package status

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// trouble is something that keeps a stack from becoming ready.
type trouble struct {
	// key is the same for the same trouble, also of another replica.
	key string
	// text describes it.
	text string
	// pod and container name a container that has exited, whose log may tell more.
	pod, container string
}

// ofDeployment returns why a Deployment cannot create its pods: a quota, or admission.
func ofDeployment(d appsv1.Deployment) []trouble {
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return []trouble{{
				key:  d.Name + c.Reason,
				text: fmt.Sprintf("Deployment %s cannot create its pods: %s: %s", d.Name, c.Reason, c.Message),
			}}
		}
	}
	return nil
}

// ofPod returns why a pod does not run. A pod that is being deleted does not count.
func ofPod(p corev1.Pod) []trouble {
	if p.DeletionTimestamp != nil {
		return nil
	}
	deployment := p.Labels["app.kubernetes.io/name"]
	var list []trouble
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			list = append(list, trouble{
				key:  deployment + c.Reason,
				text: fmt.Sprintf("pod %s finds no node: %s", p.Name, c.Message),
			})
		}
	}
	for _, c := range p.Status.ContainerStatuses {
		if t, is := ofContainer(c); is {
			t.key = deployment + "/" + c.Name + t.key
			t.text = fmt.Sprintf("pod %s, container %s: %s", p.Name, c.Name, t.text)
			if t.container != "" {
				t.pod = p.Name
			}
			list = append(list, t)
		}
	}
	return list
}

// ofContainer returns why a container does not run. None is meant to exit, even with code 0.
func ofContainer(c corev1.ContainerStatus) (trouble, bool) {
	exit := c.State.Terminated
	if exit == nil {
		exit = c.LastTerminationState.Terminated
	}
	waiting := c.State.Waiting
	switch {
	case c.State.Running != nil:
		return trouble{}, false
	case exit != nil:
		return trouble{
			key: "exits", container: c.Name,
			text: fmt.Sprintf("exits with code %d, %s, after %d restarts", exit.ExitCode, exit.Reason, c.RestartCount),
		}, true
	case waiting == nil || waiting.Reason == "ContainerCreating" || waiting.Reason == "PodInitializing":
		return trouble{}, false
	}
	key := waiting.Reason
	if key == "ErrImagePull" { // The two alternate.
		key = "ImagePullBackOff"
	}
	return trouble{key: key, text: waiting.Reason + ": " + waiting.Message}, true
}
