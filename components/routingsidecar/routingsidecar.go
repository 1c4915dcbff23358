// Package routingsidecar knows the command line of llm-d's routing sidecar, which has the
// prefill pod that the EPP picked process a prompt before its own pod generates. It imports
// no Pulumi.
package routingsidecar

import (
	"fmt"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// Options are the settings of a sidecar.
type Options struct {
	// Release decides which flags exist. Required.
	Release release.Sidecar
	// Port to serve on. Required.
	Port int32
	// ModelServerPort is the port of the server behind the sidecar. Required.
	ModelServerPort int32
	// Tracing sends spans to the collector that the environment names. The release must have a flag
	// for it.
	Tracing bool
}

// Args returns the command line.
func Args(o Options) []string {
	args := []string{
		fmt.Sprintf("--port=%d", o.Port),
		fmt.Sprintf("--%s=%d", o.Release.ModelServerPortFlag, o.ModelServerPort),
		"--" + o.Release.ConnectorFlag + "=nixlv2",
		// Plain HTTP, like the simulator that it stands in front of.
		"--secure-proxy=false",
	}
	if o.Tracing {
		args = append(args, "--tracing=true")
	}
	return args
}
