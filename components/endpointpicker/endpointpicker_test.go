package endpointpicker

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

func TestArgs(t *testing.T) {
	t.Parallel()
	epp, err := release.EPPOf("epp:v0.4.0", "")
	require.NoError(t, err)
	byLabel := Args(Options{Release: epp, Verbosity: 1, KVCacheMetric: "m", TargetPort: 8200, Args: []string{"--x=y"}})
	require.Contains(t, byLabel, "--endpoint-selector=llm-d.ai/inferenceServing=true")
	require.Contains(t, byLabel, "--endpoint-target-ports=8200")
	require.NotContains(t, strings.Join(byLabel, " "), "--pool-name")
	require.NotContains(t, strings.Join(byLabel, " "), "--ha-enable-leader-election")
	require.Equal(t, "--x=y", byLabel[len(byLabel)-1])

	byPool := Args(Options{Release: epp, KVCacheMetric: "m", PoolName: "gaie-sim", LeaderElection: true})
	require.Contains(t, byPool, "--pool-name=gaie-sim")
	require.Contains(t, byPool, "--ha-enable-leader-election=true")
	require.NotContains(t, strings.Join(byPool, " "), "--endpoint-")

	for _, arg := range append(byLabel, byPool...) {
		require.Regexp(t, `^--[a-z-]+=\S+$`, arg, "with a space, a boolean drops all flags after it")
	}
}

func TestGeneratedConfigs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config   Config
		profiles []string
		handler  string
	}{
		"decode only":    {Config{}, []string{"default"}, "single-profile-handler"},
		"prefill/decode": {Config{PrefillDecode: true}, []string{"prefill", "decode"}, "pd-profile-handler"},
	} {
		raw, err := PluginsConfig(test.config)
		require.NoError(t, err)
		var config pickerConfig
		require.NoError(t, yaml.UnmarshalStrict([]byte(raw), &config), name)
		defined := map[string]bool{}
		for _, p := range config.Plugins {
			require.False(t, defined[p.Type], "%s: %s is defined twice", name, p.Type)
			defined[p.Type] = true
		}
		require.True(t, defined[test.handler], name)
		var profiles []string
		for _, p := range config.SchedulingProfiles {
			profiles = append(profiles, p.Name)
			for _, ref := range p.Plugins {
				require.True(t, defined[ref.Ref], "%s: %s is not defined", name, ref.Ref)
				require.Equal(t, strings.HasSuffix(ref.Ref, "-scorer"), ref.Weight > 0, "%s: scorers have weights", name)
			}
			require.Equal(t, "max-score-picker", p.Plugins[len(p.Plugins)-1].Ref, "%s: the picker is last", name)
		}
		require.Equal(t, test.profiles, profiles)
		require.Contains(t, raw, "blockSize: 5")
	}
}

func TestOverrideIsRenderedAsItIs(t *testing.T) {
	t.Parallel()
	got, err := Override(map[string]any{"kind": "EndpointPickerConfig", "plugins": []any{map[string]any{"type": "x"}}})
	require.NoError(t, err)
	require.Equal(t, "kind: EndpointPickerConfig\nplugins:\n- type: x\n", got)
}
