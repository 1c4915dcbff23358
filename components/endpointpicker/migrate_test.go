package endpointpicker

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		version, from, to string
		changes           []string
	}{
		"threshold to tokens, before there were stages": {
			"v0.6.0",
			`{plugins: [{type: pd-profile-handler, parameters: {threshold: 100, hashBlockSize: 5, primaryPort: 8000}}]}`,
			`{featureGates: [prepareDataPlugins], plugins: [
				{type: prefix-based-pd-decider, parameters: {nonCachedTokens: 25}},
				{type: pd-profile-handler, parameters: {deciderPluginName: prefix-based-pd-decider, primaryPort: 8000}}]}`,
			[]string{
				"pd-profile-handler: replaced threshold: 100 (characters) with prefix-based-pd-decider and nonCachedTokens: 25",
				"featureGates: added prepareDataPlugins, which prefix-based-pd-decider needs",
				"pd-profile-handler: consults prefix-based-pd-decider",
			},
		},
		"threshold to tokens, by stage": {
			"v0.10.0",
			`{plugins: [{type: prefill-header-handler}, {type: pd-profile-handler, parameters:
				{threshold: 1, prefillProfile: first, decodeProfile: then, primaryPort: 8000}}]}`,
			`{plugins: [{type: prefix-based-pd-decider, parameters: {nonCachedTokens: 1}},
				{type: disagg-profile-handler, name: pd-profile-handler, parameters:
					{deciders: {prefill: prefix-based-pd-decider}, profiles: {prefill: first, decode: then}}}]}`,
			[]string{
				"pd-profile-handler: replaced threshold: 1 (characters) with prefix-based-pd-decider and nonCachedTokens: 1",
				"pd-profile-handler: replaced with disagg-profile-handler, which consults prefix-based-pd-decider and has no primaryPort",
				"prefill-header-handler: removed, since disagg-profile-handler does the same",
			},
		},
		"without a threshold a prefill pod is always first": {
			"v0.11.0",
			`{plugins: [{type: pd-profile-handler, name: handler}]}`,
			`{plugins: [{type: always-disagg-pd-decider},
				{type: disagg-profile-handler, name: handler, parameters: {deciders: {prefill: always-disagg-pd-decider}}}]}`,
			[]string{"pd-profile-handler: replaced with disagg-profile-handler, which consults always-disagg-pd-decider"},
		},
		"a configured decider stays": {
			"v0.11.0",
			`{plugins: [{type: always-disagg-pd-decider, name: mine},
				{type: pd-profile-handler, parameters: {deciderPluginName: mine}}]}`,
			`{plugins: [{type: always-disagg-pd-decider, name: mine},
				{type: disagg-profile-handler, name: pd-profile-handler, parameters: {deciders: {prefill: mine}}}]}`,
			[]string{"pd-profile-handler: replaced with disagg-profile-handler, which consults mine"},
		},
		"an alias that works stays": {
			"v0.10.0",
			`{plugins: [{type: prefix-based-pd-decider}, {type: prefill-header-handler},
				{type: pd-profile-handler, parameters: {deciderPluginName: prefix-based-pd-decider}}]}`,
			"", nil,
		},
		"flat parameters are nested where the release requires it": {
			"v0.11.0",
			`{plugins: [{type: prefix-based-pd-decider}, {type: disagg-headers-handler}, {type: disagg-profile-handler, parameters:
				{deciderPluginName: prefix-based-pd-decider, decodeProfile: d}}]}`,
			`{plugins: [{type: prefix-based-pd-decider}, {type: disagg-profile-handler, parameters:
				{deciders: {prefill: prefix-based-pd-decider}, profiles: {decode: d}}}]}`,
			[]string{
				"disagg-profile-handler: grouped its parameters by stage",
				"disagg-headers-handler: removed, since disagg-profile-handler does the same",
			},
		},
		"blocks in tokens": {
			"v0.7.0",
			`{plugins: [{type: prefix-cache-scorer, parameters: {blockSize: 64, autoTune: false}}]}`,
			`{plugins: [{type: prefix-cache-scorer, parameters: {blockSizeTokens: 16, autoTune: false}}]}`,
			[]string{"prefix-cache-scorer: replaced blockSize: 64 (characters) with blockSizeTokens: 16"},
		},
		"tokens take precedence over characters": {
			"v0.6.0",
			`{plugins: [{type: prefix-cache-scorer, parameters: {blockSize: 64, blockSizeTokens: 8}}]}`,
			`{plugins: [{type: prefix-cache-scorer, parameters: {blockSizeTokens: 8}}]}`,
			[]string{"prefix-cache-scorer: removed blockSize, which has no effect next to blockSizeTokens"},
		},
		"a producer that was not needed before": {
			"v0.8.0",
			`{plugins: [{type: prefix-cache-scorer, name: prefix}]}`,
			`{plugins: [{type: approx-prefix-cache-producer}, {type: prefix-cache-scorer, name: prefix}]}`,
			[]string{"prefix-cache-scorer: added approx-prefix-cache-producer, which it depends on"},
		},
		"a producer that the EPP adds itself": {
			"v0.9.0", `{plugins: [{type: prefix-cache-scorer}]}`, "", nil,
		},
		"a producer's parameters": {
			"v0.9.0",
			`{plugins: [{type: prefix-cache-scorer, parameters: {blockSize: 5, lruCapacityPerServer: 9, mine: 1}}]}`,
			`{plugins: [{type: approx-prefix-cache-producer, parameters: {blockSizeTokens: 64, lruCapacityPerServer: 9}},
				{type: prefix-cache-scorer, parameters: {mine: 1}}]}`,
			[]string{
				"prefix-cache-scorer: replaced blockSize: 5 (characters) with blockSizeTokens: 64",
				"prefix-cache-scorer: moved blockSizeTokens, lruCapacityPerServer to approx-prefix-cache-producer",
			},
		},
		"a newer API version": {
			"v0.9.0", `{apiVersion: inference.networking.x-k8s.io/v1alpha1}`, `{apiVersion: llm-d.ai/v1alpha1}`,
			[]string{"apiVersion: replaced inference.networking.x-k8s.io/v1alpha1 with llm-d.ai/v1alpha1"},
		},
		"an API version of later releases stays": {
			"v0.4.0", `{apiVersion: llm-d.ai/v1alpha1}`, "", nil,
		},
		"feature gates that are always on": {
			"v0.10.0", `{featureGates: [dataLayer, flowControl, prepareDataPlugins]}`, `{featureGates: [flowControl]}`,
			[]string{
				"featureGates: removed dataLayer, which is no longer a feature gate",
				"featureGates: removed prepareDataPlugins, which is no longer a feature gate",
			},
		},
		"renamed and moved sections": {
			"v0.11.0",
			`{data: {sources: []}, parser: {pluginRef: p}, saturationDetector: {queueDepthThreshold: 9}, flowControl: {maxBytes: 1}}`,
			`{dataLayer: {sources: []}, requestHandler: {parsers: [{pluginRef: p}]},
				flowControl: {maxBytes: 1, saturationDetector: {pluginRef: utilization-detector}},
				plugins: [{type: utilization-detector, parameters: {queueDepthThreshold: 9}}]}`,
			[]string{
				"data: renamed to dataLayer",
				"saturationDetector: moved the thresholds to the plugin utilization-detector",
				"saturationDetector: moved to flowControl.saturationDetector",
				"parser: moved to requestHandler.parsers",
			},
		},
		"renamed plugins keep the names that others refer to": {
			"v0.11.0",
			`{plugins: [{type: by-label-selector, parameters: {matchLabels: {a: b}}}, {type: tokenizer, name: t},
				{type: by-label, parameters: {label: l, validValues: [v]}}]}`,
			`{plugins: [{type: label-selector-filter, name: by-label-selector, parameters: {matchLabels: {a: b}}},
				{type: token-producer, name: t},
				{type: label-selector-filter, name: by-label, parameters: {matchExpressions: [{key: l, operator: In, values: [v]}]}}]}`,
			[]string{
				"by-label-selector: renamed to label-selector-filter",
				"tokenizer: renamed to token-producer",
				"by-label: replaced with label-selector-filter and an expression for l",
			},
		},
		"settings without an equivalent stay": {
			"v0.11.0",
			`{plugins: [{type: by-label, parameters: {label: l, validValues: [v], allowsNoLabel: true}},
				{type: precise-prefix-cache-scorer}, 5]}`,
			"", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, changes := Migrate(parse(t, test.from), eppOf(t, test.version))
			require.Equal(t, test.changes, changes)
			if test.to == "" {
				test.to = test.from
			}
			want, err := newDocument(parse(t, test.to), eppOf(t, test.version).Config)
			require.NoError(t, err)
			have, err := newDocument(got, eppOf(t, test.version).Config)
			require.NoError(t, err)
			require.Equal(t, want.config(), have.config())
		})
	}
}
