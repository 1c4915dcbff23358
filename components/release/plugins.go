package release

import (
	"maps"
	"slices"
)

// Plugin describes a type of plugin of an EPP.
type Plugin struct {
	// Kind is what the plugin does in a scheduling profile, or for one.
	Kind Kind
	// Parameters are the names of its parameters.
	Parameters []string
	// AnyParameters says that the parameters are unknown here, so any are accepted.
	AnyParameters bool
}

// Kind is what a plugin does; some do several things.
type Kind int

// Kinds that matter to a configuration. All others are 0.
const (
	// Filter drops pods.
	Filter Kind = 1 << iota
	// Scorer rates pods, and has a weight in a scheduling profile.
	Scorer
	// Picker chooses among the rated pods.
	Picker
	// Handler runs the scheduling profiles.
	Handler
	// DeciderPlugin decides whether a prefill pod processes the prompt first.
	DeciderPlugin
)

// Is reports whether a plugin is of a kind.
func (p Plugin) Is(kind Kind) bool { return p.Kind&kind != 0 }

// Types returns the known types of plugins, sorted.
func (c Config) Types() []string { return slices.Sorted(maps.Keys(c.Plugins)) }

// add adds types without parameters, replacing earlier definitions.
func (c *Config) add(kind Kind, types ...string) {
	for _, t := range types {
		c.Plugins[t] = Plugin{Kind: kind}
	}
}

// addOpaque adds types whose parameters are unknown here.
func (c *Config) addOpaque(kind Kind, types ...string) {
	for _, t := range types {
		c.Plugins[t] = Plugin{Kind: kind, AnyParameters: true}
	}
}

// with adds parameters to a type.
func (c *Config) with(plugin string, parameters ...string) {
	p := c.Plugins[plugin]
	p.Parameters = append(slices.Clone(p.Parameters), parameters...)
	c.Plugins[plugin] = p
}

// drop removes parameters of a type.
func (c *Config) drop(plugin string, parameters ...string) {
	p := c.Plugins[plugin]
	p.Parameters = without(p.Parameters, parameters...)
	c.Plugins[plugin] = p
}

// remove removes a type, with what to write instead.
func (c *Config) remove(plugin, instead string) {
	delete(c.Plugins, plugin)
	c.Gone[plugin] = instead
}

// rename removes a type in favor of another with the same parameters.
func (c *Config) rename(plugin, to string) {
	delete(c.Plugins, plugin)
	c.Renamed[plugin] = to
}

func (c *Config) pluginsV04() {
	c.add(Filter, "by-label", "by-label-selector", "decode-filter", "prefill-filter", "header-based-testing-filter")
	c.with("by-label", "label", "validValues", "allowsNoLabel")
	c.with("by-label-selector", "matchLabels", "matchExpressions")
	c.add(Scorer,
		"queue-scorer", "kv-cache-utilization-scorer", "lora-affinity-scorer", "prefix-cache-scorer",
		"precise-prefix-cache-scorer", "load-aware-scorer", "session-affinity-scorer", "active-request-scorer",
		"no-hit-lru-scorer")
	c.with("prefix-cache-scorer", "autoTune", "blockSize", "maxPrefixBlocksToMatch", "lruCapacityPerServer")
	c.with("precise-prefix-cache-scorer", "indexerConfig", "kvEventsConfig")
	c.with("load-aware-scorer", "threshold")
	c.with("active-request-scorer", "requestTimeout")
	c.with("no-hit-lru-scorer", "prefixPluginName", "lruSize")
	c.add(Picker, "max-score-picker", "random-picker", "weighted-random-picker")
	for _, picker := range []string{"max-score-picker", "random-picker", "weighted-random-picker"} {
		c.with(picker, "maxNumOfEndpoints")
	}
	c.add(Handler, "single-profile-handler", "pd-profile-handler", "data-parallel-profile-handler")
	c.with("pd-profile-handler",
		"threshold", "decodeProfile", "prefillProfile", "prefixPluginName", "hashBlockSize", "primaryPort")
	c.with("data-parallel-profile-handler", "primaryPort")
	c.add(0, "prefill-header-handler", "destination-endpoint-served-verifier")
	c.with("prefill-header-handler", "prefillProfile")
}

