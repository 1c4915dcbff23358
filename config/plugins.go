package config

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/llm-d-sim/llm-d-sim/components/endpointpicker"
	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// pluginsConfig reports what the EPP would only say by exiting, or not at all.
func (v *validator) pluginsConfig(path *field.Path, config map[string]any, epp release.EPP, prefillStage bool) {
	if config == nil {
		return
	}
	for _, p := range endpointpicker.Check(config, epp, endpointpicker.CheckOptions{PrefillStage: prefillStage}) {
		at := path.String()
		if p.Path != "" {
			at += "." + p.Path
		}
		fix := "pulumi config rm --path '" + path.String() + "', to use the generated one"
		switch {
		case p.Set != "":
			fix = "pulumi config set --path '" + at + "' " + p.Set
		case p.Remove:
			fix = "pulumi config rm --path '" + at + "'"
		}
		v.problems = append(v.problems, Problem{Path: at, Value: p.Value, Detail: p.Detail, Fix: fix})
	}
}
