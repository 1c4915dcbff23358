package stacks

import "github.com/llm-d-sim/llm-d-sim/components"

// tracing returns where the parts send the spans of requests, nil if they do not.
func (c *composer) tracing() *components.Tracing {
	t := c.spec.Tracing
	if !t.Enabled {
		return nil
	}
	return &components.Tracing{Endpoint: t.Endpoint, Sampling: &t.Sampling}
}
