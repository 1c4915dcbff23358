package components

import (
	"errors"
	"fmt"
	"math"
	"time"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
	"github.com/llm-d-sim/llm-d-sim/components/simulator"
)

// SimulatorSettings describe the model server that a simulator imitates. Durations are Go
// durations such as 150ms.
type SimulatorSettings struct {
	// Model is the name that the simulators answer to. Default: random.
	Model string `pulumi:"model,optional"`

	// MaxNumSeqs is the number of requests that one simulator processes concurrently. Default:
	// 5.
	MaxNumSeqs int `pulumi:"maxNumSeqs,optional"`

	// TimeToFirstToken is the delay before a response starts. Default: 0s.
	TimeToFirstToken string `pulumi:"timeToFirstToken,optional"`

	// TimeToFirstTokenStdDev is its standard deviation, at most 30 % of it. Default: 0s.
	TimeToFirstTokenStdDev string `pulumi:"timeToFirstTokenStdDev,optional"`

	// PrefillOverhead is what a prompt of any length costs, unless TimeToFirstToken is set.
	// Default: 0s.
	PrefillOverhead string `pulumi:"prefillOverhead,optional"`

	// PrefillTimePerToken is what each token of a prompt costs that is not in the KV cache,
	// unless TimeToFirstToken is set. Default: 0s.
	PrefillTimePerToken string `pulumi:"prefillTimePerToken,optional"`

	// PrefillTimeStdDev is the standard deviation of the whole prefill. Default: 0s.
	PrefillTimeStdDev string `pulumi:"prefillTimeStdDev,optional"`

	// InterTokenLatency is the delay between two tokens. Default: 0s.
	InterTokenLatency string `pulumi:"interTokenLatency,optional"`

	// InterTokenLatencyStdDev is its standard deviation, at most 30 % of it. Default: 0s.
	InterTokenLatencyStdDev string `pulumi:"interTokenLatencyStdDev,optional"`

	// KVCacheTransferLatency replaces TimeToFirstToken on a decode pod whose prompt a
	// prefill pod has processed. Default: 0s.
	KVCacheTransferLatency string `pulumi:"kvCacheTransferLatency,optional"`

	// TimeFactorUnderLoad is how many times as long a simulator takes that processes MaxNumSeqs
	// requests. Default: 1.
	TimeFactorUnderLoad float64 `pulumi:"timeFactorUnderLoad,optional"`

	// MaxModelLen is the context window in tokens. Default: 1024.
	MaxModelLen int `pulumi:"maxModelLen,optional"`

	// MaxRequestMiB is the largest request body that a simulator reads, in MiB. 1 to 512; any but 4
	// needs a simulator of v0.10.1 or newer. Give the standard gateway the same. Default: 4.
	MaxRequestMiB int `pulumi:"maxRequestMiB,optional"`

	// KVCacheBlocks is the size of the KV cache of one simulator in blocks. Default: no cache.
	KVCacheBlocks int `pulumi:"kvCacheBlocks,optional"`

	// KVCacheBlockSize is the number of tokens in a block: 8, 16, 32, 64 or 128. Default: 16.
	KVCacheBlockSize int `pulumi:"kvCacheBlockSize,optional"`

	// StartupDuration is how long a simulator loads its model before it is ready. Above 0s,
	// it needs a simulator of v0.9 or newer. Default: 0s.
	StartupDuration string `pulumi:"startupDuration,optional"`

	// LoRAs are the names of the adapters that the simulators answer to. Default: none.
	LoRAs []string `pulumi:"loras,optional"`

	// MaxLoRAs is the number of adapters that one simulator uses concurrently. Default: 1.
	MaxLoRAs int `pulumi:"maxLoras,optional"`

	// MaxCPULoRAs is the number of adapters that one simulator keeps in memory. Default:
	// MaxLoRAs.
	MaxCPULoRAs int `pulumi:"maxCpuLoras,optional"`

	// FailureRate is the percentage of requests that fail at random. Default: 0.
	FailureRate int `pulumi:"failureRate,optional"`

	// FailureTypes are the errors to choose from, such as rate_limit. Default: all that the
	// simulator knows.
	FailureTypes []string `pulumi:"failureTypes,optional"`
}

// startSeconds is how long a simulator may take to start, besides its StartupDuration.
const startSeconds = 120