func (c *Config) pluginsV05() {
	c.add(Scorer, "running-requests-size-scorer")
	c.addOpaque(Scorer, "predicted-latency-scorer")
	c.addOpaque(0, "metrics-data-source")
	c.add(0, "model-server-protocol-metrics")
	c.with("model-server-protocol-metrics",
		"queuedRequestsSpec", "runningRequestsSpec", "kvUsageSpec", "loraSpec", "cacheInfoSpec")
	c.with("pd-profile-handler", "prefixPluginType")
	c.with("no-hit-lru-scorer", "prefixPluginType")
	c.with("precise-prefix-cache-scorer", "tokenProcessorConfig")
}

func (c *Config) pluginsV06() {
	// On its own, blockSize makes the EPP exit; with blockSizeTokens, it has no effect.
	c.drop("prefix-cache-scorer", "blockSize")
	c.with("prefix-cache-scorer", "blockSizeTokens")
	c.drop("pd-profile-handler", "threshold", "hashBlockSize")
	c.with("pd-profile-handler", "deciderPluginName")
	c.add(DeciderPlugin, "prefix-based-pd-decider", "always-disagg-pd-decider")
	c.with("prefix-based-pd-decider", "nonCachedTokens")
	c.addOpaque(0, "models-data-source", "model-server-protocol-models")
}

func (c *Config) pluginsV07() {
	c.add(Filter, "encode-filter")
	c.add(Filter|Scorer, "context-length-aware")
	c.with("context-length-aware", "label", "enableFiltering")
	c.with("active-request-scorer", "idleThreshold", "maxBusyScore")
	c.with("precise-prefix-cache-scorer", "speculativeIndexing", "speculativeTTL")
	c.add(Handler, "disagg-profile-handler")
	c.with("disagg-profile-handler", "profiles", "deciders",
		"decodeProfile", "prefillProfile", "encodeProfile",
		"deciderPluginName", "prefillDeciderPluginName", "encodeDeciderPluginName")
	c.add(DeciderPlugin, "always-disagg-multimodal-decider")
	c.add(0, "model-server-protocol-metrics")
	c.with("model-server-protocol-metrics", "engineLabelKey", "defaultEngine", "engineConfigs")
	c.add(0, "disagg-headers-handler")
	c.with("disagg-headers-handler", "prefillProfile", "encodeProfile")
	c.with("prefill-header-handler", "encodeProfile")
	c.addOpaque(0, "tokenizer", "request-attribute-reporter", "k8s-notification-source",
		"global-strict-fairness-policy", "round-robin-fairness-policy", "fcfs-ordering-policy", "edf-ordering-policy")
}

func (c *Config) pluginsV08() {
	c.add(Scorer, "prefix-cache-scorer", "token-load-scorer")
	c.with("token-load-scorer", "queueThresholdTokens")
	c.addOpaque(Scorer, "latency-scorer")
	c.addOpaque(Filter, "prefix-cache-affinity-filter", "slo-headroom-tier-filter")
	c.add(0, "approx-prefix-cache-producer")
	c.with("approx-prefix-cache-producer",
		"autoTune", "blockSizeTokens", "maxPrefixBlocksToMatch", "maxPrefixTokensToMatch", "lruCapacityPerServer")
	c.rename("model-server-protocol-metrics", "core-metrics-extractor")
	c.add(0, "core-metrics-extractor")
	c.with("core-metrics-extractor", "engineLabelKey", "defaultEngine", "engineConfigs")
	c.addOpaque(0, "endpoint-notification-source",
		"predicted-latency-producer", "inflight-load-producer", "latency-slo-admitter",
		"slo-deadline-ordering-policy", "static-usage-limit-policy",
		"openai-parser", "vllmgrpc-parser", "passthrough-parser")
	c.addOpaque(Filter, "concurrency-detector")
	c.add(Filter, "utilization-detector")
	c.with("utilization-detector",
		"queueDepthThreshold", "kvCacheUtilThreshold", "metricsStalenessThreshold", "headroom")
}

