package config

import (
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

func (s *Spec) checkModels(v *validator) {
	path := v.at("models")
	if len(s.Models) > 0 && !s.StandardGateway() && !s.IstioGateway() && !s.Gateway.Enabled {
		v.add(path, s.ModelKeys(), both(setCommand(v.at("inferenceGateway.enabled"), true), setCommand(v.at("inferenceGateway.standard.enabled"), true)),
			"need a gateway, which sends each request to the pods of its model")
	}
	if (s.IstioGateway() || s.Gateway.Enabled) && len(s.Models) > llmd.MaxRoutedModels {
		v.add(path, s.ModelKeys(), removeCommand(path), "must be no more than %d with a gateway of the Gateway API, whose HTTPRoute has no room for more", llmd.MaxRoutedModels)
	}
	for _, key := range s.ModelKeys() {
		at, m, model := property(path, key), s.Models[key], s.ForModel(key)
		if msgs := validation.IsDNS1123Label(key); len(msgs) > 0 {
			v.add(at, key, removeCommand(at), "must have a name that objects and labels can have: %s", msgs[0])
		}
		for name, replicas := range map[string]*int32{"replicas": m.Replicas, "prefillReplicas": m.PrefillReplicas} {
			if replicas != nil {
				v.atLeastOne(at.Child(name), *replicas)
			}
		}
		m.Simulator.check(v, at.Child("simulator"), model.DecodeStage().Simulator)
		if m.Simulator.Profile != "" {
			s.checkProfile(v, at.Child("simulator", "profile"), model.simulatorStages())
		}
		if enabled := m.Simulator.KVCache.Enabled; s.PrecisePrefixes() && enabled != nil && !*enabled {
			at := at.Child("simulator", "kvCache", "enabled")
			v.add(at, false, setCommand(at, true), needsKVCache)
		}
	}
	s.checkModelNames(v, path)
}

// checkModelNames refuses names that more than one model answers to.
func (s *Spec) checkModelNames(v *validator, path *field.Path) {
	owners := map[string]string{}
	for _, name := range s.ModelNames() {
		owners[name] = "the stack's own model"
	}
	for _, key := range s.ModelKeys() {
		at, m := property(path, key), s.Models[key]
		for i, name := range s.ForModel(key).ModelNames() {
			named := at.Child("model")
			switch {
			case i > 0:
				named = at.Child("loras").Index(i - 1)
			case m.Model == "": // The key is the name.
				named = at
			}
			owner, taken := owners[name]
			switch {
			case name == "":
				v.invalid(named, name, "must not be empty")
			case taken:
				v.add(named, name, removeCommand(named), "is a name of %s as well: it decides which pods answer a request", owner)
			default:
				owners[name] = at.String()
			}
		}
	}
}
