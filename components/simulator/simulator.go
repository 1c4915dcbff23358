// Package simulator knows the command line of llm-d-inference-sim. It imports no Pulumi.
package simulator

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// Options are the settings of one simulator. Zero values keep the simulator's own defaults,
// unless noted.
type Options struct {
	// Release decides which flags exist. Required.
	Release release.Simulator
	// Model is the name to answer to. Default: random.
	Model string
	// Port to serve on. Required.
	Port int32
	// Verbosity is the klog level.
	Verbosity int32
	// MaxNumSeqs is the number of requests processed concurrently.
	MaxNumSeqs int32
	// TimeToFirstToken, InterTokenLatency and KVCacheTransferLatency are simulated delays.
	TimeToFirstToken, InterTokenLatency, KVCacheTransferLatency time.Duration
	// Args are appended; the last occurrence of a flag wins.
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
			args = append(args, "--"+latency.flag+"="+o.latency(latency.value))
		}
	}
	if o.Release.DummyTokenizerFlag {
		args = append(args, "--force-dummy-tokenizer")
	}
	return append(args, o.Args...)
}

// latency formats a latency above 0 for the release. If the release reads milliseconds, a
// shorter latency becomes 1 rather than 0.
func (o Options) latency(d time.Duration) string {
	if !o.Release.MillisecondLatencies {
		return d.String()
	}
	return strconv.FormatInt(max(1, d.Round(time.Millisecond).Milliseconds()), 10)
}

// maxBodyFlag limits the size of a request's body, in MiB.
const maxBodyFlag = "max-request-body-size-mb"

// DefaultMaxBody is the limit without the flag, in bytes: that of the simulators' HTTP library,
// fasthttp.
const DefaultMaxBody = 4 << 20

// MaxBody returns the size in bytes of the largest request that a simulator with these
// additional arguments reads.
func MaxBody(args []string) int64 {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {} // --help would print it.
	mebibytes := flags.Int64(maxBodyFlag, DefaultMaxBody>>20, "")
	// A simulator exits on what can't be parsed.
	_ = flags.Parse(args)
	return *mebibytes << 20
}
