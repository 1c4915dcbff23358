package release

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/version"
)

const digest = "@sha256:0123456789012345678901234567890123456789012345678901234567890123"

func TestTagDeterminesRelease(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ image, explicit, version string }{
		"upstream's image":            {"ghcr.io/llm-d/llm-d-inference-scheduler:v0.4.0", "", "v0.4.0"},
		"upstream's new image":        {"ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.9.1", "", "v0.9.1"},
		"another name":                {"epp:v0.7.1", "", "v0.7.1"},
		"without a v":                 {"epp:0.7.1", "", "v0.7.1"},
		"without a patch":             {"epp:v0.7", "", "v0.7"},
		"a pre-release":               {"epp:v0.10.0-rc.1", "", "v0.10.0"},
		"a patch of the newest":       {"epp:v0.11.9", "", "v0.11.9"},
		"a registry with a port":      {"example.com:5000/epp:v0.5.0", "", "v0.5.0"},
		"tag and digest":              {"epp:v0.5.0" + digest, "", "v0.5.0"},
		"a digest alone":              {"epp" + digest, "", "v0.11.0"},
		"a tag that is not a version": {"example.com:5000/epp:local", "", "v0.11.0"},
		"latest":                      {"epp:latest", "", "v0.11.0"},
		"a version and a tag":         {"epp:local", "v0.6.0", "v0.6.0"},
		"a version and another tag":   {"epp:v0.4.0", "0.6", "v0.6"},
		"a version and a digest":      {"epp" + digest, "v0.6.0", "v0.6.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := EPPOf(test.image, test.explicit)
			require.NoError(t, err)
			require.Equal(t, test.version, got.Version)
			require.Empty(t, got.Warning)
		})
	}
}

func TestUnknownNewerReleaseCountsAsNewestKnown(t *testing.T) {
	t.Parallel()
	newest, err := EPPOf("epp:v0.11.0", "")
	require.NoError(t, err)
	for _, image := range []string{"epp:v0.12.0", "epp:v1.0.0-rc.1"} {
		got, err := EPPOf(image, "")
		require.NoError(t, err)
		require.Contains(t, got.Warning, "is treated as v0.11.0", image)
		got.Release = newest.Release
		require.Equal(t, newest, got, image)
	}
}

func TestInvalidImagesAndVersionsAreRefused(t *testing.T) {
	t.Parallel()
	epp := func(image, version string) error { _, err := EPPOf(image, version); return err }
	sidecar := func(image, version string) error { _, err := SidecarOf(image, version); return err }
	simulator := func(image, version string) error { _, err := SimulatorOf(image, version); return err }
	for name, test := range map[string]struct {
		err    error
		detail string
	}{
		"an EPP too old":          {epp("epp:v0.3.2", ""), "is the EPP v0.3.2: must be v0.4.0 or newer"},
		"an explicit one too old": {epp("epp:v0.4.0", "v0.3"), "is the EPP v0.3: must be v0.4.0 or newer"},
		"a sidecar too old":       {sidecar("s:v0.3.0", ""), "is the routing sidecar v0.3.0: must be v0.4.0 or newer"},
		"a simulator too old":     {simulator("s:v0.6.0", ""), "is the simulator v0.6.0: must be v0.6.1 or newer"},
		"no tag":                  {epp("example.com:5000/epp", ""), "has no tag"},
		"an empty tag":            {epp("epp:", ""), "must be an image reference"},
		"an upper-case name":      {epp("EPP:v0.4.0", ""), "must be an image reference"},
		"not a version":           {epp("epp:v0.4.0", "latest"), "must be a version of the EPP from v0.4.0 to v0.11.0"},
		"a version of one number": {epp("epp:v0.4.0", "v0"), "must be a version"},
		"an empty image":          {epp("", ""), "must be an image reference"},
	} {
		require.ErrorContains(t, test.err, test.detail, name)
	}
}

func TestSimulators(t *testing.T) {
	t.Parallel()
	facts := Simulator{
		ReadyPath: "/v1/models", KVCacheMetric: "vllm:gpu_cache_usage_perc", MillisecondLatencies: true,
	}
	for _, change := range []struct {
		version string
		apply   func()
	}{
		{"v0.6.1", func() {}},
		{"v0.7.0", func() { facts.KVCacheMetric, facts.MillisecondLatencies = "vllm:kv_cache_usage_perc", false }},
		{"v0.8.9", func() {
			facts.PrefixHitsMetric, facts.PrefixQueriesMetric = "vllm:prefix_cache_hits", "vllm:prefix_cache_queries"
		}},
		{"v0.9.1", func() { facts.ReadyPath, facts.StartupDurationFlag = "/health/ready", true }},
		{"v0.9.2", func() { facts.DummyTokenizerFlag, facts.KVEvents = true, true }},
		{"v0.10.0", func() {}},
		{"v0.10.1", func() { facts.MaxRequestFlag = true }},
		{"v0.10.2", func() {}},
		{"v0.11.4", func() {
			facts.PrefixHitsMetric, facts.PrefixQueriesMetric = "vllm:prefix_cache_hits_total", "vllm:prefix_cache_queries_total"
		}},
	} {
		change.apply()
		facts.Version = change.version
		got, err := SimulatorOf("sim:"+change.version, "")
		require.NoError(t, err)
		require.Equal(t, facts, got)
	}
}

