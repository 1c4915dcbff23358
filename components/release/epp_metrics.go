package release

// EPPMetrics are the names of an EPP's metrics: those that have been the same in meaning since
// v0.4, under changing names.
type EPPMetrics struct {
	// Requests and Errors are counters by model_name.
	Requests, Errors string
	// Running is the number of requests in progress, by model_name.
	Running string
	// Queue, KVCache and ReadyPods are averages and the number of pods, by name of the pool.
	Queue, KVCache, ReadyPods string
	// Scheduling is a histogram of the seconds that a decision took, and PrefixHits one of the share
	// of a prompt that the picked pod has in its cache.
	Scheduling, PrefixHits string
	// Decisions counts the requests by decision_type: with or without a prefill pod.
	Decisions string
}

// metricsOfExtension are those of the inference extension, up to v0.8.
var metricsOfExtension = EPPMetrics{
	Requests:   "inference_objective_request_total",
	Errors:     "inference_objective_request_error_total",
	Running:    "inference_objective_running_requests",
	Queue:      "inference_pool_average_queue_size",
	KVCache:    "inference_pool_average_kv_cache_utilization",
	ReadyPods:  "inference_pool_ready_pods",
	Scheduling: "inference_extension_scheduler_e2e_duration_seconds",
	PrefixHits: "inference_extension_prefix_indexer_hit_ratio",
	Decisions:  "llm_d_inference_scheduler_pd_decision_total",
}

// metricsOfLLMD are llm-d's own, which v0.9 and v0.10 serve besides those of the extension.
var metricsOfLLMD = EPPMetrics{
	Requests:   "llm_d_epp_request_total",
	Errors:     "llm_d_epp_request_error_total",
	Running:    "llm_d_epp_request_running",
	Queue:      "llm_d_epp_average_queue_size",
	KVCache:    "llm_d_epp_average_kv_cache_utilization",
	ReadyPods:  "llm_d_epp_ready_endpoints",
	Scheduling: "llm_d_epp_scheduler_e2e_duration_seconds",
	PrefixHits: "llm_d_epp_prefix_indexer_hit_ratio",
	Decisions:  "llm_d_epp_disagg_decision_total",
}
