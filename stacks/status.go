package stacks

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
)

// observe describes the parts as their Deployments are in the cluster: the values of
// the outputs replicas, readyReplicas, conditions and status. It reports whether all are
// ready.
func observe(parts []part, deployments []appsv1.Deployment) (outputs map[string]any, ready bool) {
	live := make(map[string]appsv1.Deployment, len(deployments))
	for _, d := range deployments {
		live[d.Name] = d
	}
	outputs = map[string]any{"replicas": 0, "readyReplicas": 0}
	status := make(map[string]any, len(parts))
	conditions := make([]any, 0, len(parts)+1)
	var waiting []string
	for _, p := range parts {
		desired, ready := 0, 0
		if d, found := live[p.deployment]; found {
			desired, ready = int(*d.Spec.Replicas), int(d.Status.ReadyReplicas)
		}
		if p.decode {
			outputs["replicas"], outputs["readyReplicas"] = desired, ready
		}
		status[p.name] = map[string]any{
			"desired": desired, "ready": ready, "image": p.image, "service": p.service,
		}
		message := fmt.Sprintf("%d of %d replicas of %s are ready", ready, desired, p.deployment)
		if _, found := live[p.deployment]; !found {
			message = fmt.Sprintf("Deployment %s does not exist", p.deployment)
		} else if ready >= p.enough(desired) {
			conditions = append(conditions, condition(p.condition(), true, "DeploymentReady", message))
			continue
		}
		waiting = append(waiting, message)
		conditions = append(conditions, condition(p.condition(), false, "DeploymentNotReady", message))
	}
	all := condition("Ready", true, "DeploymentsReady", fmt.Sprintf("all %d Deployments are ready", len(parts)))
	if len(waiting) > 0 {
		all = condition("Ready", false, "DeploymentsNotReady", strings.Join(waiting, "; "))
	}
	outputs["conditions"] = append([]any{all}, conditions...)
	outputs["status"] = status
	return outputs, len(waiting) == 0
}

// enough is how many of the replicas have to be ready.
func (p part) enough(desired int) int {
	if p.oneLeads {
		return min(1, desired)
	}
	return desired
}

// condition has the fields of a Kubernetes condition but for its transition time,
// which would differ at every reading.
func condition(kind string, is bool, reason, message string) map[string]any {
	status := "False"
	if is {
		status = "True"
	}
	return map[string]any{"type": kind, "status": status, "reason": reason, "message": message}
}

// condition returns the type of the part's condition, such as StandardGatewayReady.
func (p part) condition() string {
	name := p.name
	if name == "epp" {
		name = "EPP"
	}
	return strings.ToUpper(name[:1]) + name[1:] + "Ready"
}
