package endpointpicker

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func eppOf(t *testing.T, version string) release.EPP {
	t.Helper()
	epp, err := release.EPPOf("epp:"+version, "")
	require.NoError(t, err)
	return epp
}

// queues are those of two objectives, one of which has a limit.
var queues = &FlowControl{Queues: map[int]int64{10: 0, -10: 65536}, MaxConcurrency: 8, Fairness: true}

// rendered returns everything that is rendered for a release, by file name.
func rendered(t *testing.T, epp release.EPP) map[string]string {
	t.Helper()
	files := map[string]string{}
	pool := Options{Release: epp, KVCacheMetric: "vllm:kv_cache_usage_perc", PoolName: "gaie-sim"}
	leader := pool
	leader.LeaderElection = true
	label := pool
	label.PoolName, label.PodLabels, label.TargetPort = "", llmd.ServingSelector(""), 8200
	for name, options := range map[string]Options{"label": label, "pool": pool, "pool-leader": leader} {
		if options.PoolName == "" && !epp.ByLabel {
			continue
		}
		files[name+".args"] = strings.Join(Args(options), "\n") + "\n"
		rules, err := yaml.Marshal(Rules(options))
		require.NoError(t, err)
		files[name+".rules.yaml"] = string(rules)
	}
	for name, prefill := range map[string]bool{"decode-only": false, "prefill-decode": true} {
		config, err := PluginsConfig(Config{Release: epp, PrefillDecode: prefill})
		require.NoError(t, err)
		files[name+".yaml"] = config
	}
	if epp.Config.PrefixCache.Precise {
		for name, prefill := range map[string]bool{"precise-decode-only": false, "precise-prefill-decode": true} {
			config, err := PluginsConfig(Config{Release: epp, PrefillDecode: prefill, Precise: &Precise{
				Model: "m", Tokenizer: "http://decode:8200", BlockTokens: 16,
			}})
			require.NoError(t, err)
			files[name+".yaml"] = config
		}
	}
	if epp.Config.FlowControl.FeatureGate != "" {
		config, err := PluginsConfig(Config{Release: epp, PrefillDecode: true, FlowControl: queues})
		require.NoError(t, err)
		files["flow-control.yaml"] = config
	}
	return files
}

func TestRenderedReleasesMatchGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, version := range release.EPPVersions() {
		dir := filepath.Join("testdata", version)
		got := rendered(t, eppOf(t, version))
		if *update {
			require.NoError(t, os.RemoveAll(dir))
			require.NoError(t, os.MkdirAll(dir, 0o755))
			for name, content := range got {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
			}
		}
		files, err := os.ReadDir(dir)
		require.NoError(t, err)
		want := map[string]string{}
		for _, f := range files {
			content, err := os.ReadFile(filepath.Join(dir, f.Name()))
			require.NoError(t, err)
			want[f.Name()] = string(content)
		}
		require.Equal(t, want, got, "%s: rewrite with: go test ./components/endpointpicker -update", version)
	}
}

func TestFlagsUseEqualsSign(t *testing.T) {
	t.Parallel()
	for _, version := range release.EPPVersions() {
		for name, content := range rendered(t, eppOf(t, version)) {
			if filepath.Ext(name) != ".args" {
				continue
			}
			for arg := range strings.Lines(content) {
				require.Regexp(t, `^--[a-z-]+=\S+\n$`, arg, "%s: with a space, a boolean drops all flags after it", version)
				flag, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
				require.NotContains(t, eppOf(t, version).RefusedFlags, flag)
			}
		}
	}
}

func TestUserArgsComeLast(t *testing.T) {
	t.Parallel()
	args := Args(Options{Release: eppOf(t, "v0.4.0"), TargetPort: 8200, LeaderElection: true, Args: []string{"--v=5"}})
	require.Equal(t, "--v=5", args[len(args)-1])
}

// generated returns the configuration for a release, as a user would write it.
func generated(t *testing.T, epp release.EPP, prefill bool) map[string]any {
	t.Helper()
	raw, err := PluginsConfig(Config{Release: epp, PrefillDecode: prefill})
	require.NoError(t, err)
	return parse(t, raw)
}

func parse(t *testing.T, raw string) map[string]any {
	t.Helper()
	var config map[string]any
	require.NoError(t, yaml.UnmarshalStrict([]byte(raw), &config))
	return config
}

func TestReleasesAcceptTheirGeneratedConfig(t *testing.T) {
	t.Parallel()
	for _, version := range release.EPPVersions() {
		for _, prefill := range []bool{false, true} {
			epp := eppOf(t, version)
			config := generated(t, epp, prefill)
			require.Empty(t, Check(config, epp, CheckOptions{PrefillStage: prefill}), "%s, prefill %t", version, prefill)
			same, changes := Migrate(config, epp)
			require.Empty(t, changes, "%s, prefill %t", version, prefill)
			require.Equal(t, config, same)
			if epp.Config.FlowControl.FeatureGate == "" {
				continue
			}
			raw, err := PluginsConfig(Config{Release: epp, PrefillDecode: prefill, FlowControl: queues})
			require.NoError(t, err)
			require.Empty(t, Check(parse(t, raw), epp, CheckOptions{PrefillStage: prefill}), "%s, queues, prefill %t", version, prefill)
		}
	}
}

func TestReleasesAcceptMigratedOlderConfig(t *testing.T) {
	t.Parallel()
	versions := release.EPPVersions()
	for i, older := range versions {
		for _, newer := range versions[i+1:] {
			for _, prefill := range []bool{false, true} {
				epp := eppOf(t, newer)
				config := generated(t, eppOf(t, older), prefill)
				require.Empty(t, Check(config, epp, CheckOptions{PrefillStage: prefill}), "%s for %s", older, newer)
				migrated, _ := Migrate(config, epp)
				_, again := Migrate(migrated, epp)
				require.Empty(t, again, "%s for %s: migrating twice", older, newer)
				require.Equal(t, generated(t, eppOf(t, older), prefill), config, "the user's own configuration does not change")
			}
		}
	}
}

func TestOlderReleasesRejectNewerConfig(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, Check(generated(t, eppOf(t, "v0.10.0"), true), eppOf(t, "v0.4.0"), CheckOptions{PrefillStage: true}))
	require.NotEmpty(t, Check(generated(t, eppOf(t, "v0.7.0"), true), eppOf(t, "v0.5.0"), CheckOptions{PrefillStage: true}))
}

func TestOverrideIsRenderedUnchanged(t *testing.T) {
	t.Parallel()
	got, err := Override(map[string]any{"kind": "EndpointPickerConfig", "plugins": []any{map[string]any{"type": "x"}}})
	require.NoError(t, err)
	require.Equal(t, "kind: EndpointPickerConfig\nplugins:\n- type: x\n", got)
}
