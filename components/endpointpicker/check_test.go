package endpointpicker

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	header04 = "apiVersion: inference.networking.x-k8s.io/v1alpha1\nkind: EndpointPickerConfig\n"
	header10 = "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n"
)

// TestCheck covers configurations with one mistake each, which must be the only one
// reported.
func TestCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		version, config string
		prefill         bool
		want            Problem // Detail is a part of it.
	}{
		"no API version": {
			"v0.4.0", "kind: EndpointPickerConfig\nplugins: [{type: queue-scorer}]\nschedulingProfiles: [{name: a}]", false,
			Problem{
				Path: "apiVersion", Set: "inference.networking.x-k8s.io/v1alpha1",
				Detail: "must be inference.networking.x-k8s.io/v1alpha1 for EPP v0.4.0",
			},
		},
		"an API version of later releases": {
			"v0.8.0", header10 + "plugins: [{type: queue-scorer}]", false,
			Problem{
				Path: "apiVersion", Value: "llm-d.ai/v1alpha1", Set: "inference.networking.x-k8s.io/v1alpha1",
				Detail: "must be inference.networking.x-k8s.io/v1alpha1 for EPP v0.8.0",
			},
		},
		"another kind": {
			"v0.10.0", "apiVersion: llm-d.ai/v1alpha1\nkind: Other\nplugins: [{type: queue-scorer}]", false,
			Problem{Path: "kind", Value: "Other", Set: "EndpointPickerConfig", Detail: "must be EndpointPickerConfig"},
		},
		"no plugins": {
			"v0.10.0", header10, false, Problem{Path: "plugins", Detail: "at least one plugin"},
		},
		"a field of later releases": {
			"v0.4.0", header04 + "plugins: [{type: max-score-picker}]\nflowControl: {maxBytes: 1Gi}", false,
			Problem{Path: "flowControl", Value: map[string]any{"maxBytes": "1Gi"}, Remove: true, Detail: "is not a field of EPP v0.4.0"},
		},
		"a misspelt field": {
			"v0.4.0", header04 + "plugins: [{type: max-score-picker}]\nschedulingProfile: []", false,
			Problem{Path: "schedulingProfile", Value: []any{}, Remove: true, Detail: "did you mean schedulingProfiles?"},
		},
		"a placeholder": {
			"v0.10.0", header10 + `plugins: [{type: data-parallel-profile-handler, parameters: {primaryPort: "${PRIMARY_PORT}"}}]`, false,
			Problem{Path: "plugins[0].parameters.primaryPort", Value: "${PRIMARY_PORT}", Detail: "is a placeholder"},
		},
		"an unknown feature gate": {
			"v0.10.0", header10 + "featureGates: [flowControl=true, flowcontrols]\nplugins: [{type: queue-scorer}]", false,
			Problem{Path: "featureGates[1]", Value: "flowcontrols", Set: "flowControl", Detail: "did you mean flowControl?"},
		},
		"an entry that is not a plugin": {
			"v0.10.0", header10 + "plugins: [{type: queue-scorer}, 5]", false,
			Problem{Path: "plugins[1].type", Detail: "must be the type of a plugin"},
		},
		"a misspelt plugin": {
			"v0.10.0", header10 + "plugins: [{type: queue-scorer}, {type: prefix-cache}]", false,
			Problem{Path: "plugins[1].type", Value: "prefix-cache", Set: "prefix-cache-scorer", Detail: "is not a plugin of EPP v0.10.0, did you mean prefix-cache-scorer?"},
		},
		"an unknown plugin": {
			"v0.4.0", header04 + "plugins: [{type: zzz}]", false,
			Problem{Path: "plugins[0].type", Value: "zzz", Detail: "is not a plugin of EPP v0.4.0: choose one of active-request-scorer, by-label,"},
		},
		"a removed plugin": {
			"v0.11.0", header10 + "plugins: [{type: precise-prefix-cache-scorer}]", false,
			Problem{Path: "plugins[0].type", Value: "precise-prefix-cache-scorer", Detail: "use precise-prefix-cache-producer"},
		},
		"two plugins with one name": {
			"v0.10.0", header10 + "plugins: [{type: queue-scorer}, {type: random-picker, name: queue-scorer}]", false,
			Problem{Path: "plugins[1]", Value: "queue-scorer", Detail: "has the same name as plugins[0]"},
		},
		"an unknown field of a plugin": {
			"v0.10.0", header10 + "plugins: [{type: queue-scorer, parameter: {}}]", false,
			Problem{Path: "plugins[0].parameter", Value: map[string]any{}, Remove: true, Detail: "did you mean parameters?"},
		},
		"parameters that are not a map": {
			"v0.10.0", header10 + "plugins: [{type: queue-scorer, parameters: [1]}]", false,
			Problem{Path: "plugins[0].parameters", Value: []any{1.0}, Detail: "must be a map"},
		},
		"a parameter that has no effect": {
			"v0.4.0", header04 + "plugins: [{type: max-score-picker, parameters: {maxEndpoints: 1}}]", false,
			Problem{
				Path: "plugins[0].parameters.maxEndpoints", Value: 1.0, Remove: true,
				Detail: "is not a parameter of max-score-picker in EPP v0.4.0 and would have no effect: it has maxNumOfEndpoints",
			},
		},
		"a parameter that makes it exit": {
			"v0.10.0", header10 + "plugins: [{type: queue-scorer, parameters: {x: 1}}]", false,
			Problem{
				Path: "plugins[0].parameters.x", Value: 1.0, Remove: true,
				Detail: "is not a parameter of queue-scorer in EPP v0.10.0 and would make it exit: it has none",
			},
		},
		"paths are those before the migration": {
			"v0.10.0", header10 + "plugins: [{type: prefix-cache-scorer, parameters: {blockSize: 64}}, {type: queue}]", false,
			Problem{Path: "plugins[1].type", Value: "queue", Set: "queue-scorer", Detail: "did you mean queue-scorer?"},
		},
		"a reference to an unknown plugin": {
			"v0.10.0", header10 + "plugins: [{type: queue-scorer}]\nschedulingProfiles: [{name: a, plugins: [{pluginRef: queue-scoer}]}]", false,
			Problem{
				Path: "schedulingProfiles[0].plugins[0].pluginRef", Value: "queue-scoer", Set: "queue-scorer",
				Detail: "must be the name of one of the plugins, did you mean queue-scorer?",
			},
		},
		"a scorer without a weight": {
			"v0.4.0", header04 + "plugins: [{type: max-score-picker}, {type: queue-scorer}, {type: single-profile-handler}]\n" +
				"schedulingProfiles: [{name: default, plugins: [{pluginRef: max-score-picker}, {pluginRef: queue-scorer}]}]", false,
			Problem{Path: "schedulingProfiles[0].plugins[1].weight", Set: "1", Detail: "EPP v0.4.0 can panic"},
		},
		"a scorer without a profile": {
			"v0.4.0", header04 + "plugins: [{type: queue-scorer}]", false,
			Problem{Path: "schedulingProfiles", Detail: "must give queue-scorer a weight"},
		},
		"a fractional weight": {
			"v0.5.0", header04 + "plugins: [{type: queue-scorer}]\nschedulingProfiles: [{name: a, plugins: [{pluginRef: queue-scorer, weight: 0.5}]}]", false,
			Problem{Path: "schedulingProfiles[0].plugins[0].weight", Value: 0.5, Set: "1", Detail: "whole number"},
		},
		"a weight in words": {
			"v0.10.0", header10 + "plugins: [{type: queue-scorer}]\nschedulingProfiles: [{name: a, plugins: [{pluginRef: queue-scorer, weight: high}]}]", false,
			Problem{Path: "schedulingProfiles[0].plugins[0].weight", Value: "high", Set: "1", Detail: "must be a number"},
		},
		"two pickers": {
			"v0.10.0", header10 + "plugins: [{type: random-picker}, {type: max-score-picker}]\n" +
				"schedulingProfiles: [{name: a, plugins: [{pluginRef: random-picker}, {pluginRef: max-score-picker}]}]", false,
			Problem{Path: "schedulingProfiles[0].plugins[1]", Value: "max-score-picker", Remove: true, Detail: "second picker besides random-picker"},
		},
		"two profiles with one name": {
			"v0.10.0", header10 + "plugins: [{type: queue-scorer}, {type: header-profile-handler}]\nschedulingProfiles: [{name: a}, {name: a}]", false,
			Problem{Path: "schedulingProfiles[1].name", Value: "a", Detail: "that no other profile uses"},
		},
		"two profiles without a handler": {
			"v0.10.0", header10 + "plugins: [{type: queue-scorer}]\nschedulingProfiles: [{name: a}, {name: b}]", false,
			Problem{Path: "plugins", Value: []string{"queue-scorer"}, Detail: "must include a profile handler for 2 scheduling profiles, such as disagg-profile-handler"},
		},
		"two profiles for a handler of one": {
			"v0.4.0", header04 + "plugins: [{type: single-profile-handler}]\nschedulingProfiles: [{name: a}, {name: b}]", false,
			Problem{Path: "plugins[0].type", Value: "single-profile-handler", Set: "pd-profile-handler", Detail: "runs only one scheduling profile, but there are 2"},
		},
		"two handlers": {
			"v0.10.0", header10 + "plugins: [{type: single-profile-handler}, {type: data-parallel-profile-handler}]", false,
			Problem{Path: "plugins[1].type", Value: "data-parallel-profile-handler", Detail: "second profile handler besides single-profile-handler"},
		},
		"a handler whose profile is missing": {
			"v0.10.0", header10 + "plugins: [{type: disagg-profile-handler, parameters: {profiles: {decode: then}}}, {type: decode-filter}]\n" +
				"schedulingProfiles: [{name: decode, plugins: [{pluginRef: decode-filter}]}]", true,
			Problem{Path: "schedulingProfiles", Value: []string{"decode"}, Detail: "must include the profile then, which disagg-profile-handler runs"},
		},
		"a decider that is not among the plugins": {
			"v0.10.0", header10 + "plugins: [{type: always-disagg-pd-decider}, {type: decode-filter}, {type: prefill-filter},\n" +
				"  {type: disagg-profile-handler, parameters: {deciders: {prefill: always-disagg-decider}}}]\n" +
				"schedulingProfiles: [{name: decode, plugins: [{pluginRef: decode-filter}]}, {name: prefill, plugins: [{pluginRef: prefill-filter}]}]", true,
			Problem{
				Path: "plugins[3].parameters.deciders.prefill", Value: "always-disagg-decider", Set: "always-disagg-pd-decider",
				Detail: "must be the name of one of the plugins, of type",
			},
		},
		"a decider after the handler": {
			"v0.9.0", header10 + "plugins: [{type: decode-filter}, {type: prefill-filter},\n" +
				"  {type: disagg-profile-handler, parameters: {deciders: {prefill: always-disagg-pd-decider}}}, {type: always-disagg-pd-decider}]\n" +
				"schedulingProfiles: [{name: decode, plugins: [{pluginRef: decode-filter}]}, {name: prefill, plugins: [{pluginRef: prefill-filter}]}]", true,
			Problem{
				Path: "plugins[2].parameters.deciders.prefill", Value: "always-disagg-pd-decider",
				Detail: "must come before disagg-profile-handler in the list of plugins for EPP v0.9.0",
			},
		},
		"prefill first without a prefill stage": {
			"v0.4.0", header04 + "plugins: [{type: pd-profile-handler}]\nschedulingProfiles: [{name: decode}, {name: prefill}]", false,
			Problem{Path: "plugins[0].type", Value: "pd-profile-handler", Detail: "has none that receive requests"},
		},
		"only prefill pods without a prefill stage": {
			"v0.10.0", header10 + "plugins: [{type: prefill-filter}]\nschedulingProfiles: [{name: a, plugins: [{pluginRef: prefill-filter}]}]", false,
			Problem{Path: "schedulingProfiles[0].plugins[0].pluginRef", Value: "prefill-filter", Detail: "has none that receive requests"},
		},
		"pods of both stages in a profile": {
			"v0.10.0", header10 + "plugins: [{type: random-picker}]\nschedulingProfiles: [{name: a, plugins: [{pluginRef: random-picker}]}]", true,
			Problem{
				Path: "schedulingProfiles[0].plugins", Value: []any{map[string]any{"pluginRef": "random-picker"}},
				Detail: "must include a decode-filter",
			},
		},
		"pods of both stages without a profile": {
			"v0.10.0", header10 + "plugins: [{type: random-picker}]", true,
			Problem{Path: "plugins", Value: []string{"random-picker"}, Detail: "must include a decode-filter"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			problems := Check(parse(t, test.config), eppOf(t, test.version), CheckOptions{PrefillStage: test.prefill})
			require.Len(t, problems, 1, "%+v", problems)
			require.Contains(t, problems[0].Detail, test.want.Detail)
			test.want.Detail = problems[0].Detail
			require.Equal(t, test.want, problems[0])
		})
	}
}

