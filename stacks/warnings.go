package stacks

import (
	"github.com/llm-d-sim/llm-d-sim/components/endpointpicker"
	"github.com/llm-d-sim/llm-d-sim/components/release"
	"github.com/llm-d-sim/llm-d-sim/config"
)

// warnings lists what may not work as expected: settings without effect, releases newer
// than any known one, and plugins that were migrated from an older release.
func warnings(loaded *config.Loaded) []string {
	var list []string
	for _, w := range loaded.Warnings {
		list = append(list, w.String())
	}
	spec := loaded.Spec
	newer := func(r release.Release, part string) {
		if r.Warning != "" {
			list = append(list, part+": "+r.Warning)
		}
	}
	if spec.EPP.Enabled {
		newer(spec.EPPRelease().Release, "epp")
		for _, change := range migrated(spec) {
			list = append(list, "epp.pluginsConfig was changed for EPP "+spec.EPPRelease().Version+": "+change)
		}
	}
	if spec.Sidecar() {
		sidecar := spec.Decode.RoutingSidecar
		facts, _ := release.SidecarOf(sidecar.Image, sidecar.Version)
		newer(facts.Release, "decode.routingSidecar")
	}
	facts, _ := release.SimulatorOf(spec.DecodeStage().Image, spec.Simulator.Version)
	newer(facts.Release, "simulator")
	return list
}

// migrated lists the changes to the user's own EndpointPickerConfig.
func migrated(spec *config.Spec) []string {
	if spec.EPP.PluginsConfig == nil || !spec.EPP.PluginsConfigCheck {
		return nil
	}
	_, changes := endpointpicker.Migrate(spec.EPP.PluginsConfig, spec.EPPRelease())
	return changes
}
