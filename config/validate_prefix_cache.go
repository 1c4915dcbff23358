package config

import (
	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// needsKVCache is what is wrong with simulators without a KV cache.
const needsKVCache = "must be true if epp.prefixCache is precise: there is nothing to know of simulators without a KV cache"

func (s *Spec) checkPrefixCache(v *validator) {
	path := v.at("epp.prefixCache")
	oneOf(v, path, s.EPP.PrefixCache, prefixCaches...)
	if !s.PrecisePrefixes() {
		return
	}
	for key, stages := range s.stagesByKey("kvCache.enabled", func(own StageSimulator) bool { return own.KVCache.Enabled != nil }) {
		if enabled := v.at(key); !*stages[0].Simulator.KVCache.Enabled { // The same for all stages of one key.
			v.add(enabled, false, setCommand(enabled, true), needsKVCache)
		}
	}
	if epp, err := release.EPPOf(s.EPP.Image, s.EPP.Version); err == nil && !epp.Config.PrefixCache.Precise {
		v.add(path, s.EPP.PrefixCache, s.defaultEPP(v), "needs an EPP from v0.9.0 on: EPP %s has no tokenizer of its own", epp.Version)
	}
	for _, stage := range s.simulatorStages() {
		if sim, err := release.SimulatorOf(stage.Image, s.Simulator.Version); err == nil && !sim.KVEvents {
			v.add(path, s.EPP.PrefixCache, resetCommand(path), "needs simulators from v0.9.2 on, and %s is %s", stage.Image, sim.Version)
			return
		}
	}
}

// defaultEPP returns the command for the default release of the EPP.
func (s *Spec) defaultEPP(v *validator) string { return defaultRelease(v.at("epp"), s.EPP.Version) }
