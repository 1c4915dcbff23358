package release

// EPP is what holds for a release of llm-d's Endpoint Picker.
type EPP struct {
	Release

	// KVCacheMetricFlag says that --kv-cache-usage-percentage-metric exists. Newer EPPs exit
	// on it and expect the name that simulators use since v0.7.0.
	KVCacheMetricFlag bool
}

var epps = table[EPP]{
	program: "the EPP", newest: "v0.11.0",
	changes: []change[EPP]{
		{"v0.4.0", func(e *EPP) { e.KVCacheMetricFlag = true }},
		{"v0.7.0", func(e *EPP) { e.KVCacheMetricFlag = false }},
	},
}

// EPPOf returns what holds for the EPP of an image, by its version or, where that is
// empty, by the image's tag. A tag that is no version, or a digest alone, counts as the
// newest known release. It is an error if the image has no tag, or if the release is older
// than v0.4.0.
func EPPOf(image, version string) (EPP, error) {
	release, facts, err := epps.of(image, version)
	facts.Release = release
	return facts, err
}
