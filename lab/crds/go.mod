// Pins the modules that carry the custom resource definitions which the lab installs.
module github.com/llm-d-sim/llm-d-sim/lab/crds

go 1.26

require (
	github.com/prometheus-operator/prometheus-operator v0.88.0
	istio.io/api v1.28.1
	sigs.k8s.io/gateway-api v1.4.0
	sigs.k8s.io/gateway-api-inference-extension v1.2.0
)
