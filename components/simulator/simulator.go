// Package simulator knows the command line and the endpoints of
// llm-d-inference-sim, by version. It imports no Pulumi.
package simulator

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/version"
)

// Options are the settings of one simulator. Zero values leave the simulator's own
// defaults, unless noted.
type Options struct {
	// Image decides by its tag which flags exist. Required.
	Image string
	// Model is the name to answer to. Default: random.
	Model string
	// Port to serve on. Required.
	Port int32
	// Verbosity is the klog level.
	Verbosity int32
	// MaxNumSeqs is the number of requests worked on at a time.
	MaxNumSeqs int32
	// TimeToFirstToken, InterTokenLatency and KVCacheTransferLatency are simulated.
	TimeToFirstToken, InterTokenLatency, KVCacheTransferLatency time.Duration
	// Args are appended; of a repeated flag the last one counts.
	Args []string
}

// Args returns the command line.
func Args(o Options) []string {
	model := o.Model
	if model == "" {
		model = "random"
	}
	args := []string{
		"--model=" + model,
		"--mode=random",
		fmt.Sprintf("--port=%d", o.Port),
		fmt.Sprintf("--v=%d", o.Verbosity),
	}
	if o.MaxNumSeqs > 0 {
		args = append(args, fmt.Sprintf("--max-num-seqs=%d", o.MaxNumSeqs))
	}
	for _, latency := range []struct {
		flag  string
		value time.Duration
	}{
		{"time-to-first-token", o.TimeToFirstToken},
		{"inter-token-latency", o.InterTokenLatency},
		{"kv-cache-transfer-latency", o.KVCacheTransferLatency},
	} {
		if latency.value > 0 {
			args = append(args, fmt.Sprintf("--%s=%s", latency.flag, latency.value))
		}
	}
	// Without it the simulator asks a model hub for the model at its start, and needs a
	// tokenizer service for one that exists there. Older ones exit on the flag.
	if atLeast(o.Image, "0.9.2") {
		args = append(args, "--force-dummy-tokenizer")
	}
	return append(args, o.Args...)
}

// ReadyPath returns the path that answers 200 once the simulator takes requests.
func ReadyPath(image string) string {
	if atLeast(image, "0.9.0") {
		return "/health/ready"
	}
	return "/v1/models"
}

// KVCacheMetric returns the name of the KV-cache usage metric, which 0.7.0 changed.
func KVCacheMetric(image string) string {
	if atLeast(image, "0.7.0") {
		return "vllm:kv_cache_usage_perc"
	}
	return "vllm:gpu_cache_usage_perc"
}

// atLeast compares the version in an image's tag. A tag that is no version (latest,
// local) or a digest alone counts as current.
func atLeast(image, oldest string) bool {
	image, _, _ = strings.Cut(image, "@")
	_, tag, found := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	if !found {
		return true
	}
	is, err := version.ParseGeneric(tag)
	if err != nil {
		return true
	}
	return is.AtLeast(version.MustParseGeneric(oldest))
}
