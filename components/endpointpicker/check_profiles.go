package endpointpicker

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/llm-d-sim/llm-d-sim/components/release"
	"github.com/llm-d-sim/llm-d-sim/internal/spelling"
)

// is reports whether a plugin is of a kind; an unknown type counts as every kind.
func (c *checker) is(e entry, kind release.Kind) bool {
	facts, known := c.facts.Plugins[e.kind()]
	return !known || facts.Is(kind)
}

// profiles checks each scheduling profile on its own.
func (c *checker) profiles(o CheckOptions) {
	profiles, isList := c.top["schedulingProfiles"].([]any)
	if value := c.top["schedulingProfiles"]; value != nil && !isList {
		c.add(Problem{Path: "schedulingProfiles", Value: value}, "must be a list")
	}
	seen := map[string]bool{}
	for i, p := range profiles {
		path := fmt.Sprintf("schedulingProfiles[%d]", i)
		profile, _ := p.(map[string]any)
		c.onlyFields(path, profile, "name", "plugins")
		name, _ := profile["name"].(string)
		if name == "" || seen[name] {
			c.add(Problem{Path: join(path, "name"), Value: profile["name"]}, "must be a name that no other profile uses")
		}
		seen[name] = true
		c.profile(path, profile, o)
	}
	if len(profiles) > 0 {
		return
	}
	// The EPP puts all plugins into one profile, in any order.
	for _, e := range c.plugins {
		if c.facts.WeightsRequired && c.known(e.kind()) && c.is(e, release.Scorer) {
			c.add(Problem{Path: "schedulingProfiles", Value: c.top["schedulingProfiles"]},
				"must give %s a weight: without one, %s can panic at startup", e.name(), c.epp)
		}
	}
	if o.PrefillStage && len(c.plugins) > 0 && !slices.ContainsFunc(c.plugins, c.filters) {
		c.add(Problem{Path: "plugins", Value: c.names()}, "must include a decode-filter: otherwise prefill pods answer requests, too")
	}
}

func (c *checker) filters(e entry) bool { return c.is(e, release.Filter) }

func (c *checker) profile(path string, profile map[string]any, o CheckOptions) {
	refs, _ := profile["plugins"].([]any)
	picker, filtered := "", false
	for j, r := range refs {
		path := fmt.Sprintf("%s.plugins[%d]", path, j)
		ref, _ := r.(map[string]any)
		c.onlyFields(path, ref, "pluginRef", "weight")
		name, _ := ref["pluginRef"].(string)
		i := c.named(name)
		if name == "" || i < 0 {
			near := spelling.Nearest(name, c.names())
			detail := "must be the name of one of the plugins"
			if near != "" {
				detail += ", did you mean " + near + "?"
			}
			c.add(Problem{Path: join(path, "pluginRef"), Value: ref["pluginRef"], Set: near}, "%s", detail)
			filtered = true // By an unknown plugin.
			continue
		}
		e := c.plugins[i]
		filtered = filtered || c.filters(e)
		c.weight(path, e, ref["weight"])
		if c.known(e.kind()) && c.is(e, release.Picker) {
			if picker != "" {
				c.add(Problem{Path: path, Value: name, Remove: true}, "is a second picker besides %s", picker)
			}
			picker = name
		}
		if e.kind() == "prefill-filter" && !o.PrefillStage {
			c.add(Problem{Path: join(path, "pluginRef"), Value: name}, "keeps only prefill pods, but the stack has none that receive requests")
		}
	}
	if o.PrefillStage && !filtered {
		c.add(Problem{Path: join(path, "plugins"), Value: profile["plugins"]},
			"must include a decode-filter, or a prefill-filter for the prefill profile: otherwise it picks among pods of both stages")
	}
}

func (c *checker) weight(path string, e entry, weight any) {
	path = join(path, "weight")
	value, isNumber := weight.(float64)
	switch {
	case weight == nil && c.facts.WeightsRequired && c.known(e.kind()) && c.is(e, release.Scorer):
		c.add(Problem{Path: path, Set: "1"}, "is required for a scorer: without it, %s can panic at startup", c.epp)
	case weight != nil && !isNumber:
		c.add(Problem{Path: path, Value: weight, Set: "1"}, "must be a number")
	case c.facts.IntegerWeights && value != math.Trunc(value):
		c.add(Problem{Path: path, Value: weight, Set: fmt.Sprint(max(1, math.Round(value)))}, "must be a whole number for %s", c.epp)
	}
}

