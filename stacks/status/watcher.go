package status

import (
	"context"
	"fmt"
	"time"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// How often a Watcher looks, and how long something has to go wrong before it says so: most
// of what is wrong right after a change passes.
const (
	WatchInterval = time.Second
	grace         = 2
)

// longestWords is how much of a container's last log line is reported, in bytes.
const longestWords = 400

// Watcher says why a stack does not become ready, while `up` still waits: the provider
// gives the reason only once the time is up, and not for every kind of failure.
type Watcher struct {
	Cluster cluster.Cluster
	// Namespace and Instance select the stack's Deployments and pods.
	Namespace, Instance string
	// Routing are the stack's Gateways and HTTPRoutes.
	Routing []plan.Object
	// Interval between two looks. Required.
	Interval time.Duration
}

// Watch reports each trouble once, until the context ends or a report fails. What may not be
// read is not reported: `up` itself needs no such permission.
func (w Watcher) Watch(ctx context.Context, report func(string) error) {
	seen := map[string]int{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(w.Interval):
		}
		now := map[string]int{}
		for _, t := range w.troubles(ctx) {
			if now[t.key] > 0 {
				continue // Another replica of the same.
			}
			now[t.key] = seen[t.key] + 1
			if now[t.key] == grace {
				if err := report(w.explain(ctx, t)); err != nil {
					return
				}
			}
		}
		// What has been reported stays so, even if it comes and goes.
		for key, times := range seen {
			if times >= grace && now[key] == 0 {
				now[key] = times
			}
		}
		seen = now
	}
}

// troubles returns what is wrong now.
func (w Watcher) troubles(ctx context.Context) []trouble {
	selector := components.PartOfSelector(w.Instance)
	var list []trouble
	deployments, err := w.Cluster.Deployments(ctx, w.Namespace, selector)
	if err == nil {
		for _, d := range deployments {
			list = append(list, ofDeployment(d)...)
		}
	}
	pods, err := w.Cluster.Pods(ctx, w.Namespace, selector)
	if err == nil {
		for _, p := range pods {
			list = append(list, ofPod(p)...)
		}
	}
	for _, o := range w.Routing {
		conditions, err := unmetConditions(ctx, w.Cluster, o)
		if err != nil {
			continue
		}
		for _, c := range conditions {
			if c.status == "False" { // Others are merely not there yet.
				list = append(list, trouble{key: c.object + c.condition + c.reason, text: c.String()})
			}
		}
	}
	return list
}

// explain describes a trouble, with what the container has to say about it.
func (w Watcher) explain(ctx context.Context, t trouble) string {
	if t.container == "" {
		return t.text
	}
	words, err := w.Cluster.LastWords(ctx, w.Namespace, t.pod, t.container)
	if err != nil || words == "" {
		return t.text
	}
	return fmt.Sprintf("%s; it last logged: %s", t.text, words[:min(len(words), longestWords)])
}
