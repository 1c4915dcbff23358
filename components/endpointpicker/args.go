// Package endpointpicker knows the command line, the permissions and the configuration
// file of llm-d's Endpoint Picker. It imports no Pulumi.
package endpointpicker

import (
	"fmt"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// Where the EPP finds its EndpointPickerConfig.
const (
	ConfigDir  = "/etc/epp"
	ConfigFile = "plugins.yaml"
)

// Options are the settings of an EPP.
type Options struct {
	// Release decides which flags there are and what the EPP watches. Required.
	Release release.EPP
	// Verbosity is the log level.
	Verbosity int32
	// KVCacheMetric is the name of the simulators' KV-cache usage metric. Required where
	// the release has a flag for it.
	KVCacheMetric string
	// PoolName finds the pods by this InferencePool. Default: by label, on TargetPort, which
	// the release must be able to.
	PoolName string
	// TargetPort is what all pods serve on. Required without PoolName.
	TargetPort int32
	// LeaderElection lets several replicas agree on the one that answers.
	LeaderElection bool
	// SecureServing speaks TLS with a certificate of its own making.
	SecureServing bool
	// Args are appended; of a repeated flag the last one counts.
	Args []string
}

// Args returns the command line. Every flag has the form --flag=value: with a space, a
// boolean ends the parsing and drops all flags after it.
func Args(o Options) []string {
	args := []string{
		"--config-file=" + ConfigDir + "/" + ConfigFile,
		fmt.Sprintf("--v=%d", o.Verbosity),
		fmt.Sprintf("--secure-serving=%t", o.SecureServing),
		// The gateway asks for its health where it asks for pods.
		"--health-checking=true",
		// The tracer's default prints every span to the log.
		"--tracing=false",
		// Checking tokens on /metrics would take a ClusterRole.
		"--metrics-endpoint-auth=false",
	}
	if o.Release.KVCacheMetricFlag {
		args = append(args, "--kv-cache-usage-percentage-metric="+o.KVCacheMetric)
	}
	if o.PoolName != "" {
		args = append(args, "--pool-name="+o.PoolName)
	} else {
		args = append(args,
			"--endpoint-selector="+llmd.ServingLabel+"=true",
			fmt.Sprintf("--endpoint-target-ports=%d", o.TargetPort))
	}
	if o.LeaderElection {
		args = append(args, "--ha-enable-leader-election=true")
	}
	return append(args, o.Args...)
}
