package release

import "slices"

// Config describes the EndpointPickerConfig that a release of the EPP reads.
type Config struct {
	// APIVersions are those that the EPP decodes, the preferred one first.
	APIVersions []string
	// Fields are the known top-level fields. Others make the EPP exit.
	Fields []string
	// FeatureGates are the known ones. Others make the EPP exit.
	FeatureGates []string

	// StrictParameters says that an unknown parameter of a plugin makes the EPP exit.
	// Otherwise it has no effect.
	StrictParameters bool
	// WeightsRequired says that a scorer without a weight can make the EPP panic.
	WeightsRequired bool
	// IntegerWeights says that a weight is a whole number.
	IntegerWeights bool
	// ReferredFirst says that a plugin must come after those that its parameters name.
	ReferredFirst bool

	// PrefixCache describes the affinity of prompts that share a prefix.
	PrefixCache PrefixCache
	// Disaggregation describes prefill and decode on separate pods.
	Disaggregation Disaggregation
	// FlowControl describes the queues that hold requests while all pods are busy.
	FlowControl FlowControl

	// Plugins are the known types.
	Plugins map[string]Plugin

	// RetiredGates are feature gates of older releases whose feature is now always on or has
	// been removed.
	RetiredGates []string
	// Renamed maps types of older releases to those that take the same parameters now.
	Renamed map[string]string
	// Gone maps types of older releases that have no one-to-one replacement to what to write
	// instead.
	Gone map[string]string
}

// PrefixCache says how an EPP learns which pod has seen the beginning of a prompt.
type PrefixCache struct {
	// InCharacters says that the block size is blockSize, in characters. Otherwise it is
	// blockSizeTokens, in tokens.
	InCharacters bool
	// Producer is the type of the plugin that takes the parameters and informs the scorer.
	// Empty: the scorer itself does.
	Producer string
	// ProducerByDefault says that the EPP adds a producer if none is configured.
	ProducerByDefault bool
	// MinBlockTokens is the smallest block that is allowed. 0: any.
	MinBlockTokens int
	// Precise says that the EPP can learn from the pods' KV events what their caches hold, with
	// tokens that a pod makes of a prompt.
	Precise bool
}

// Decider is how an EPP decides whether a prefill pod processes the prompt first.
type Decider int

// The ways to configure it.
const (
	// ByThreshold: the profile handler's threshold, in characters that are not cached.
	ByThreshold Decider = iota
	// ByPlugin: the handler's deciderPluginName names a plugin.
	ByPlugin
	// ByStage: the handler's deciders.prefill names a plugin.
	ByStage
)

// Disaggregation says how to configure prefill and decode on separate pods.
type Disaggregation struct {
	// Handler is the type of the profile handler.
	Handler string
	// Decider is how the handler decides.
	Decider Decider
	// HeaderHandler is the type of the plugin that passes the prefill pod on to the sidecar.
	// Empty: the profile handler does.
	HeaderHandler string
	// FeatureGate must be set for a decider that looks at the cache. Empty: none.
	FeatureGate string
}

// FlowControl says how to configure the queues, one for each priority.
type FlowControl struct {
	// FeatureGate turns them on. Empty: they cannot be configured.
	FeatureGate string
	// Detector is the type of the plugin that decides whether the pods are busy. Empty: its
	// parameters are those of the section saturationDetector.
	Detector string
	// CountsRequests says that the detector counts the requests that the EPP has sent to the pods.
	// Otherwise it reads how many wait there, from the pods' metrics.
	CountsRequests bool
	// DetectorInside says that the section flowControl names the plugin, rather than the section
	// saturationDetector.
	DetectorInside bool
}

const (
	apiVersionExtension = groupExtension + "/v1alpha1"
	apiVersionLLMD      = groupLLMD + "/v1alpha1"
)

func (c *Config) v04() {
	c.APIVersions = []string{apiVersionExtension}
	c.Fields = []string{"apiVersion", "kind", "plugins", "schedulingProfiles", "featureGates", "saturationDetector"}
	c.FeatureGates = []string{"dataLayer", "flowControl"}
	c.WeightsRequired = true
	c.IntegerWeights = true
	c.PrefixCache = PrefixCache{InCharacters: true}
	c.Disaggregation = Disaggregation{Handler: "pd-profile-handler", HeaderHandler: "prefill-header-handler"}
	c.Plugins, c.Renamed, c.Gone = map[string]Plugin{}, map[string]string{}, map[string]string{}
	c.pluginsV04()
}

func (c *Config) v05() {
	c.Fields = append(c.Fields, "data")
	c.FeatureGates = append(c.FeatureGates, "prepareDataPlugins")
	c.WeightsRequired = false
	c.pluginsV05()
}

func (c *Config) v06() {
	c.Fields = append(c.Fields, "flowControl")
	c.IntegerWeights = false
	c.ReferredFirst = true
	c.PrefixCache.InCharacters = false
	c.Disaggregation.Decider = ByPlugin
	c.Disaggregation.FeatureGate = "prepareDataPlugins"
	c.pluginsV06()
}

func (c *Config) v07() {
	c.Disaggregation.Handler = "disagg-profile-handler"
	c.Disaggregation.Decider = ByStage
	c.Disaggregation.HeaderHandler = "disagg-headers-handler"
	c.FlowControl.FeatureGate = "flowControl"
	c.pluginsV07()
}

func (c *Config) v08() {
	c.Fields = append(without(c.Fields, "data"), "dataLayer", "parser")
	c.retire("prepareDataPlugins")
	c.FeatureGates = append(c.FeatureGates, "enableLegacyMetrics")
	c.PrefixCache.Producer = "approx-prefix-cache-producer"
	c.Disaggregation.FeatureGate = ""
	c.FlowControl.Detector = "utilization-detector"
	c.pluginsV08()
}

func (c *Config) v09() {
	c.APIVersions = []string{apiVersionLLMD, apiVersionExtension}
	c.Fields = append(c.Fields, "requestHandler")
	c.retire("enableLegacyMetrics")
	c.StrictParameters = true
	c.PrefixCache.ProducerByDefault = true
	c.PrefixCache.MinBlockTokens = 64
	c.PrefixCache.Precise = true
	c.Disaggregation.HeaderHandler = ""
	c.FlowControl.Detector, c.FlowControl.CountsRequests = "concurrency-detector", true
	c.FlowControl.DetectorInside = true
	c.pluginsV09()
}

func (c *Config) v010() {
	c.retire("dataLayer")
	c.FeatureGates = append(c.FeatureGates, "haPopulateNonLeaderDatastore")
	c.ReferredFirst = false
	c.pluginsV010()
}

func (c *Config) v011() {
	c.Fields = append(without(c.Fields, "parser", "saturationDetector"), "discovery")
	c.pluginsV011()
}

func (c *Config) retire(gate string) {
	c.FeatureGates = without(c.FeatureGates, gate)
	c.RetiredGates = append(c.RetiredGates, gate)
}

// without returns a copy of the names that leaves some of them out.
func without(names []string, gone ...string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(gone, name) })
}