func TestSidecars(t *testing.T) {
	t.Parallel()
	for version, facts := range map[string]Sidecar{
		"v0.4.0":  {ModelServerPortFlag: "vllm-port", ConnectorFlag: "connector"},
		"v0.6.1":  {ModelServerPortFlag: "vllm-port", ConnectorFlag: "connector"},
		"v0.7.1":  {ModelServerPortFlag: "vllm-port", ConnectorFlag: "kv-connector"},
		"v0.9.0":  {ModelServerPortFlag: "vllm-port", ConnectorFlag: "kv-connector", TracingFlag: true},
		"v0.10.0": {ModelServerPortFlag: "model-server-port", ConnectorFlag: "kv-connector", TracingFlag: true},
	} {
		got, err := SidecarOf("sidecar:"+version, "")
		require.NoError(t, err)
		facts.Version = version
		require.Equal(t, facts, got)
	}
}

func TestEPPs(t *testing.T) {
	t.Parallel()
	type facts struct {
		ByLabel, ObjectiveRequired, KVCacheMetricFlag, PromptLists bool
		Groups, RefusedFlags                                       int
	}
	for version, want := range map[string]facts{
		"v0.4.0":  {ByLabel: true, ObjectiveRequired: true, KVCacheMetricFlag: true, Groups: 1},
		"v0.5.1":  {ByLabel: true, KVCacheMetricFlag: true, Groups: 1},
		"v0.6.1":  {ByLabel: true, KVCacheMetricFlag: true, Groups: 1},
		"v0.7.1":  {Groups: 1, RefusedFlags: 5},
		"v0.8.0":  {PromptLists: true, Groups: 1, RefusedFlags: 5},
		"v0.9.0":  {ByLabel: true, PromptLists: true, Groups: 2, RefusedFlags: 5},
		"v0.10.0": {ByLabel: true, PromptLists: true, Groups: 2, RefusedFlags: 9},
		"v0.11.0": {ByLabel: true, PromptLists: true, Groups: 2, RefusedFlags: 9},
	} {
		epp, err := EPPOf("epp:"+version, "")
		require.NoError(t, err)
		require.Equal(t, want, facts{
			epp.ByLabel, epp.ObjectiveRequired, epp.KVCacheMetricFlag, epp.PromptLists,
			len(epp.Watched), len(epp.RefusedFlags),
		}, version)
	}
}

func TestMetricsOfEPPs(t *testing.T) {
	t.Parallel()
	type names struct{ Requests, ReadyPods, Decisions string }
	for version, want := range map[string]names{
		"v0.4.0":  {"inference_objective_request_total", "inference_pool_ready_pods", "llm_d_inference_scheduler_pd_decision_total"},
		"v0.7.1":  {"inference_objective_request_total", "inference_pool_ready_pods", "llm_d_inference_scheduler_disagg_decision_total"},
		"v0.9.0":  {"llm_d_epp_request_total", "llm_d_epp_ready_endpoints", "llm_d_epp_disagg_decision_total"},
		"v0.11.0": {"llm_d_epp_request_total", "llm_d_epp_ready_endpoints", "llm_d_epp_disagg_decision_total"},
	} {
		epp, err := EPPOf("epp:"+version, "")
		require.NoError(t, err)
		require.Equal(t, want, names{epp.Metrics.Requests, epp.Metrics.ReadyPods, epp.Metrics.Decisions}, version)
	}
}

func TestReleasesDoNotShareFacts(t *testing.T) {
	t.Parallel()
	first, err := EPPOf("epp:v0.11.0", "")
	require.NoError(t, err)
	first.Config.Fields[0] = "changed"
	first.Config.Plugins["queue-scorer"] = Plugin{}
	second, err := EPPOf("epp:v0.11.0", "")
	require.NoError(t, err)
	require.Equal(t, "apiVersion", second.Config.Fields[0])
	require.True(t, second.Config.Plugins["queue-scorer"].Is(Scorer))
}

// TestReleaseTablesAreConsistent checks what a later row relies on: rows in order of
// release, and references to plugins that exist.
func TestReleaseTablesAreConsistent(t *testing.T) {
	t.Parallel()
	for _, versions := range [][]string{epps.versions(), sidecars.versions(), simulators.versions()} {
		require.True(t, slices.IsSortedFunc(versions, func(a, b string) int {
			order, err := version.MustParseGeneric(a).Compare(b)
			require.NoError(t, err)
			return order
		}), versions)
	}
	for _, v := range EPPVersions() {
		epp, err := EPPOf("epp:"+v, "")
		require.NoError(t, err)
		config := epp.Config
		require.True(t, config.Plugins[config.Disaggregation.Handler].Is(Handler), v)
		for _, kind := range []string{config.Disaggregation.HeaderHandler, config.PrefixCache.Producer} {
			if kind != "" {
				require.Contains(t, config.Plugins, kind, v)
			}
		}
		for from, to := range config.Renamed {
			require.NotContains(t, config.Plugins, from, v)
			require.Contains(t, config.Plugins, to, v)
		}
		for gone := range config.Gone {
			require.NotContains(t, config.Plugins, gone, v)
		}
		for name, plugin := range config.Plugins {
			require.Len(t, slices.Compact(slices.Sorted(slices.Values(plugin.Parameters))), len(plugin.Parameters), "%s has a parameter twice", name)
		}
	}
}
