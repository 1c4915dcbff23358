package release

// EPP describes a release of llm-d's Endpoint Picker. The ports, the health service, the
// permission to read pods and the Lease of several replicas are the same for all releases.
type EPP struct {
	Release

	// KVCacheMetricFlag says that --kv-cache-usage-percentage-metric exists. Newer EPPs exit
	// on it and read the metric that simulators have had since v0.7.0.
	KVCacheMetricFlag bool
	// RefusedFlags maps flags of other releases that make this one exit to their replacements.
	RefusedFlags map[string]string

	// ByLabel says that the EPP can find its pods by label, without an InferencePool.
	ByLabel bool
	// ObjectiveRequired says that with an InferencePool the EPP exits if the cluster lacks the
	// CRD InferenceObjective.
	ObjectiveRequired bool
	// ObjectiveAPI is the API version of the InferenceObjectives that the EPP reads. It reads
	// others only if this one is not installed.
	ObjectiveAPI string
	// Watched are the kinds that the EPP watches besides InferencePools, with an InferencePool
	// and if their CRDs are installed. It exits if it lacks the permission.
	Watched []Resources

	// PromptLists says that the prompt of a completion may be a list of texts or of token IDs.
	// Other releases answer 400.
	PromptLists bool

	// Tracing says that the EPP continues the trace that a request's headers name. Older ones, if
	// they trace at all, begin another for each request.
	Tracing bool

	// Metrics are the names of the EPP's metrics.
	Metrics EPPMetrics

	// Config describes the EndpointPickerConfig.
	Config Config
}

// Resources are resources of one API group, as RBAC names them.
type Resources struct {
	Group string
	Names []string
}

const (
	groupExtension = "inference.networking.x-k8s.io"
	groupLLMD      = "llm-d.ai"
)

// metricFlags name the simulators' metrics.
var metricFlags = []string{
	"kv-cache-usage-percentage-metric", "total-queued-requests-metric", "total-running-requests-metric",
	"lora-info-metric", "cache-info-metric",
}

var epps = table[EPP]{
	program: "the EPP", newest: "v0.11.0",
	changes: []change[EPP]{
		{"v0.4.0", func(e *EPP) {
			e.KVCacheMetricFlag = true
			e.ByLabel = true
			e.ObjectiveRequired = true
			e.ObjectiveAPI = groupExtension + "/v1alpha2"
			e.Watched = []Resources{{groupExtension, []string{"inferenceobjectives"}}}
			e.Metrics = metricsOfExtension
			e.Config.v04()
		}},
		{"v0.5.0", func(e *EPP) {
			e.ObjectiveRequired = false
			e.Watched = []Resources{{groupExtension, []string{"inferenceobjectives", "inferencemodelrewrites"}}}
			e.Config.v05()
		}},
		{"v0.6.0", func(e *EPP) { e.Config.v06() }},
		{"v0.7.0", func(e *EPP) {
			e.KVCacheMetricFlag = false
			for _, flag := range metricFlags {
				e.refuse(flag, "a metrics extractor in epp.pluginsConfig")
			}
			e.ByLabel = false
			e.Metrics.Decisions = "llm_d_inference_scheduler_disagg_decision_total"
			e.Config.v07()
		}},
		{"v0.8.0", func(e *EPP) {
			e.PromptLists = true
			e.Config.v08()
		}},
		{"v0.9.0", func(e *EPP) {
			e.ByLabel = true
			e.ObjectiveAPI = groupLLMD + "/v1alpha2"
			e.Watched = append(e.Watched, Resources{groupLLMD, e.Watched[0].Names})
			e.Tracing = true
			e.Metrics = metricsOfLLMD
			e.Config.v09()
		}},
		{"v0.10.0", func(e *EPP) {
			for _, flag := range []string{"port", "path", "scheme", "https-insecure-skip-verify"} {
				e.refuse("model-server-metrics-"+flag, "metrics-data-source in epp.pluginsConfig")
			}
			e.Config.v010()
		}},
		{"v0.11.0", func(e *EPP) { e.Config.v011() }},
	},
}

func (e *EPP) refuse(flag, instead string) {
	if e.RefusedFlags == nil {
		e.RefusedFlags = map[string]string{}
	}
	e.RefusedFlags[flag] = instead
}

// EPPOf returns the facts about the EPP in an image, by its version or, if that is empty,
// by the image's tag. A tag that is not a version, or a digest alone, counts as the newest
// known release. It fails if the image has no tag, or if the release is older than v0.4.0.
func EPPOf(image, version string) (EPP, error) {
	release, facts, err := epps.of(image, version)
	facts.Release = release
	return facts, err
}

// EPPVersions returns the releases of the EPP that changed something, oldest first.
func EPPVersions() []string { return epps.versions() }