func (c *Config) pluginsV09() {
	c.add(Filter, "label-selector-filter", "session-affinity-filter")
	c.with("label-selector-filter", "matchLabels", "matchExpressions")
	c.with("session-affinity-filter", "headerName", "profileName")
	c.with("session-affinity-scorer", "headerName", "profileName")
	c.rename("model-server-protocol-models", "models-data-extractor")
	c.remove("predicted-latency-scorer", "latency-scorer, and predicted-latency-producer among the plugins")
	c.add(Scorer, "mm-embeddings-cache-scorer")
	c.with("mm-embeddings-cache-scorer", "producerName")
	c.with("prefix-cache-scorer", "prefixMatchInfoProducerName")
	c.with("no-hit-lru-scorer", "prefixMatchInfoProducerName")
	c.with("pd-profile-handler", "prefixMatchInfoProducerName")
	c.with("active-request-scorer", "inFlightLoadProducerName")
	c.with("token-load-scorer", "inFlightLoadProducerName")
	// Deprecated: read as blockSizeTokens.
	c.with("approx-prefix-cache-producer", "blockSize")
	c.add(0, "precise-prefix-cache-producer")
	c.with("precise-prefix-cache-producer",
		"tokenProcessorConfig", "indexerConfig", "kvEventsConfig", "speculativeIndexing", "speculativeTTL")
	c.addOpaque(0, "models-data-extractor", "token-producer", "mm-embeddings-cache-producer", "session-id-producer",
		"probabilistic-admitter", "program-aware-fairness", "agent-identity", "file-discovery",
		"anthropic-parser", "vllmhttp-parser", "vertexai-parser")
}

func (c *Config) pluginsV010() {
	c.with("prefix-cache-scorer", "matchLengthWeight", "matchLengthScaleTokens")
	c.with("prefix-based-pd-decider", "promptTokens")
	c.with("disagg-profile-handler", "stageOrder")
	for _, affinity := range []string{"session-affinity-filter", "session-affinity-scorer"} {
		c.drop(affinity, "headerName")
		c.with(affinity, "strategy", "encodedEndpointHeaderConfig", "sessionIdConfig")
	}
	c.addOpaque(Filter, "endpoint-attribute-filter", "topology-affinity-filter", "utilization-filter",
		"multicluster-session-affinity-filter")
	c.addOpaque(Scorer, "endpoint-attribute-scorer", "header-label-affinity-scorer", "topology-affinity-scorer",
		"multicluster-prefix-cache-scorer", "multicluster-queue-scorer", "multicluster-kv-cache-utilization-scorer")
	c.addOpaque(Handler, "header-profile-handler")
	c.addOpaque(0, "burst-prefix-cache-producer", "p2p-source-producer", "multicluster-approx-prefix-cache-producer",
		"disaggregatedset-rollout-screener", "dcgm-data-source", "dcgm-extractor", "topology-extractor",
		"multicluster-file-discovery", "multicluster-metrics-data-source", "multicluster-metrics-extractor",
		"sheddable-eviction-filter", "priority-then-time-eviction-order-policy", "priority-holdback-policy",
		"soft-reflective-ceiling-policy")
}

func (c *Config) pluginsV011() {
	c.rename("by-label-selector", "label-selector-filter")
	c.rename("tokenizer", "token-producer")
	c.remove("by-label", "label-selector-filter, or decode-filter or prefill-filter to choose by role")
	c.remove("pd-profile-handler", "disagg-profile-handler with deciders.prefill")
	c.remove("prefill-header-handler", "disagg-profile-handler, which does the same")
	c.remove("disagg-headers-handler", "disagg-profile-handler, which does the same")
	c.remove("precise-prefix-cache-scorer", "precise-prefix-cache-producer with these parameters, and prefix-cache-scorer "+
		"with prefixMatchInfoProducerName: precise-prefix-cache-producer")
	c.drop("disagg-profile-handler", "decodeProfile", "prefillProfile", "encodeProfile",
		"deciderPluginName", "prefillDeciderPluginName", "encodeDeciderPluginName")
	c.addOpaque(0, "sglanghttp-parser")
}
