// Package status reads the status of a stack's workloads from the cluster.
package status

import (
	"context"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// Status is what a stack's workloads do.
type Status struct {
	// Replicas and ReadyReplicas are the desired and ready simulator pods that answer requests.
	Replicas, ReadyReplicas int
	// Conditions are Ready, and one condition for each workload.
	Conditions []Condition
	// Parts are the workloads by the name of their part.
	Parts map[string]Part
}

// Condition has the fields of a Kubernetes condition except for its transition time, which
// would differ each time.
type Condition struct {
	// Type of the condition: Ready, or that of a part, such as DecodeReady.
	Type string `pulumi:"type"`
	// Status is True or False.
	Status string `pulumi:"status"`
	// Reason is one word for programs.
	Reason string `pulumi:"reason"`
	// Message is for people.
	Message string `pulumi:"message"`
}

// Part is the status of a part's Deployment.
type Part struct {
	// Desired is the number of pods that it should have.
	Desired int `pulumi:"desired"`
	// Ready is the number of pods that are ready.
	Ready int `pulumi:"ready"`
	// Image of the first container.
	Image string `pulumi:"image"`
	// Service is the name of the part's own Service, empty without one.
	Service string `pulumi:"service"`
}

// The provider can be ahead of the pods: after scaling, it may judge a Deployment by the
// previous status of its ReplicaSet. A pod takes about a second to start and become ready.
const (
	// SettleTime is how long to wait for what is not ready yet.
	SettleTime = 5 * time.Second
	interval   = 100 * time.Millisecond
)

// Reader reads the status of one stack.
type Reader struct {
	Cluster cluster.Cluster
	// Namespace and Instance select the stack's Deployments.
	Namespace, Instance string
	// Workloads of the stack, in the order of the conditions.
	Workloads []plan.Workload
	// Settle is how long to wait for what is not ready yet, or can't be read. Default: no
	// waiting.
	Settle time.Duration
	// Routing are the stack's Gateways and HTTPRoutes, and RoutingTimeout is how long to wait
	// for their controllers. Default: none.
	Routing        []plan.Object
	RoutingTimeout time.Duration
}

// Read returns the status once everything is ready or the time to settle is over. It fails if
// requests are not routed by then.
func (r Reader) Read(ctx context.Context) (*Status, error) {
	if err := r.routed(ctx); err != nil {
		return nil, err
	}
	for until := time.Now().Add(r.Settle); ; time.Sleep(interval) {
		deployments, err := r.Cluster.Deployments(ctx, r.Namespace, components.PartOfSelector(r.Instance))
		late := !time.Now().Before(until)
		if err != nil {
			if late {
				return nil, fmt.Errorf("reading the status from the cluster: %w", err)
			}
			continue
		}
		if status, ready := observe(r.Workloads, deployments); ready || late {
			return status, nil
		}
	}
}

// observe describes the workloads by their Deployments in the cluster, and reports whether
// all are ready.
func observe(workloads []plan.Workload, deployments []appsv1.Deployment) (status *Status, allReady bool) {
	live := make(map[string]appsv1.Deployment, len(deployments))
	for _, d := range deployments {
		live[d.Name] = d
	}
	status = &Status{Parts: make(map[string]Part, len(workloads))}
	conditions := make([]Condition, 0, len(workloads))
	var waiting []string
	for _, w := range workloads {
		s := look(w, live)
		if w.Answers {
			status.Replicas += s.desired
			status.ReadyReplicas += s.available
		}
		status.Parts[outputName(w.Part)] = Part{Desired: s.desired, Ready: s.available, Image: w.Image, Service: w.Service}
		reason := "DeploymentReady"
		if !s.ready {
			reason = "DeploymentNotReady"
			waiting = append(waiting, s.message)
		}
		conditions = append(conditions, condition(conditionType(w.Part), s.ready, reason, s.message))
	}
	all := condition("Ready", true, "DeploymentsReady", fmt.Sprintf("all %d Deployments are ready", len(workloads)))
	if len(waiting) > 0 {
		all = condition("Ready", false, "DeploymentsNotReady", strings.Join(waiting, "; "))
	}
	status.Conditions = append([]Condition{all}, conditions...)
	return status, len(waiting) == 0
}

// observation is the status of one workload.
type observation struct {
	desired, available int
	ready              bool
	message            string
}

func look(w plan.Workload, live map[string]appsv1.Deployment) observation {
	d, found := live[w.Deployment]
	if !found {
		return observation{message: fmt.Sprintf("Deployment %s does not exist", w.Deployment)}
	}
	// Fewer replicas than configured, as after a `kubectl scale`, do not count as ready.
	s := observation{desired: max(int(*d.Spec.Replicas), w.Replicas), available: int(d.Status.ReadyReplicas)}
	s.message = fmt.Sprintf("%d of %d replicas of %s are ready", s.available, s.desired, w.Deployment)
	enough := s.desired
	if w.LeaderOnly {
		enough = min(1, s.desired)
	}
	switch {
	case d.Status.ObservedGeneration < d.Generation:
		// The status still describes an older spec: after scaling down, it counts the pods that
		// are terminating.
		s.available = min(s.available, s.desired)
		s.message = fmt.Sprintf("the change of Deployment %s has not been processed yet", w.Deployment)
	case int(d.Status.UpdatedReplicas) < enough:
		s.message = fmt.Sprintf("%d of %d replicas of %s are updated", d.Status.UpdatedReplicas, s.desired, w.Deployment)
	case s.available > s.desired:
		s.message = fmt.Sprintf("%d replicas of %s are ready, %d are terminating", s.available, w.Deployment, s.available-s.desired)
	default:
		s.ready = s.available >= enough
	}
	return s
}

func condition(kind string, is bool, reason, message string) Condition {
	status := "False"
	if is {
		status = "True"
	}
	return Condition{Type: kind, Status: status, Reason: reason, Message: message}
}

// outputName is a part's name in the status output, such as standardGateway.
func outputName(part string) string {
	words := strings.FieldsFunc(part, func(r rune) bool { return r == '-' || r == '.' })
	for i := range words[1:] {
		words[i+1] = strings.ToUpper(words[i+1][:1]) + words[i+1][1:]
	}
	return strings.Join(words, "")
}

// conditionType is the type of a part's condition, such as StandardGatewayReady.
func conditionType(part string) string {
	name := outputName(part)
	if rest, is := strings.CutPrefix(name, llmd.ComponentEPP); is {
		return "EPP" + rest + "Ready"
	}
	return strings.ToUpper(name[:1]) + name[1:] + "Ready"
}
