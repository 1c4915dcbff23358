package endpointpicker

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// The profile handlers for prefill and decode, and the deciders that they can consult.
const (
	pdHandler     = "pd-profile-handler"
	disaggHandler = "disagg-profile-handler"
	alwaysDecider = "always-disagg-pd-decider"
)

// migrateProfileHandler replaces a threshold with a decider.
func (d *document) migrateProfileHandler() {
	if d.facts.Disaggregation.Decider == release.ByThreshold {
		return
	}
	if i := d.typed(pdHandler); i >= 0 && d.outdated(d.plugins[i]) {
		d.migratePD(i)
	}
	if i := d.typed(disaggHandler); i >= 0 && d.known(disaggHandler) {
		d.nestParameters(d.plugins[i])
	}
}

// outdated reports whether a handler has parameters that the release does not know, or
// names no decider.
func (d *document) outdated(handler entry) bool {
	for name := range handler.parameters() {
		if !slices.Contains(d.facts.Plugins[pdHandler].Parameters, name) {
			return true
		}
	}
	return !d.known(pdHandler) || handler.parameters()["deciderPluginName"] == nil
}

// decider returns the name of the plugin that a handler consults: the configured one, or
// else one that exists. Empty if there is none.
func (d *document) decider(parameters map[string]any) string {
	if name, _ := parameters["deciderPluginName"].(string); name != "" {
		return name
	}
	if i := d.typed(prefixDecider, alwaysDecider); i >= 0 {
		return d.plugins[i].name()
	}
	return ""
}

func (d *document) migratePD(handler int) {
	facts, e := d.facts.Disaggregation, d.plugins[handler]
	is := maps.Clone(e.parameters())
	take := func(name string) any {
		value := is[name]
		delete(is, name)
		return value
	}
	decider := d.decider(is)
	if decider == "" {
		decider = d.addDecider(handler, take("threshold"))
	}
	to := deciderParameters(facts, decider)
	take("deciderPluginName")
	take("hashBlockSize") // The decider gets it from the prefix cache.
	if facts.Decider == release.ByStage {
		profiles := map[string]any{}
		for stage, name := range map[string]string{decodeProfile: "decodeProfile", prefillProfile: "prefillProfile"} {
			if profile := take(name); profile != nil {
				profiles[stage] = profile
			}
		}
		if len(profiles) > 0 {
			to["profiles"] = profiles
		}
	} else {
		for name := range maps.Clone(is) {
			to[name] = take(name)
		}
	}
	e.set(facts.Handler, to)
	change := fmt.Sprintf("%s: replaced with %s, which consults %s", pdHandler, facts.Handler, decider)
	if facts.Handler == pdHandler {
		change = fmt.Sprintf("%s: consults %s", pdHandler, decider)
	}
	if len(is) > 0 {
		change += " and has no " + list(is)
	}
	d.changed("%s", change)
	if i := d.typed(prefillHeader, disaggHeaders); i >= 0 && facts.HeaderHandler == "" {
		d.dropHeaderHandler(i)
	}
}

// addDecider inserts a decider in place of a threshold, whose default of 0 means always.
func (d *document) addDecider(before int, threshold any) string {
	characters, above0 := number(threshold)
	if !above0 {
		d.insert(before, alwaysDecider, nil)
		return alwaysDecider
	}
	tokens := inTokens(characters)
	d.insert(before, prefixDecider, map[string]any{"nonCachedTokens": tokens})
	d.changed("%s: replaced threshold: %g (characters) with %s and nonCachedTokens: %d",
		pdHandler, characters, prefixDecider, tokens)
	gates, _ := d.top["featureGates"].([]any)
	if gate := d.facts.Disaggregation.FeatureGate; gate != "" && !slices.Contains(gates, any(gate)) {
		d.top["featureGates"] = append(gates, gate)
		d.changed("featureGates: added %s, which %s needs", gate, prefixDecider)
	}
	return prefixDecider
}

// nestParameters groups a handler's parameters by stage, if the release accepts no others.
func (d *document) nestParameters(handler entry) {
	parameters := maps.Clone(handler.parameters())
	nested := map[string]map[string]any{}
	for _, flat := range []struct{ name, section, stage string }{
		{"decodeProfile", "profiles", decodeProfile},
		{"prefillProfile", "profiles", prefillProfile},
		{"encodeProfile", "profiles", "encode"},
		{"deciderPluginName", "deciders", prefillProfile},
		{"prefillDeciderPluginName", "deciders", prefillProfile},
		{"encodeDeciderPluginName", "deciders", "encode"},
	} {
		value, has := parameters[flat.name]
		if !has || slices.Contains(d.facts.Plugins[disaggHandler].Parameters, flat.name) {
			continue
		}
		delete(parameters, flat.name)
		if nested[flat.section] == nil {
			nested[flat.section] = map[string]any{}
		}
		nested[flat.section][flat.stage] = value
	}
	for section, stages := range nested {
		if _, taken := parameters[section]; taken {
			return // The EPP accepts one form or the other.
		}
		parameters[section] = stages
	}
	if len(nested) > 0 {
		handler.set(disaggHandler, parameters)
		d.changed("%s: grouped its parameters by stage", disaggHandler)
	}
}

// The plugins that pass the prefill pod on to the sidecar, if the profile handler does not.
const (
	prefillHeader = "prefill-header-handler"
	disaggHeaders = "disagg-headers-handler"
)

// migrateHeaderHandlers removes plugins whose task the profile handler has taken over.
func (d *document) migrateHeaderHandlers() {
	for _, kind := range []string{prefillHeader, disaggHeaders} {
		i := d.typed(kind)
		_, gone := d.facts.Gone[kind]
		if i >= 0 && gone && d.typed(disaggHandler) >= 0 {
			d.dropHeaderHandler(i)
		}
	}
}

func (d *document) dropHeaderHandler(i int) {
	d.changed("%s: removed, since %s does the same", d.plugins[i].kind(), disaggHandler)
	d.plugins = slices.Delete(d.plugins, i, i+1)
}

// list returns the keys of a map, separated by commas.
func list(values map[string]any) string {
	return strings.Join(slices.Sorted(maps.Keys(values)), ", ")
}
