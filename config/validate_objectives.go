package config

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

func (s *Spec) checkObjectives(v *validator) {
	if len(s.Objectives) == 0 {
		return
	}
	path := v.at("objectives")
	queues := map[int32]string{}
	for _, name := range slices.Sorted(maps.Keys(s.Objectives)) {
		at, objective := property(path, name), s.Objectives[name]
		if msgs := validation.IsDNS1123Subdomain(name); len(msgs) > 0 {
			v.add(at, name, removeCommand(at), "must have a name that an InferenceObjective can have: %s", msgs[0])
		}
		if limit := objective.QueueBytes; limit != nil {
			at := at.Child("queueBytes")
			if *limit < 1 {
				v.invalid(at, *limit, "must be 1 or more")
			}
			if s.EPP.PluginsConfig != nil {
				v.add(at, *limit, removeCommand(at), "cannot be set here: use flowControl.priorityBands in epp.pluginsConfig")
			}
		}
		other, shared := queues[objective.Priority]
		if queues[objective.Priority] = name; shared && !equal(objective.QueueBytes, s.Objectives[other].QueueBytes) {
			v.add(at.Child("priority"), objective.Priority, removeCommand(at),
				"is also that of %s, so both have the same queue: set queueBytes to the same value for both, or choose another priority", other)
		}
	}
	if !s.EPP.Enabled {
		v.add(path, s.Objectives, setCommand(v.at("epp.enabled"), true), "needs epp.enabled: the EPP serves requests by priority")
		return
	}
	if pool := v.at("inferencePool.enabled"); !s.Pool() {
		v.add(pool, false, setCommand(pool, true), "must be true for objectives, which belong to an InferencePool")
	}
	s.checkQueuedScaling(v)
	epp, err := release.EPPOf(s.EPP.Image, s.EPP.Version)
	if err == nil && epp.Config.FlowControl.FeatureGate == "" {
		v.add(path, s.Objectives, s.defaultEPP(v), "needs an EPP from v0.7.0 on: EPP %s has no queues for priorities", epp.Version)
	}
}

// checkQueuedScaling refuses an autoscaler that would never add a pod: the EPP sends a pod no more
// than it processes concurrently, and what waits in the EPP is not counted.
func (s *Spec) checkQueuedScaling(v *validator) {
	stage := s.DecodeStage()
	perPod, most := stage.Autoscaling.RequestsPerPod, *stage.Simulator.MaxNumSeqs
	if !stage.KEDAScales() || perPod < most {
		return
	}
	path := v.at("decode.autoscaling.requestsPerPod")
	fix := setCommand(path, most-1)
	if most == 1 {
		fix = setCommand(v.at("decode.simulator.maxNumSeqs"), perPod+1)
	}
	v.add(path, perPod, fix,
		"must be below maxNumSeqs (%d): with objectives, requests wait in the EPP, where KEDA does not count them", most)
}

func equal(a, b *int64) bool { return a == b || a != nil && b != nil && *a == *b }