// TestPublicConfigurations covers configurations that llm-d's users have published.
func TestPublicConfigurations(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		version, config string
		prefill         bool
		paths           []string
	}{
		"handler for prefill and decode, decode only": {
			"v0.10.0", header10 + "plugins: [{type: disagg-profile-handler}, {type: decode-filter}, {type: max-score-picker}]\n" +
				"schedulingProfiles: [{name: decode, plugins: [{pluginRef: decode-filter}, {pluginRef: max-score-picker}]}]", false, nil,
		},
		"weights are optional": {
			"v0.5.0", header04 + "plugins: [{type: max-score-picker}, {type: queue-scorer}]", false, nil,
		},
		"a script's template": {
			"v0.4.0", header04 + `
plugins:
- {type: prefill-filter}
- {type: decode-filter}
- {type: prefix-cache-scorer}
- {type: max-score-picker}
- {type: pd-profile-handler, parameters: {threshold: 10, primaryPort: "${PRIMARY_PORT}"}}
schedulingProfiles:
- {name: prefill, plugins: [{pluginRef: prefill-filter}, {pluginRef: max-score-picker}]}
- {name: decode, plugins: [{pluginRef: decode-filter}, {pluginRef: max-score-picker}, {pluginRef: prefix-cache-scorer, weight: 2}]}
`, true, []string{"plugins[4].parameters.primaryPort"},
		},
		"sections of other releases": {
			"v0.4.0", header04 + "plugins: [{type: max-score-picker}]\nflowControl: {}\ndataLayer: {}\ndata: {}", false,
			[]string{"data", "dataLayer", "flowControl"},
		},
		"plugins of old releases": {
			"v0.4.0", header04 + "plugins: [{type: low-queue-filter}, {type: decision-tree-filter}]", false,
			[]string{"plugins[0].type", "plugins[1].type"},
		},
		"names of old releases": {
			"v0.4.0", header04 + "plugins: [{type: prefix-cache}, {type: max-score}, {type: single-profile}]", false,
			[]string{"plugins[0].type", "plugins[1].type", "plugins[2].type"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var paths []string
			for _, p := range Check(parse(t, test.config), eppOf(t, test.version), CheckOptions{PrefillStage: test.prefill}) {
				paths = append(paths, p.Path)
			}
			require.Equal(t, test.paths, paths)
		})
	}
}

