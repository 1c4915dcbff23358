package config

import (
	"cmp"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/components/simulator"
)

// profiles are all profiles, sorted.
var profiles = func() []Profile {
	var names []Profile
	for _, name := range slices.Sorted(maps.Keys(simulator.Profiles)) {
		names = append(names, Profile(name))
	}
	return names
}()

// costs returns the settings that a profile stands for.
func costs(p simulator.Profile) StageSimulator {
	return StageSimulator{
		TimeToFirstToken:        duration(p.TimeToFirstToken),
		TimeToFirstTokenStdDev:  duration(p.TimeToFirstTokenStdDev),
		PrefillOverhead:         duration(p.PrefillOverhead),
		PrefillTimePerToken:     duration(p.PrefillTimePerToken),
		PrefillTimeStdDev:       duration(p.PrefillTimeStdDev),
		InterTokenLatency:       duration(p.InterTokenLatency),
		InterTokenLatencyStdDev: duration(p.InterTokenLatencyStdDev),
		TimeFactorUnderLoad:     &p.TimeFactorUnderLoad,
		KVCacheTransferLatency:  duration(p.KVCacheTransferLatency),
		MaxNumSeqs:              &p.MaxNumSeqs,
	}
}

func duration(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }

func positive(d *metav1.Duration) bool { return d != nil && d.Duration > 0 }

// Resolved returns a copy that names all settings of the simulators, wherever they come from.
func (s *Spec) Resolved() *Spec {
	all := *s
	shared := s.simulatorOf(StageSimulator{})
	all.Simulator.StageSimulator, all.Simulator.KVCache.StageKVCache = shared, shared.KVCache
	all.Prefill.Simulator, all.Decode.Simulator = s.simulatorOf(s.Prefill.Simulator), s.simulatorOf(s.Decode.Simulator)
	return &all
}

// forStages returns the settings that a stage can override.
func (s Simulator) forStages() StageSimulator {
	s.StageSimulator.KVCache = s.KVCache.StageKVCache
	return s.StageSimulator
}

// simulatorOf returns all settings of a stage's simulators: its own, over those for every stage, over
// the defaults.
func (s *Spec) simulatorOf(stage StageSimulator) StageSimulator {
	return stage.withProfile().over(s.Simulator.forStages().withProfile()).over(simulatorDefaults)
}

// withProfile returns the settings with those of the profile for what is not set.
func (s StageSimulator) withProfile() StageSimulator {
	if profile, found := simulator.Profiles[string(s.Profile)]; found {
		return s.over(costs(profile))
	}
	return s
}

// over returns the settings with those of base for what is not set.
func (s StageSimulator) over(base StageSimulator) StageSimulator {
	// A prompt costs a constant or an amount for each token, so one takes the other's place.
	switch {
	case positive(s.TimeToFirstToken):
		base.PrefillOverhead, base.PrefillTimePerToken, base.PrefillTimeStdDev = duration(0), duration(0), duration(0)
	case positive(s.PrefillOverhead) || positive(s.PrefillTimePerToken):
		base.TimeToFirstToken, base.TimeToFirstTokenStdDev = duration(0), duration(0)
	}
	// A deviation is that of the latency beside it.
	if s.TimeToFirstToken != nil {
		base.TimeToFirstTokenStdDev = duration(0)
	}
	if s.InterTokenLatency != nil {
		base.InterTokenLatencyStdDev = duration(0)
	}
	s.Profile = cmp.Or(s.Profile, base.Profile)
	s.TimeToFirstToken = cmp.Or(s.TimeToFirstToken, base.TimeToFirstToken)
	s.TimeToFirstTokenStdDev = cmp.Or(s.TimeToFirstTokenStdDev, base.TimeToFirstTokenStdDev)
	s.PrefillOverhead = cmp.Or(s.PrefillOverhead, base.PrefillOverhead)
	s.PrefillTimePerToken = cmp.Or(s.PrefillTimePerToken, base.PrefillTimePerToken)
	s.PrefillTimeStdDev = cmp.Or(s.PrefillTimeStdDev, base.PrefillTimeStdDev)
	s.InterTokenLatency = cmp.Or(s.InterTokenLatency, base.InterTokenLatency)
	s.InterTokenLatencyStdDev = cmp.Or(s.InterTokenLatencyStdDev, base.InterTokenLatencyStdDev)
	s.TimeFactorUnderLoad = cmp.Or(s.TimeFactorUnderLoad, base.TimeFactorUnderLoad)
	s.KVCacheTransferLatency = cmp.Or(s.KVCacheTransferLatency, base.KVCacheTransferLatency)
	s.MaxNumSeqs = cmp.Or(s.MaxNumSeqs, base.MaxNumSeqs)
	s.KVCache.Enabled = cmp.Or(s.KVCache.Enabled, base.KVCache.Enabled)
	s.KVCache.Blocks = cmp.Or(s.KVCache.Blocks, base.KVCache.Blocks)
	s.Failures.Rate = cmp.Or(s.Failures.Rate, base.Failures.Rate)
	if s.Failures.Types == nil {
		s.Failures.Types = base.Failures.Types
	}
	return s
}
