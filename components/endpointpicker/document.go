package endpointpicker

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// document is the user's own EndpointPickerConfig during its migration.
type document struct {
	facts   release.Config
	top     map[string]any // Without plugins.
	plugins []entry
	changes []string
}

// entry is one of the plugins.
type entry struct {
	// value is the entry itself, a map unless the configuration is invalid.
	value any
	// origin is the plugin's index in the user's configuration, or added if it is not there.
	origin int
}

const added = -1

// newDocument copies a configuration, so that changes do not reach the user's. It fails if
// the configuration cannot be encoded as JSON.
func newDocument(config map[string]any, facts release.Config) (*document, error) {
	raw, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("reading the EndpointPickerConfig: %w", err)
	}
	d := &document{facts: facts}
	if err := json.Unmarshal(raw, &d.top); err != nil {
		return nil, fmt.Errorf("reading the EndpointPickerConfig: %w", err)
	}
	if plugins, is := d.top["plugins"].([]any); is {
		delete(d.top, "plugins")
		for i, p := range plugins {
			d.plugins = append(d.plugins, entry{value: p, origin: i})
		}
	}
	return d, nil
}

// config reassembles the configuration.
func (d *document) config() map[string]any {
	if len(d.plugins) > 0 {
		plugins := make([]any, len(d.plugins))
		for i, p := range d.plugins {
			plugins[i] = p.value
		}
		d.top["plugins"] = plugins
	}
	return d.top
}

func (d *document) changed(format string, args ...any) {
	d.changes = append(d.changes, fmt.Sprintf(format, args...))
}

// known reports whether the release has a type of plugin.
func (d *document) known(plugin string) bool { _, is := d.facts.Plugins[plugin]; return is }

// typed returns the index of the first plugin of one of the types, -1 if there is none.
func (d *document) typed(types ...string) int {
	return slices.IndexFunc(d.plugins, func(e entry) bool { return slices.Contains(types, e.kind()) })
}

// named returns the index of the plugin with a name, -1 if there is none.
func (d *document) named(name string) int {
	return slices.IndexFunc(d.plugins, func(e entry) bool { return e.name() == name })
}

// insert adds a plugin before another.
func (d *document) insert(before int, kind string, parameters map[string]any) {
	value := map[string]any{"type": kind}
	if len(parameters) > 0 {
		value["parameters"] = parameters
	}
	d.plugins = slices.Insert(d.plugins, before, entry{value: value, origin: added})
}

// fields returns the plugin's fields, nil if it is not a map.
func (e entry) fields() map[string]any { fields, _ := e.value.(map[string]any); return fields }

func (e entry) kind() string { kind, _ := e.fields()["type"].(string); return kind }

// name returns the plugin's name, which is its type by default.
func (e entry) name() string {
	if name, _ := e.fields()["name"].(string); name != "" {
		return name
	}
	return e.kind()
}

// parameters returns the plugin's parameters, nil if it has none.
func (e entry) parameters() map[string]any {
	parameters, _ := e.fields()["parameters"].(map[string]any)
	return parameters
}

// set replaces type and parameters, and keeps the name that others refer to.
func (e entry) set(kind string, parameters map[string]any) {
	fields := e.fields()
	if kind != e.kind() {
		fields["name"], fields["type"] = e.name(), kind
	}
	delete(fields, "parameters")
	if len(parameters) > 0 {
		fields["parameters"] = parameters
	}
}
