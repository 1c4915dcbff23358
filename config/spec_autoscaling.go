package config

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Autoscaling configures who sets the number of pods of a stage.
type Autoscaling struct {
	// Enabled leaves the number of pods to an autoscaler: the stage's replicas are only what it
	// starts with. Default: false.
	Enabled bool `json:"enabled"`
	// Scaler is keda, which scales as the other keys say and has to be installed (2.20 or newer),
	// or other: an autoscaler that is not this stack's. Default: keda.
	Scaler Scaler `json:"scaler"`
	// MinReplicas is the least number of pods. At least 1. Default: 2.
	MinReplicas int32 `json:"minReplicas"`
	// MaxReplicas is the greatest number of pods. At least minReplicas. Default: 6.
	MaxReplicas int32 `json:"maxReplicas"`
	// RequestsPerPod is how many requests there should be for each pod, running or waiting: KEDA
	// adds pods when there are more. At least 1. Default: 4.
	RequestsPerPod int32 `json:"requestsPerPod"`
	// ScaleDownAfter is how long fewer pods must have been enough before any is removed. A Go
	// duration of whole seconds, at most 1h. Default: 5m.
	ScaleDownAfter metav1.Duration `json:"scaleDownAfter"`
	// KEDANamespace is where KEDA runs, whose operator networkPolicy lets in. A DNS label.
	// Default: keda.
	KEDANamespace string `json:"kedaNamespace"`
}

// Scaler is what sets the number of pods.
type Scaler string

// The scalers.
const (
	ScalerKEDA  Scaler = "keda"
	ScalerOther Scaler = "other"
)

// KEDAScales reports whether the stage has an autoscaler of its own.
func (s Stage) KEDAScales() bool {
	return s.Enabled && s.Autoscaling.Enabled && s.Autoscaling.Scaler == ScalerKEDA
}
