package config

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNullIsNotSet(t *testing.T) {
	t.Parallel()
	// Pulumi delivers YAML's ~ and an empty value as null, at the top level as text.
	s, err := load(map[string]string{
		"name": "null", "replicas": "null", "createNamespace": "null", "readyTimeout": "null", "imagePullSecrets": "null",
		"resources": `{"requests":null,"limits":{"cpu":null,"memory":"1Gi"}}`,
		"decode":    `{"enabled":null,"replicas":null,"args":null,"resources":null,"image":null}`,
		"simulator": `{"seed":null,"timeToFirstToken":null}`, "loadBalancing": `{"connectionPool":null}`,
		"epp": `{"pluginsConfig":null}`, "prefill": "null",
	})
	require.NoError(t, err)
	want := Default()
	require.Equal(t, "1Gi", s.Resources.Limits.Memory().String())
	require.Len(t, s.Resources.Limits, 1)
	s.Resources = want.Resources
	require.Equal(t, want, *s)
}

const document = `
apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: random-picker
  parameters: {count: 2, ratio: 0.5}
`

func TestPluginsConfigMayBeText(t *testing.T) {
	t.Parallel()
	want, err := load(map[string]string{
		"epp": `{"pluginsConfig":{"apiVersion":"inference.networking.x-k8s.io/v1alpha1","kind":"EndpointPickerConfig","plugins":[{"type":"random-picker","parameters":{"count":2,"ratio":0.5}}]},"pluginsConfigCheck":false}`,
	})
	require.NoError(t, err)
	text, err := json.Marshal(map[string]any{"pluginsConfig": document, "pluginsConfigCheck": false})
	require.NoError(t, err)
	got, err := load(map[string]string{"epp": string(text)})
	require.NoError(t, err)
	require.Equal(t, want.EPP.PluginsConfig, got.EPP.PluginsConfig)
}

func TestBadPluginsConfigTextIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, path, message string }{
		"key twice":     {"kind: A\nplugins: []\nkind: B\n", "epp.pluginsConfig", "line 3"},
		"not YAML":      {"kind: [", "epp.pluginsConfig", "line 1"},
		"empty":         {"", "epp.pluginsConfig", "must be an object"},
		"not an object": {"- a", "epp.pluginsConfig", "must be an object"},
		"wrong value":   {"kind: Other", "epp.pluginsConfig.kind", "EndpointPickerConfig"},
	} {
		_, err := load(nested(t, []string{"epp", "pluginsConfig"}, test.text))
		all := new(Error)
		require.ErrorAs(t, err, &all, name)
		require.ErrorContains(t, err, test.path+" = ", name)
		require.ErrorContains(t, err, test.message, name)
		for _, p := range all.Problems {
			require.Equal(t, "pluginsConfig", p.Fix[len("pulumi config rm --path epp."):], name)
		}
	}
}

func TestUnknownKeysSuggestNearestKey(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ key, value, detail, fix string }{
		{"imagePullSecret", "regcred", "did you mean imagePullSecrets?", "pulumi config rm imagePullSecret"},
		{"imagePullSecret", `["regcred"]`, "did you mean imagePullSecrets?", "pulumi config set --path 'imagePullSecrets[0]' regcred && pulumi config rm imagePullSecret"},
		{"simulator", `{"timeToFirsToken":"100ms"}`, "did you mean simulator.timeToFirstToken?", "pulumi config set --path simulator.timeToFirstToken 100ms && pulumi config rm --path simulator.timeToFirsToken"},
		{"simulator", `{"interTokenLatncy":"10ms"}`, "did you mean simulator.interTokenLatency?", "pulumi config set --path simulator.interTokenLatency 10ms && pulumi config rm --path simulator.interTokenLatncy"},
		{"schedulerNamespace", "x", "is not a known key: the keys here are", "pulumi config rm schedulerNamespace"},
		{"nmae", "x", "did you mean name?", "pulumi config set name x && pulumi config rm nmae"},
		{"decode.args[0]", "--x", "without --path", "pulumi config set --path 'decode.args[0]' -- --x && pulumi config rm 'decode.args[0]'"},
	} {
		_, err := load(map[string]string{test.key: test.value})
		all := new(Error)
		require.ErrorAs(t, err, &all, test.value)
		require.NotEqual(t, notShown, all.Problems[0].Value, test.value)
		require.Contains(t, all.Problems[0].Detail, test.detail, test.value)
		require.Equal(t, test.fix, all.Problems[0].Fix, test.value)
	}
	for _, values := range []map[string]string{{"epp.apiKey": "hush"}, {"apiToken": "hush"}, {"epp": `{"clientSecret":"hush"}`}} {
		_, err := load(values)
		require.ErrorContains(t, err, notShown)
		require.NotContains(t, err.Error(), "hush")
	}
}
