// Package endpointpicker knows the command line, the permissions and the configuration
// file of llm-d's Endpoint Picker. It imports no Pulumi.
package endpointpicker

import (
	"fmt"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// Where the EPP finds its EndpointPickerConfig.
const (
	ConfigDir  = "/etc/epp"
	ConfigFile = "plugins.yaml"
)

// Options are the settings of an EPP.
type Options struct {
	// Release decides which flags exist and what the EPP watches. Required.
	Release release.EPP
	// Verbosity is the log level.
	Verbosity int32
	// KVCacheMetric is the name of the simulators' KV-cache usage metric. Required if the
	// release has a flag for it.
	KVCacheMetric string
	// PoolName makes the EPP find pods through this InferencePool. Default: by PodLabels, on
	// TargetPort, which the release must support.
	PoolName string
	// PodLabels select the pods, and TargetPort is the port that all of them serve on. Required
	// without PoolName.
	PodLabels  map[string]string
	TargetPort int32
	// LeaderElection makes several replicas elect the one that answers.
	LeaderElection bool
	// SecureServing serves TLS with a self-signed certificate.
	SecureServing bool
	// Tracing sends spans to the collector that the environment names.
	Tracing bool
	// Args are appended; the last occurrence of a flag wins.
	Args []string
}

// Args returns the command line. Every flag has the form --flag=value: a boolean followed
// by a space ends the parsing, and all flags after it are dropped.
func Args(o Options) []string {
	args := []string{
		"--config-file=" + ConfigDir + "/" + ConfigFile,
		fmt.Sprintf("--v=%d", o.Verbosity),
		fmt.Sprintf("--secure-serving=%t", o.SecureServing),
		// The gateway checks the EPP's health on the port that serves its requests.
		"--health-checking=true",
		// On by default, and then prints every span to the log.
		fmt.Sprintf("--tracing=%t", o.Tracing),
		// Checking tokens on /metrics would require a ClusterRole.
		"--metrics-endpoint-auth=false",
	}
	if o.Release.KVCacheMetricFlag {
		args = append(args, "--kv-cache-usage-percentage-metric="+o.KVCacheMetric)
	}
	if o.PoolName != "" {
		args = append(args, "--pool-name="+o.PoolName)
	} else {
		args = append(args,
			"--endpoint-selector="+labels.FormatLabels(o.PodLabels),
			fmt.Sprintf("--endpoint-target-ports=%d", o.TargetPort))
	}
	if o.LeaderElection {
		args = append(args, "--ha-enable-leader-election=true")
	}
	return append(args, o.Args...)
}
