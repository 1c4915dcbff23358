package release

// Sidecar describes a release of llm-d's routing sidecar.
type Sidecar struct {
	Release

	// ModelServerPortFlag names the flag for the port of the server behind the sidecar.
	ModelServerPortFlag string
	// ConnectorFlag names the flag for the protocol between prefill and decode.
	ConnectorFlag string
	// TracingFlag says that --tracing exists. Older ones trace always or never.
	TracingFlag bool
}

var sidecars = table[Sidecar]{
	program: "the routing sidecar", newest: "v0.11.0",
	changes: []change[Sidecar]{
		{"v0.4.0", func(s *Sidecar) {
			s.ModelServerPortFlag, s.ConnectorFlag = "vllm-port", "connector"
		}},
		{"v0.7.0", func(s *Sidecar) { s.ConnectorFlag = "kv-connector" }},
		{"v0.9.0", func(s *Sidecar) { s.TracingFlag = true }},
		{"v0.10.0", func(s *Sidecar) { s.ModelServerPortFlag = "model-server-port" }},
	},
}

// SidecarOf returns the facts about the routing sidecar in an image, by its version or, if
// that is empty, by the image's tag. A tag that is not a version, or a digest alone, counts
// as the newest known release. It fails if the image has no tag, or if the release is older
// than v0.4.0.
func SidecarOf(image, version string) (Sidecar, error) {
	release, facts, err := sidecars.of(image, version)
	facts.Release = release
	return facts, err
}