func TestCheckToleratesMalformedConfigurations(t *testing.T) {
	t.Parallel()
	for _, config := range []string{
		"{}", "plugins: 5", "plugins: [[]]", "plugins: [{type: 5, parameters: x}]", "schedulingProfiles: {a: b}",
		"schedulingProfiles: [5, {plugins: 5}, {plugins: [5]}]", "featureGates: x", "saturationDetector: 5\nflowControl: 5",
		"saturationDetector: {a: b}\nflowControl: 5", "data: 5\nparser: 5",
		"plugins: [{type: pd-profile-handler, parameters: {threshold: x, deciderPluginName: 5, deciders: 5, profiles: 5}}]",
		"plugins: [{type: disagg-profile-handler, parameters: {deciders: {prefill: 5}, profiles: {decode: 5}, decodeProfile: a}}]",
		"plugins: [{type: prefix-cache-scorer, parameters: {blockSize: x}}, {type: prefix-cache-scorer, parameters: {blockSize: 5}}]",
		"plugins: [{type: by-label, parameters: {label: 5, validValues: 5}}]",
	} {
		for _, version := range []string{"v0.4.0", "v0.6.0", "v0.8.0", "v0.11.0"} {
			require.NotEmpty(t, Check(parse(t, config), eppOf(t, version), CheckOptions{PrefillStage: true}), config)
		}
	}
}
