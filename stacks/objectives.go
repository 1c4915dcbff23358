package stacks

import (
	"maps"
	"slices"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/config"
)

func objectivesEnabled(spec *config.Spec) bool { return len(spec.Objectives) > 0 }

func (c *composer) objectives() error {
	priorities := map[string]int{}
	for name, objective := range c.spec.Objectives {
		// An objective belongs to one pool, and its name is unique in the namespace.
		priorities[llmd.ForModel(name, c.model)] = int(objective.Priority)
	}
	_, err := components.NewInferenceObjectives(c.ctx, c.part("objectives"), &components.InferenceObjectivesArgs{
		Namespace:     c.Namespace,
		Instance:      c.spec.Name,
		Priorities:    priorities,
		InferencePool: c.pool,
		EPPImage:      c.spec.EPP.Image,
		EPPVersion:    c.spec.EPP.Version,
	}, c.child())
	return err
}

// flowControl returns the queues of the objectives' priorities, nil if there are none.
func flowControl(spec *config.Spec) *components.FlowControl {
	if !objectivesEnabled(spec) {
		return nil
	}
	f := &components.FlowControl{MaxConcurrency: int(*spec.DecodeStage().Simulator.MaxNumSeqs), Fairness: spec.EPP.Fairness}
	for _, name := range slices.Sorted(maps.Keys(spec.Objectives)) { // Always in the same order.
		objective := spec.Objectives[name]
		queue := components.PriorityQueue{Priority: int(objective.Priority)}
		if objective.QueueBytes != nil {
			queue.MaxBytes = int(*objective.QueueBytes)
		}
		f.Queues = append(f.Queues, queue)
	}
	return f
}

// stripFairness reports whether gateways remove the header that names a tenant.
func stripFairness(spec *config.Spec) bool { return objectivesEnabled(spec) && !spec.EPP.Fairness }
