package config

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Monitoring configures what Prometheus and Grafana learn of the stack.
type Monitoring struct {
	// Enabled opens the metrics of the EPP, the gateways and the simulators to Prometheus, and
	// creates a dashboard for Grafana, whose sidecar finds it by its label. Default: false.
	Enabled bool `json:"enabled"`
	// Operator creates ServiceMonitors, PodMonitors and alerts (a PrometheusRule); needs the CRDs
	// of the Prometheus Operator. Without it, the pods carry the annotations prometheus.io/scrape,
	// port and path instead, and there are no alerts. Default: true.
	Operator bool `json:"operator"`
	// Labels of the monitors and the PrometheusRule, which a Prometheus selects them by. That of
	// kube-prometheus-stack selects the label release, with the name of its Helm release.
	// Default: none.
	Labels map[string]string `json:"labels"`
	// Interval between two scrapes. A Go duration of at least 1s. Default: 15s.
	Interval metav1.Duration `json:"interval"`
	// Prometheus is the one that network policies let in.
	Prometheus Prometheus `json:"prometheus"`
	// Alerts are the bounds of the alerts.
	Alerts Alerts `json:"alerts"`
}

// Prometheus identifies the pods of a Prometheus.
type Prometheus struct {
	// Namespace of the pods. A DNS label. Default: monitoring.
	Namespace string `json:"namespace"`
	// PodLabels select the pods. Default: app.kubernetes.io/name=prometheus, as the Prometheus
	// Operator and the usual Helm charts have it.
	PodLabels map[string]string `json:"podLabels"`
}

// Alerts configures when the alerts fire.
type Alerts struct {
	// After is how long a condition has to hold. A Go duration of at least 1s. Default: 1m.
	After metav1.Duration `json:"after"`
	// QueueLength is the number of requests that may wait in a decode pod, on average. At least 1.
	// Default: 5.
	QueueLength int32 `json:"queueLength"`
	// ErrorPercent is the share of requests that may fail. 1 to 100. Default: 5.
	ErrorPercent int32 `json:"errorPercent"`
}
