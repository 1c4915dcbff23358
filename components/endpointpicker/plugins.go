package endpointpicker

import (
	"fmt"

	"sigs.k8s.io/yaml"
)

// Prefix matching compares prompts block by block. A short block tells even the short
// prompts of tests apart; the others are the EPP's own defaults.
const (
	prefixBlockSize    = 5 // Characters.
	prefixMaxBlocks    = 256
	prefixLRUPerServer = 31250
)

// prefillThreshold is the number of bytes of a prompt that are not cached yet from
// which on a prefill pod does them first. Below, the hand-over costs more than it saves.
const prefillThreshold = 10

// Config chooses among the generated configurations.
type Config struct {
	// PrefillDecode sends long prompts through a prefill pod first. Default: decode only.
	PrefillDecode bool
}

// The EndpointPickerConfig as EPP v0.4.0 decodes it.
type (
	pickerConfig struct {
		APIVersion         string    `json:"apiVersion"`
		Kind               string    `json:"kind"`
		Plugins            []plugin  `json:"plugins"`
		SchedulingProfiles []profile `json:"schedulingProfiles"`
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
// Every scorer has a weight and the picker comes last: a scorer without one after the
// picker makes the EPP panic at its start.
func PluginsConfig(c Config) (string, error) {
	prefix := plugin{Type: "prefix-cache-scorer", Parameters: map[string]any{
		"autoTune": false, "blockSize": prefixBlockSize,
		"maxPrefixBlocksToMatch": prefixMaxBlocks, "lruCapacityPerServer": prefixLRUPerServer,
	}}
	plugins := []plugin{
		{Type: "decode-filter"},
		{Type: "queue-scorer"},
		{Type: "kv-cache-utilization-scorer"},
		prefix,
		// Spreads prompts that no pod knows yet, so that all caches fill alike.
		{Type: "no-hit-lru-scorer"},
		{Type: "max-score-picker"},
	}
	decode := []pluginRef{
		{Ref: "decode-filter"},
		{Ref: "queue-scorer", Weight: 1},
		{Ref: "kv-cache-utilization-scorer", Weight: 1},
		{Ref: "prefix-cache-scorer", Weight: 2},
		{Ref: "no-hit-lru-scorer", Weight: 1}, // After prefix-cache-scorer, which it asks.
		{Ref: "max-score-picker"},
	}
	config := pickerConfig{
		APIVersion: "inference.networking.x-k8s.io/v1alpha1",
		Kind:       "EndpointPickerConfig",
	}
	if c.PrefillDecode {
		config.Plugins = append(plugins,
			plugin{Type: "prefill-header-handler"},
			plugin{Type: "prefill-filter"},
			plugin{Type: "pd-profile-handler", Parameters: map[string]any{
				"threshold": prefillThreshold, "hashBlockSize": prefixBlockSize,
			}})
		config.SchedulingProfiles = []profile{
			{Name: "prefill", Plugins: []pluginRef{
				{Ref: "prefill-filter"},
				{Ref: "queue-scorer", Weight: 1},
				{Ref: "prefix-cache-scorer", Weight: 2},
				{Ref: "max-score-picker"},
			}},
			{Name: "decode", Plugins: decode},
		}
	} else {
		config.Plugins = append(plugins, plugin{Type: "single-profile-handler"})
		config.SchedulingProfiles = []profile{{Name: "default", Plugins: decode}}
	}
	return render(config)
}

// Override renders an EndpointPickerConfig of the user's own.
func Override(config map[string]any) (string, error) { return render(config) }

func render(config any) (string, error) {
	raw, err := yaml.Marshal(config)
	if err != nil {
		return "", fmt.Errorf("rendering the EndpointPickerConfig: %w", err)
	}
	return string(raw), nil
}
