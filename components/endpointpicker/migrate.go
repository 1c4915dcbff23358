package endpointpicker

import (
	"maps"
	"math"
	"slices"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// charactersPerToken is the EPP's own estimate.
const charactersPerToken = 4

// Migrate rewrites an EndpointPickerConfig that was written for an older release so that
// the release in use accepts it, and returns it with the changes to report to the user. It
// changes only what the release refuses or ignores, and only where there is a single
// equivalent: Check reports the rest. A configuration that needs no changes is returned as
// it is.
func Migrate(config map[string]any, epp release.EPP) (map[string]any, []string) {
	d, err := migrate(config, epp)
	if err != nil || len(d.changes) == 0 {
		return config, nil
	}
	return d.config(), d.changes
}

func migrate(config map[string]any, epp release.EPP) (*document, error) {
	d, err := newDocument(config, epp.Config)
	if err != nil {
		return nil, err
	}
	d.migrateAPIVersion()
	d.migrateGates()
	d.migrateData()
	d.migrateSaturation()
	d.migrateParser()
	d.migratePrefixCache()
	d.migrateProfileHandler()
	d.migrateHeaderHandlers()
	d.migrateTypes()
	return d, nil
}

// migrateAPIVersion replaces a version that the release still reads with its own.
func (d *document) migrateAPIVersion() {
	own := d.facts.APIVersions[0]
	is, _ := d.top["apiVersion"].(string)
	if is != own && slices.Contains(d.facts.APIVersions, is) {
		d.top["apiVersion"] = own
		d.changed("apiVersion: replaced %s with %s", is, own)
	}
}

func (d *document) migrateGates() {
	gates, _ := d.top["featureGates"].([]any)
	kept := slices.DeleteFunc(slices.Clone(gates), func(gate any) bool {
		name, _ := gate.(string)
		retired := slices.Contains(d.facts.RetiredGates, name)
		if retired {
			d.changed("featureGates: removed %s, which is no longer a feature gate", name)
		}
		return retired
	})
	switch {
	case len(kept) == len(gates):
	case len(kept) == 0:
		delete(d.top, "featureGates")
	default:
		d.top["featureGates"] = kept
	}
}

func (d *document) field(name string) bool { return slices.Contains(d.facts.Fields, name) }

// migrateData renames the section of the data layer.
func (d *document) migrateData() {
	data, is := d.top["data"]
	if _, taken := d.top["dataLayer"]; is && !taken && !d.field("data") && d.field("dataLayer") {
		delete(d.top, "data")
		d.top["dataLayer"] = data
		d.changed("data: renamed to dataLayer")
	}
}

// migrateSaturation moves the thresholds to a plugin, and refers to it where the release
// looks.
func (d *document) migrateSaturation() {
	const detector = "utilization-detector"
	section, is := d.top["saturationDetector"].(map[string]any)
	if !is || !d.known(detector) {
		return
	}
	if _, refers := section["pluginRef"]; !refers && d.named(detector) < 0 {
		d.insert(len(d.plugins), detector, section)
		section = map[string]any{"pluginRef": detector}
		d.top["saturationDetector"] = section
		d.changed("saturationDetector: moved the thresholds to the plugin %s", detector)
	}
	if d.field("saturationDetector") {
		return
	}
	flowControl, isMap := d.top["flowControl"].(map[string]any)
	if _, has := d.top["flowControl"]; has && !isMap {
		return
	}
	if flowControl == nil {
		flowControl = map[string]any{}
	}
	if _, taken := flowControl["saturationDetector"]; !taken {
		flowControl["saturationDetector"] = section
		d.top["flowControl"] = flowControl
		delete(d.top, "saturationDetector")
		d.changed("saturationDetector: moved to flowControl.saturationDetector")
	}
}

func (d *document) migrateParser() {
	parser, is := d.top["parser"]
	if _, taken := d.top["requestHandler"]; is && !taken && !d.field("parser") && d.field("requestHandler") {
		delete(d.top, "parser")
		d.top["requestHandler"] = map[string]any{"parsers": []any{parser}}
		d.changed("parser: moved to requestHandler.parsers")
	}
}

// migratePrefixCache counts blocks in tokens, and moves the scorer's parameters to the
// plugin that informs it.
func (d *document) migratePrefixCache() {
	scorer := d.typed(prefixScorer)
	if scorer < 0 {
		return
	}
	facts, e := d.facts.PrefixCache, d.plugins[scorer]
	parameters := maps.Clone(e.parameters())
	if size, is := number(parameters["blockSize"]); is && !facts.InCharacters {
		delete(parameters, "blockSize")
		if _, has := parameters["blockSizeTokens"]; !has {
			tokens := max(inTokens(size), facts.MinBlockTokens)
			parameters["blockSizeTokens"] = tokens
			d.changed("%s: replaced blockSize: %g (characters) with blockSizeTokens: %d", prefixScorer, size, tokens)
		} else {
			d.changed("%s: removed blockSize, which has no effect next to blockSizeTokens", prefixScorer)
		}
		e.set(prefixScorer, parameters)
	}
	if facts.Producer == "" || d.typed(facts.Producer) >= 0 {
		return
	}
	moved := map[string]any{}
	for name, value := range parameters {
		if !slices.Contains(d.facts.Plugins[prefixScorer].Parameters, name) &&
			slices.Contains(d.facts.Plugins[facts.Producer].Parameters, name) {
			moved[name] = value
			delete(parameters, name)
		}
	}
	if len(moved) == 0 && facts.ProducerByDefault {
		return
	}
	e.set(prefixScorer, parameters)
	d.insert(scorer, facts.Producer, moved)
	if len(moved) > 0 {
		d.changed("%s: moved %s to %s", prefixScorer, list(moved), facts.Producer)
	} else {
		d.changed("%s: added %s, which it depends on", prefixScorer, facts.Producer)
	}
}

// migrateTypes replaces types that have another name in the release.
func (d *document) migrateTypes() {
	for _, e := range d.plugins {
		is := e.kind()
		if d.known(is) {
			continue
		}
		if to, renamed := d.facts.Renamed[is]; renamed {
			e.set(to, e.parameters())
			d.changed("%s: renamed to %s", is, to)
		}
		if is == "by-label" && d.known("label-selector-filter") {
			d.migrateByLabel(e)
		}
	}
}

// migrateByLabel turns the filter into a selector, which cannot express that pods without
// the label pass as well.
func (d *document) migrateByLabel(e entry) {
	p := e.parameters()
	if allows, is := p["allowsNoLabel"].(bool); is && allows || p["label"] == nil || p["validValues"] == nil {
		return
	}
	e.set("label-selector-filter", map[string]any{"matchExpressions": []any{
		map[string]any{"key": p["label"], "operator": "In", "values": p["validValues"]},
	}})
	d.changed("by-label: replaced with label-selector-filter and an expression for %v", p["label"])
}

// inTokens converts a number of characters to tokens, at least 1.
func inTokens(characters float64) int {
	return max(1, int(math.Ceil(characters/charactersPerToken)))
}

// number reads a positive number from a configuration.
func number(value any) (float64, bool) {
	n, is := value.(float64)
	return n, is && n > 0
}