// simulatorOptions converts the settings to the simulator's own.
func (a *modelServiceStage) simulatorOptions() (simulator.Options, error) {
	settings := orValue(a.Simulator, SimulatorSettings{})
	options := simulator.Options{
		Model:      settings.Model,
		Port:       int32(a.simulatorPort()),
		Verbosity:  int32(orValue(a.LogVerbosity, llmd.SimulatorVerbosity)),
		MaxNumSeqs: int32(settings.MaxNumSeqs),

		MaxModelLen:         int32(settings.MaxModelLen),
		MaxRequestMiB:       int32(or(settings.MaxRequestMiB, simulator.DefaultMaxRequestMiB)),
		TimeFactorUnderLoad: settings.TimeFactorUnderLoad,
		KVCacheBlocks:       int32(settings.KVCacheBlocks),
		KVCacheBlockSize:    int32(or(settings.KVCacheBlockSize, simulator.DefaultKVCacheBlockSize)),
		LoRAs:               settings.LoRAs,
		MaxLoRAs:            int32(settings.MaxLoRAs),
		MaxCPULoRAs:         int32(settings.MaxCPULoRAs),
		KVEvents:            a.KVEvents != nil,
		FailureRate:         int32(settings.FailureRate),
		FailureTypes:        settings.FailureTypes,

		Args: a.Args,
	}
	var errs []error
	var err error
	if options.Release, err = release.SimulatorOf(knownImage(a.Image), a.Version); err != nil {
		errs = append(errs, fmt.Errorf("image %w", err))
	}
	if options.KVEvents && (options.KVCacheBlocks == 0 || !options.Release.KVEvents) {
		errs = append(errs, fmt.Errorf("KV events need a KV cache and a simulator from v0.9.2 on, got %d blocks and %s",
			options.KVCacheBlocks, options.Release.Version))
	}
	if settings.MaxNumSeqs < 0 {
		errs = append(errs, fmt.Errorf("max num seqs must be 1 or more, got %d", settings.MaxNumSeqs))
	}
	switch n := options.MaxRequestMiB; {
	case n < 1 || n > simulator.HighestMaxRequestMiB:
		errs = append(errs, fmt.Errorf("max request MiB must be within 1 to %d, got %d", simulator.HighestMaxRequestMiB, n))
	case n != simulator.DefaultMaxRequestMiB && !options.Release.MaxRequestFlag:
		errs = append(errs, fmt.Errorf("max request MiB needs a newer simulator than %s, got %d", options.Release.Version, n))
	}
	for _, latency := range []struct {
		name, text string
		to         *time.Duration
	}{
		{"time to first token", settings.TimeToFirstToken, &options.TimeToFirstToken},
		{"deviation of the time to first token", settings.TimeToFirstTokenStdDev, &options.TimeToFirstTokenStdDev},
		{"prefill overhead", settings.PrefillOverhead, &options.PrefillOverhead},
		{"prefill time per token", settings.PrefillTimePerToken, &options.PrefillTimePerToken},
		{"deviation of the prefill time", settings.PrefillTimeStdDev, &options.PrefillTimeStdDev},
		{"inter-token latency", settings.InterTokenLatency, &options.InterTokenLatency},
		{"deviation of the inter-token latency", settings.InterTokenLatencyStdDev, &options.InterTokenLatencyStdDev},
		{"KV-cache transfer latency", settings.KVCacheTransferLatency, &options.KVCacheTransferLatency},
		{"startup duration", settings.StartupDuration, &options.StartupDuration},
	} {
		if latency.text == "" {
			continue
		}
		d, err := time.ParseDuration(latency.text)
		if err != nil || d < 0 {
			errs = append(errs, fmt.Errorf("%s must be a duration such as 150ms, got %q", latency.name, latency.text))
		}
		*latency.to = d
	}
	if options.StartupDuration > 0 && !options.Release.StartupDurationFlag {
		errs = append(errs, fmt.Errorf("startup duration needs a newer simulator than %s", options.Release.Version))
	}
	return options, errors.Join(errs...)
}

// simulatorPort is the port above the pods' own if the sidecar serves that one.
func (a *modelServiceStage) simulatorPort() int {
	if a.sidecar == nil {
		return a.Port
	}
	return a.Port + 1
}

// portName names the simulator's port. The port named http serves the pod's requests.
func (a *modelServiceStage) portName() string {
	if a.sidecar == nil {
		return "http"
	}
	return "simulator"
}

// metricsEndpoint is the simulator's, which the sidecar only passes on.
func (a *modelServiceStage) metricsEndpoint() metricsEndpoint {
	return metricsEndpoint{a.simulatorPort(), "/metrics"}
}

// containers returns the simulator and, if there is one, the sidecar in front of it.
func (a *modelServiceStage) containers() corev1.ContainerArray {
	if a.sidecar == nil {
		return corev1.ContainerArray{a.simulator(a.portName())}
	}
	return corev1.ContainerArray{a.simulator(a.portName()), a.routingSidecar()}
}

func (a *modelServiceStage) simulator(portName string) *corev1.ContainerArgs {
	var args pulumi.StringArray
	if a.Seed != nil {
		args = append(args, pulumi.Sprintf("--seed=%d", a.Seed))
	}
	if a.KVEvents != nil {
		args = append(args, pulumi.Sprintf(simulator.KVEventsFormat, a.KVEvents))
	}
	for _, arg := range simulator.Args(a.options) {
		args = append(args, pulumi.String(arg))
	}
	ready := a.options.Release.ReadyPath

	c := container{a.Image, a.ImagePullPolicy, a.Resources}.args("simulator")
	c.Args = args
	// The simulator names the pod that answered in its x-inference-* response headers.
	c.Env = append(corev1.EnvVarArray{
		podField("POD_NAME", "metadata.name"),
		podField("POD_NAMESPACE", "metadata.namespace"),
	}, a.address()...)
	c.Ports = corev1.ContainerPortArray{containerPort(portName, a.simulatorPort())}
	c.StartupProbe = httpProbe(ready, pulumi.String(portName), 1, startSeconds+int(math.Ceil(a.options.StartupDuration.Seconds())))
	c.ReadinessProbe = httpProbe(ready, pulumi.String(portName), 5, 2)
	c.LivenessProbe = httpProbe(llmd.HealthPath, pulumi.String(portName), 10, 3)
	c.Lifecycle = sleepBeforeStop(stageSleepSeconds)
	return c
}

// address tells the simulator its own, which its KV events carry: the EPP compares it with the
// address that it sends requests to, which has a port.
func (a *modelServiceStage) address() corev1.EnvVarArray {
	if a.KVEvents == nil {
		return corev1.EnvVarArray{podField("POD_IP", "status.podIP")}
	}
	return corev1.EnvVarArray{
		podField("IP", "status.podIP"),
		corev1.EnvVarArgs{Name: pulumi.String("POD_IP"), Value: pulumi.String(fmt.Sprintf("$(IP):%d", a.Port))},
	}
}
