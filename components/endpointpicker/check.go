package endpointpicker

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/llm-d-sim/llm-d-sim/components/release"
	"github.com/llm-d-sim/llm-d-sim/internal/spelling"
)

// Problem is something in an EndpointPickerConfig that the EPP refuses or ignores, or that
// makes it panic.
type Problem struct {
	// Path of the value, such as plugins[2].parameters.blockSize.
	Path string
	// Value is the value at Path, nil if there is none.
	Value any
	// Detail says what is wrong, what is allowed and for which release.
	Detail string
	// Set is the correct value for Path. Empty: there is more than one.
	Set string
	// Remove says that the value at Path should be removed.
	Remove bool
}

// CheckOptions describe the stack that a configuration has to fit.
type CheckOptions struct {
	// PrefillStage says that the EPP may send requests to prefill pods.
	PrefillStage bool
}

// Check returns everything that would keep a release from running an EndpointPickerConfig
// once Migrate has rewritten it. The paths are those before the migration. Plugins and
// parameters that are not llm-d's count as problems, too.
func Check(config map[string]any, epp release.EPP, o CheckOptions) []Problem {
	d, err := migrate(config, epp)
	if err != nil {
		return []Problem{{Value: config, Detail: err.Error()}}
	}
	c := &checker{document: d, epp: "EPP " + epp.Version}
	c.placeholders("", config)
	c.fields()
	c.gates()
	c.checkPlugins()
	c.profiles(o)
	c.handler(o)
	return c.problems
}

type checker struct {
	*document
	// epp names the release.
	epp      string
	problems []Problem
}

func (c *checker) add(p Problem, format string, args ...any) {
	p.Detail = fmt.Sprintf(format, args...)
	c.problems = append(c.problems, p)
}

// unknown reports a name that is not one of the known ones, and suggests the nearest.
func (c *checker) unknown(p Problem, name, what string, known []string) {
	near := spelling.Nearest(name, known)
	if near == "" {
		c.add(p, "is not a %s of %s: choose one of %s", what, c.epp, strings.Join(known, ", "))
		return
	}
	if !p.Remove {
		p.Set = near
	}
	c.add(p, "is not a %s of %s, did you mean %s?", what, c.epp, near)
}

// onlyFields reports fields that the EPP does not decode.
func (c *checker) onlyFields(path string, fields map[string]any, known ...string) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(known, name) {
			c.unknown(Problem{Path: join(path, name), Value: fields[name], Remove: true}, name, "field", known)
		}
	}
}

// placeholders reports values that a script should have filled in.
func (c *checker) placeholders(path string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			c.placeholders(join(path, name), value[name])
		}
	case []any:
		for i, v := range value {
			c.placeholders(fmt.Sprintf("%s[%d]", path, i), v)
		}
	case string:
		if start := strings.Index(value, "${"); start >= 0 && strings.Contains(value[start:], "}") {
			c.add(Problem{Path: path, Value: value}, "is a placeholder: replace it with a value")
		}
	}
}

func (c *checker) fields() {
	present := maps.Clone(c.top)
	delete(present, "plugins")
	c.onlyFields("", present, c.facts.Fields...)
	versions := c.facts.APIVersions
	if is, _ := c.top["apiVersion"].(string); !slices.Contains(versions, is) {
		c.add(Problem{Path: "apiVersion", Value: c.top["apiVersion"], Set: versions[0]},
			"must be %s for %s", strings.Join(versions, " or "), c.epp)
	}
	if c.top["kind"] != configKind {
		c.add(Problem{Path: "kind", Value: c.top["kind"], Set: configKind}, "must be %s", configKind)
	}
}

func (c *checker) gates() {
	gates, _ := c.top["featureGates"].([]any)
	for i, gate := range gates {
		name, _ := gate.(string)
		// Later releases accept name=value.
		key, _, _ := strings.Cut(name, "=")
		if !slices.Contains(c.facts.FeatureGates, key) {
			c.unknown(Problem{Path: fmt.Sprintf("featureGates[%d]", i), Value: gate}, key, "feature gate", c.facts.FeatureGates)
		}
	}
}

// path returns the plugin's path in the user's configuration.
func (e entry) path() string {
	if e.origin == added {
		return "plugins"
	}
	return fmt.Sprintf("plugins[%d]", e.origin)
}

func (c *checker) checkPlugins() {
	if len(c.plugins) == 0 {
		c.add(Problem{Path: "plugins", Value: c.top["plugins"]}, "must be a list of at least one plugin")
	}
	names := map[string]string{}
	for _, e := range c.plugins {
		if e.fields() == nil || e.kind() == "" {
			c.add(Problem{Path: join(e.path(), "type"), Value: e.fields()["type"]}, "must be the type of a plugin")
			continue
		}
		c.onlyFields(e.path(), e.fields(), "name", "type", "parameters")
		if other, taken := names[e.name()]; taken {
			c.add(Problem{Path: e.path(), Value: e.name()}, "has the same name as %s: give it a name of its own", other)
		}
		names[e.name()] = e.path()
		c.plugin(e)
	}
}

// plugin checks type and parameters.
func (c *checker) plugin(e entry) {
	kind := e.kind()
	facts, known := c.facts.Plugins[kind]
	if !known {
		path := join(e.path(), "type")
		if instead, gone := c.facts.Gone[kind]; gone {
			c.add(Problem{Path: path, Value: kind}, "does not exist in %s: use %s", c.epp, instead)
			return
		}
		c.unknown(Problem{Path: path, Value: kind}, kind, "plugin", c.facts.Types())
		return
	}
	if p := e.fields()["parameters"]; p != nil && e.parameters() == nil {
		c.add(Problem{Path: join(e.path(), "parameters"), Value: p}, "must be a map")
	}
	for _, name := range slices.Sorted(maps.Keys(e.parameters())) {
		if facts.AnyParameters || slices.Contains(facts.Parameters, name) {
			continue
		}
		effect := "would have no effect"
		if c.facts.StrictParameters {
			effect = "would make it exit"
		}
		allowed := "it has none"
		if len(facts.Parameters) > 0 {
			allowed = "it has " + strings.Join(facts.Parameters, ", ")
		}
		if near := spelling.Nearest(name, facts.Parameters); near != "" {
			allowed = "did you mean " + near + "?"
		}
		c.add(Problem{Path: join(e.path(), "parameters."+name), Value: e.parameters()[name], Remove: true},
			"is not a parameter of %s in %s and %s: %s", kind, c.epp, effect, allowed)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