// names returns the names of the plugins.
func (c *checker) names() []string {
	names := make([]string, len(c.plugins))
	for i, e := range c.plugins {
		names[i] = e.name()
	}
	return names
}

// handler checks that there is one profile handler, and that it fits the profiles.
func (c *checker) handler(o CheckOptions) {
	var profiles []string
	configured, _ := c.top["schedulingProfiles"].([]any)
	for _, p := range configured {
		profile, _ := p.(map[string]any)
		name, _ := profile["name"].(string)
		profiles = append(profiles, name)
	}
	var handlers []entry
	unknown := false
	for _, e := range c.plugins {
		unknown = unknown || !c.known(e.kind())
		if c.known(e.kind()) && c.is(e, release.Handler) {
			handlers = append(handlers, e)
		}
	}
	if len(handlers) == 0 {
		if len(profiles) > 1 && !unknown {
			c.add(Problem{Path: "plugins", Value: c.names()}, "must include a profile handler for %d scheduling profiles, such as %s",
				len(profiles), c.facts.Disaggregation.Handler)
		}
		return
	}
	for _, e := range handlers[1:] {
		c.add(Problem{Path: join(e.path(), "type"), Value: e.kind()}, "is a second profile handler besides %s: remove one of them",
			handlers[0].name())
	}
	switch e := handlers[0]; e.kind() {
	case singleHandler, "data-parallel-profile-handler":
		if len(profiles) > 1 {
			c.add(Problem{Path: join(e.path(), "type"), Value: e.kind(), Set: c.facts.Disaggregation.Handler},
				"runs only one scheduling profile, but there are %d", len(profiles))
		}
	case pdHandler, disaggHandler:
		c.disaggregation(e, profiles, o)
	}
}

// disaggregation checks the references of a handler for prefill and decode.
func (c *checker) disaggregation(e entry, profiles []string, o CheckOptions) {
	parameters := e.parameters()
	stages, _ := parameters["profiles"].(map[string]any)
	deciders, _ := parameters["deciders"].(map[string]any)
	runs := func(stage, flat string) {
		name := stage
		for _, value := range []any{stages[stage], parameters[flat]} {
			if set, _ := value.(string); set != "" {
				name = set
			}
		}
		if !slices.Contains(profiles, name) {
			c.add(Problem{Path: "schedulingProfiles", Value: profiles}, "must include the profile %s, which %s runs", name, e.kind())
		}
	}
	runs(decodeProfile, "decodeProfile")
	asked := map[string]any{}
	for _, flat := range []string{"deciderPluginName", "prefillDeciderPluginName", "encodeDeciderPluginName"} {
		if name, has := parameters[flat]; has {
			asked["parameters."+flat] = name
		}
	}
	for stage, name := range deciders {
		asked["parameters.deciders."+stage] = name
	}
	for _, parameter := range slices.Sorted(maps.Keys(asked)) {
		c.checkDecider(e, parameter, asked[parameter])
	}
	if c.facts.Disaggregation.Decider != release.ByThreshold && deciders[prefillProfile] == nil &&
		parameters["deciderPluginName"] == nil && parameters["prefillDeciderPluginName"] == nil {
		return // Nothing chooses a prefill pod.
	}
	runs(prefillProfile, "prefillProfile")
	if !o.PrefillStage {
		c.add(Problem{Path: join(e.path(), "type"), Value: e.kind()},
			"sends prompts to prefill pods first, but the stack has none that receive requests")
	}
}

// checkDecider checks the decider that a handler names.
func (c *checker) checkDecider(handler entry, parameter string, name any) {
	p := Problem{Path: join(handler.path(), parameter), Value: name}
	text, _ := name.(string)
	decider := c.named(text)
	switch {
	case text == "" || decider < 0 || !c.is(c.plugins[decider], release.DeciderPlugin):
		var deciders []string
		for _, e := range c.plugins {
			if c.known(e.kind()) && c.is(e, release.DeciderPlugin) {
				deciders = append(deciders, e.name())
			}
		}
		p.Set = spelling.Nearest(text, deciders)
		c.add(p, "must be the name of one of the plugins, of type %s or %s", prefixDecider, alwaysDecider)
	case c.facts.ReferredFirst && decider > c.named(handler.name()):
		c.add(p, "must come before %s in the list of plugins for %s", handler.name(), c.epp)
	}
}
