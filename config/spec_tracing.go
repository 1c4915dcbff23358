package config

// Tracing configures the spans of requests, which the standard gateway, the EPP and the routing
// sidecar send.
type Tracing struct {
	// Enabled sends spans to the collector, those of one request in one trace. Needs an EPP and a
	// routing sidecar from v0.9.0 on. Default: false.
	Enabled bool `json:"enabled"`
	// Endpoint is where the collector receives OTLP over gRPC without TLS, host:port, such as
	// otel-collector.monitoring:4317. Required if enabled.
	Endpoint string `json:"endpoint"`
	// Sampling is the share of the requests that are traced, 0 to 1, unless a request's header
	// traceparent says whether it is. Default: 0.1.
	Sampling float64 `json:"sampling"`
}
