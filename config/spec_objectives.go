package config

// Objective is a priority that a request can choose.
type Objective struct {
	// Priority of the requests: the highest is served first. A request that chooses no objective
	// has priority 0. Default: 0.
	Priority int32 `json:"priority"`
	// QueueBytes limits the size of the requests of this priority that wait: one that exceeds it
	// is answered 429, and so is any that is larger. At least 1.
	// Default: 1 GB, the EPP's own limit.
	QueueBytes *int64 `json:"queueBytes"`
}
