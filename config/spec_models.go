package config

// Model is a further model behind the stack's gateways. It has an EPP, stages, Services and an
// InferencePool of its own, which are configured like those of the stack's own model but for what
// is set here.
type Model struct {
	// Model is the name that requests ask for. Default: the key of the model.
	Model string `json:"model"`
	// Replicas is the number of simulator pods that answer its requests. At least 1. Default: that
	// of the stack's own model.
	Replicas *int32 `json:"replicas"`
	// PrefillReplicas is the number of its prefill pods. At least 1. Default: prefill.replicas.
	PrefillReplicas *int32 `json:"prefillReplicas"`
	// LoRAs are the names of the adapters that its simulators answer to, besides the model. Default:
	// none.
	LoRAs []string `json:"loras"`
	// Simulator overrides keys of the simulators, of both stages.
	Simulator StageSimulator `json:"simulator"`
}
