package endpointpicker

import (
	"cmp"
	"maps"
	"slices"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// FlowControl describes the queues of an EPP: it sends a request on only if a pod has room,
// and those of the highest priority first.
type FlowControl struct {
	// Queues has the limit of the queue of each priority, in bytes of waiting requests. A
	// request that exceeds it is answered 429. 0: the EPP's own limit, 1 GB.
	Queues map[int]int64
	// MaxConcurrency is how many requests a pod processes concurrently. Required.
	MaxConcurrency int
	// Fairness makes tenants, which a header of the request names, take turns within a priority.
	// Default: requests of one priority are served in the order of their arrival.
	Fairness bool
}

// busyQueueDepth is how many requests may wait in a pod, on average, before an EPP that does not
// count them holds back more. It is the least possible: a request that waits in a pod cannot be
// overtaken.
const busyQueueDepth = 1

const fairnessPolicy = "round-robin-fairness-policy"

// The sections that configure the queues.
type (
	flowControl struct {
		PriorityBands      []priorityBand `json:"priorityBands"`
		SaturationDetector map[string]any `json:"saturationDetector,omitempty"`
	}
	priorityBand struct {
		Priority       int    `json:"priority"`
		MaxBytes       int64  `json:"maxBytes,omitempty"`
		FairnessPolicy string `json:"fairnessPolicyRef,omitempty"`
	}
)

// queue adds the queues, if there should be any.
func (c *pickerConfig) queue(f *FlowControl, facts release.FlowControl) {
	if f == nil {
		return
	}
	c.FeatureGates = append(c.FeatureGates, facts.FeatureGate)
	c.FlowControl = &flowControl{}
	limits := map[int]int64{0: 0} // The priority of requests that choose no objective.
	maps.Copy(limits, f.Queues)
	for priority, limit := range limits {
		band := priorityBand{Priority: priority, MaxBytes: limit}
		if f.Fairness {
			band.FairnessPolicy = fairnessPolicy
		}
		c.FlowControl.PriorityBands = append(c.FlowControl.PriorityBands, band)
	}
	slices.SortFunc(c.FlowControl.PriorityBands, func(a, b priorityBand) int { return cmp.Compare(b.Priority, a.Priority) })
	if f.Fairness {
		c.Plugins = append(c.Plugins, plugin{Type: fairnessPolicy})
	}
	detector := map[string]any{"queueDepthThreshold": busyQueueDepth}
	if facts.CountsRequests {
		detector = map[string]any{"maxConcurrency": f.MaxConcurrency}
	}
	if facts.Detector != "" {
		c.Plugins = append(c.Plugins, plugin{Type: facts.Detector, Parameters: detector})
		detector = map[string]any{"pluginRef": facts.Detector}
	}
	if facts.DetectorInside {
		c.FlowControl.SaturationDetector = detector
	} else {
		c.SaturationDetector = detector
	}
}
