package config

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/llm-d-sim/llm-d-sim/components/endpointpicker"
	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// pluginsConfig reports what the EPP itself would report only by exiting, or not at all.
func (v *validator) pluginsConfig(path *field.Path, config map[string]any, epp release.EPP, prefillStage bool) {
	if config == nil {
		return
	}
	for _, p := range endpointpicker.Check(config, epp, endpointpicker.CheckOptions{PrefillStage: prefillStage}) {
		at, fix := path, removeCommand(path) // The generated one is used then.
		if p.Path != "" {
			at = field.NewPath(path.String() + "." + p.Path)
		}
		switch {
		case p.Set != "":
			fix = setCommand(at, p.Set)
		case p.Remove:
			fix = removeCommand(at)
		}
		v.add(at, p.Value, fix, "%s", p.Detail)
	}
}
