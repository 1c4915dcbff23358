package config

import corev1 "k8s.io/api/core/v1"

// Stage configures the prefill or the decode stage.
type Stage struct {
	// Enabled deploys this stage. Default: false.
	Enabled bool `json:"enabled"`
	// Replicas is the number of pods of this stage; with autoscaling, only what it starts with. At
	// least 1. Default: 2.
	Replicas int32 `json:"replicas"`
	// Autoscaling leaves the number of pods to an autoscaler.
	Autoscaling Autoscaling `json:"autoscaling"`
	// Image of this stage's simulator. Default: the top-level image.
	Image string `json:"image"`
	// Port of the stage's Service and pods. 1 to 65535. Default: 8200.
	Port int32 `json:"port"`
	// LogVerbosity is the klog level (0 to 10) of this stage's simulator. Default: 5.
	LogVerbosity int32 `json:"logVerbosity"`
	// Resources of this stage's simulator container. Default: the top-level resources.
	Resources corev1.ResourceRequirements `json:"resources"`
	// Args are appended to the simulator's arguments. Default: none.
	Args []string `json:"args"`
	// Simulator overrides keys of the top-level simulator for this stage. A profile of the stage
	// overrides all those keys that a profile sets.
	Simulator StageSimulator `json:"simulator"`
}

// DecodeStage is a Stage with the sidecar that fetches prefill results.
type DecodeStage struct {
	Stage `json:",inline"`

	// RoutingSidecar runs beside each decode simulator when EPP and prefill are enabled.
	RoutingSidecar RoutingSidecar `json:"routingSidecar"`
}

// RoutingSidecar configures llm-d's prefill/decode routing sidecar.
type RoutingSidecar struct {
	// Enabled runs the sidecar where there is a prefill stage and an EPP to use it.
	// Without it the prefill pods get no requests. Default: true.
	Enabled bool `json:"enabled"`
	// Image of the sidecar. Default: ghcr.io/llm-d/llm-d-router-disagg-sidecar:v0.10.0.
	Image string `json:"image"`
	// Version of the sidecar, such as v0.10.0, where the image's tag does not say it.
	// Default: that of the tag; the newest known one if the tag is no version.
	Version string `json:"version"`
	// Resources of the sidecar container. Default: requests of 50m CPU and 64Mi memory.
	Resources corev1.ResourceRequirements `json:"resources"`
}
