package config

import (
	"cmp"
	"maps"
	"slices"
)

// ModelKeys returns the keys of the further models, sorted.
func (s *Spec) ModelKeys() []string { return slices.Sorted(maps.Keys(s.Models)) }

// ForModel returns the configuration of a stack whose only model is a further one of s. Names of
// objects are those of the stack's own model.
func (s *Spec) ForModel(key string) *Spec {
	m, of := s.Models[key], *s
	of.Models = nil
	of.Simulator.Model, of.Simulator.LoRAs = cmp.Or(m.Model, key), m.LoRAs
	if m.Replicas != nil {
		of.Replicas, of.Decode.Replicas = *m.Replicas, *m.Replicas
	}
	if m.PrefillReplicas != nil {
		of.Prefill.Replicas = *m.PrefillReplicas
	}
	own := m.Simulator.withProfile()
	shared := own.over(s.Simulator.forStages().withProfile())
	of.Simulator.StageSimulator, of.Simulator.KVCache.StageKVCache = shared, shared.KVCache
	of.Prefill.Simulator = own.over(s.Prefill.Simulator.withProfile())
	of.Decode.Simulator = own.over(s.Decode.Simulator.withProfile())
	return &of
}

// ModelNames returns what requests can ask for: the stack's own model, and its adapters.
func (s *Spec) ModelNames() []string {
	return append([]string{s.Simulator.Model}, s.Simulator.LoRAs...)
}
