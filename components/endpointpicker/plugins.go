package endpointpicker

import (
	"fmt"

	"sigs.k8s.io/yaml"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// configKind is the kind that an EPP decodes.
const configKind = "EndpointPickerConfig"

// Prefix matching compares prompts block by block. Short blocks keep even the short prompts
// of tests apart; the other values are the EPP's own defaults.
const (
	blockCharacters    = 5
	blockTokens        = 16
	prefixMaxBlocks    = 256
	prefixLRUPerServer = 31250
)

// Prompts of this length or longer go through a prefill pod first; what is cached does not
// count. Below it, the hand-over costs more than it saves.
const (
	prefillCharacters = 10
	prefillTokens     = 16
)

// Names that a profile handler looks for by default.
const (
	prefillProfile = "prefill"
	decodeProfile  = "decode"
)

// Types of plugins that are generated or replaced. Those that differ between releases are
// facts of the release.
const (
	prefixScorer  = "prefix-cache-scorer"
	prefixDecider = "prefix-based-pd-decider"
	singleHandler = "single-profile-handler"
)

// Config chooses among the generated configurations.
type Config struct {
	// Release decides which plugins and parameters exist. Required.
	Release release.EPP
	// PrefillDecode sends long prompts through a prefill pod first. Default: decode only.
	PrefillDecode bool
	// Precise makes the EPP follow the pods' caches by their KV events, which the release must
	// support. Default: approximate, by the requests that it has sent to each pod.
	Precise *Precise
	// FlowControl queues requests by priority while all pods are busy, which the release must
	// support. Default: pods queue them in the order of their arrival.
	FlowControl *FlowControl
}

// The EndpointPickerConfig as every release decodes it.
type (
	pickerConfig struct {
		APIVersion         string    `json:"apiVersion"`
		Kind               string    `json:"kind"`
		FeatureGates       []string  `json:"featureGates,omitempty"`
		Plugins            []plugin  `json:"plugins"`
		SchedulingProfiles []profile `json:"schedulingProfiles"`

		FlowControl        *flowControl   `json:"flowControl,omitempty"`
		SaturationDetector map[string]any `json:"saturationDetector,omitempty"`
	}
	plugin struct {
		Type       string         `json:"type"`
		Parameters map[string]any `json:"parameters,omitempty"`
	}
	profile struct {
		Name    string      `json:"name"`
		Plugins []pluginRef `json:"plugins"`
	}
	pluginRef struct {
		Ref    string `json:"pluginRef"`
		Weight int    `json:"weight,omitempty"`
	}
)

// PluginsConfig returns the EndpointPickerConfig for a stack, as YAML.
//
// Every scorer has a weight and the picker comes last: a scorer without a weight after the
// picker makes EPP v0.4 panic at startup.
func PluginsConfig(c Config) (string, error) {
	facts := c.Release.Config
	plugins := []plugin{
		{Type: "decode-filter"},
		{Type: "queue-scorer"},
		{Type: "kv-cache-utilization-scorer"},
	}
	plugins = append(plugins, c.prefixPlugins()...)
	plugins = append(plugins,
		// Spreads prompts that no pod knows yet, so that all caches fill alike.
		plugin{Type: "no-hit-lru-scorer", Parameters: c.Precise.consult()},
		plugin{Type: "max-score-picker"})
	decode := []pluginRef{
		{Ref: "decode-filter"},
		{Ref: "queue-scorer", Weight: 1},
		{Ref: "kv-cache-utilization-scorer", Weight: 1},
		{Ref: prefixScorer, Weight: 2},
		{Ref: "no-hit-lru-scorer", Weight: 1}, // After the prefix scorer, which it consults.
		{Ref: "max-score-picker"},
	}
	config := pickerConfig{APIVersion: facts.APIVersions[0], Kind: configKind}
	if !c.PrefillDecode {
		config.Plugins = append(plugins, plugin{Type: singleHandler})
		config.SchedulingProfiles = []profile{{Name: "default", Plugins: decode}}
		config.queue(c.FlowControl, facts.FlowControl)
		return render(config)
	}
	if gate := facts.Disaggregation.FeatureGate; gate != "" {
		config.FeatureGates = []string{gate}
	}
	config.Plugins = append(plugins, prefillPlugins(facts.Disaggregation)...)
	config.SchedulingProfiles = []profile{
		{Name: prefillProfile, Plugins: []pluginRef{
			{Ref: "prefill-filter"},
			{Ref: "queue-scorer", Weight: 1},
			{Ref: prefixScorer, Weight: 2},
			{Ref: "max-score-picker"},
		}},
		{Name: decodeProfile, Plugins: decode},
	}
	config.queue(c.FlowControl, facts.FlowControl)
	return render(config)
}

// prefixPlugins returns the scorer for prompts that share a prefix, after the plugins that
// it depends on.
func (c Config) prefixPlugins() []plugin {
	approximate := approximatePlugins(c.Release.Config.PrefixCache)
	switch {
	case c.Precise == nil:
		return approximate
	case c.PrefillDecode: // The decider consults no other producer.
		return append(approximate[:1], c.Precise.plugins()...)
	}
	return c.Precise.plugins()
}

func approximatePlugins(facts release.PrefixCache) []plugin {
	parameters := map[string]any{"autoTune": false, "lruCapacityPerServer": prefixLRUPerServer}
	if facts.InCharacters {
		parameters["blockSize"] = blockCharacters
	} else {
		parameters["blockSizeTokens"] = max(blockTokens, facts.MinBlockTokens)
	}
	if facts.Producer != "" {
		return []plugin{{Type: facts.Producer, Parameters: parameters}, {Type: prefixScorer}}
	}
	parameters["maxPrefixBlocksToMatch"] = prefixMaxBlocks
	return []plugin{{Type: prefixScorer, Parameters: parameters}}
}

// prefillPlugins returns the plugins that send a prompt through a prefill pod first. The
// decider comes before the handler, as some releases require.
func prefillPlugins(facts release.Disaggregation) []plugin {
	var plugins []plugin
	if facts.HeaderHandler != "" {
		plugins = append(plugins, plugin{Type: facts.HeaderHandler})
	}
	plugins = append(plugins, plugin{Type: "prefill-filter"})
	if facts.Decider == release.ByThreshold {
		return append(plugins, plugin{Type: facts.Handler, Parameters: map[string]any{
			"threshold": prefillCharacters, "hashBlockSize": blockCharacters,
		}})
	}
	return append(plugins,
		plugin{Type: prefixDecider, Parameters: map[string]any{"nonCachedTokens": prefillTokens}},
		plugin{Type: facts.Handler, Parameters: deciderParameters(facts, prefixDecider)})
}

// deciderParameters makes the profile handler consult a decider.
func deciderParameters(facts release.Disaggregation, decider string) map[string]any {
	if facts.Decider == release.ByPlugin {
		return map[string]any{"deciderPluginName": decider}
	}
	return map[string]any{"deciders": map[string]any{prefillProfile: decider}}
}

// Override renders the user's own EndpointPickerConfig.
func Override(config map[string]any) (string, error) { return render(config) }

func render(config any) (string, error) {
	raw, err := yaml.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("rendering the EndpointPickerConfig: %w", err)
	}
	return string(raw), nil
}
