package config

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// simulatorFlags are the simulator's flags that have keys.
var simulatorFlags = map[string]string{
	"model":                       "use simulator.model",
	"max-num-seqs":                "use simulator.maxNumSeqs",
	"max-model-len":               "use simulator.maxModelLen",
	"time-to-first-token":         "use simulator.timeToFirstToken",
	"time-to-first-token-std-dev": "use simulator.timeToFirstTokenStdDev",
	"prefill-overhead":            "use simulator.prefillOverhead",
	"prefill-time-per-token":      "use simulator.prefillTimePerToken",
	"prefill-time-std-dev":        "use simulator.prefillTimeStdDev",
	"inter-token-latency":         "use simulator.interTokenLatency",
	"inter-token-latency-std-dev": "use simulator.interTokenLatencyStdDev",
	"kv-cache-transfer-latency":   "use simulator.kvCacheTransferLatency",
	"time-factor-under-load":      "use simulator.timeFactorUnderLoad",
	"enable-kvcache":              "use simulator.kvCache.enabled",
	"kv-cache-size":               "use simulator.kvCache.blocks",
	"block-size":                  "use simulator.kvCache.blockSize",
	"failure-injection-rate":      "use simulator.failures.rate",
	"failure-types":               "use simulator.failures.types",
	"startup-duration":            "use simulator.startupDuration",
	"lora-modules":                "use simulator.loras",
	"max-loras":                   "use simulator.maxLoras",
	"max-cpu-loras":               "use simulator.maxCpuLoras",
}

// blockSizes are those that the simulator accepts.
var blockSizes = []int32{8, 16, 32, 64, 128}

func (s *Spec) checkSimulator(v *validator) {
	path, sim := v.at("simulator"), s.Simulator
	if sim.Model == "" {
		v.invalid(path.Child("model"), "", "must not be empty")
	}
	for name, d := range map[string]time.Duration{
		"timeToFirstToken": sim.TimeToFirstToken.Duration, "prefillOverhead": sim.PrefillOverhead.Duration,
		"prefillTimePerToken": sim.PrefillTimePerToken.Duration, "prefillTimeStdDev": sim.PrefillTimeStdDev.Duration,
		"interTokenLatency":      sim.InterTokenLatency.Duration,
		"kvCacheTransferLatency": sim.KVCacheTransferLatency.Duration,
	} {
		v.duration(path.Child(name), d, 0)
	}
	v.deviation(path.Child("timeToFirstTokenStdDev"), sim.TimeToFirstTokenStdDev.Duration, sim.TimeToFirstToken.Duration)
	v.deviation(path.Child("interTokenLatencyStdDev"), sim.InterTokenLatencyStdDev.Duration, sim.InterTokenLatency.Duration)
	for name, d := range map[string]time.Duration{
		"prefillOverhead": sim.PrefillOverhead.Duration, "prefillTimePerToken": sim.PrefillTimePerToken.Duration,
	} {
		if d > 0 && sim.TimeToFirstToken.Duration > 0 {
			v.add(path.Child(name), d.String(), resetCommand(path.Child("timeToFirstToken")),
				"cannot be set together with simulator.timeToFirstToken, which replaces it")
		}
	}
	if sim.TimeFactorUnderLoad < 1 {
		v.invalid(path.Child("timeFactorUnderLoad"), sim.TimeFactorUnderLoad, "must be 1 or more")
	}
	v.atLeastOne(path.Child("maxNumSeqs"), sim.MaxNumSeqs)
	v.atLeastOne(path.Child("maxModelLen"), sim.MaxModelLen)
	v.atLeastOne(path.Child("kvCache", "blocks"), sim.KVCache.Blocks)
	if size := sim.KVCache.BlockSize; !slices.Contains(blockSizes, size) {
		v.invalid(path.Child("kvCache", "blockSize"), size, "must be one of 8, 16, 32, 64, 128")
	}
	v.between(path.Child("failures", "rate"), sim.Failures.Rate, 0, 100)
	for i, failure := range sim.Failures.Types {
		oneOf(v, path.Child("failures", "types").Index(i), failure, failureTypes...)
	}
	s.checkStartup(v, path.Child("startupDuration"))
	s.checkLoRAs(v, path)
}

// checkStartup refuses a start that nobody waits for, or that a simulator cannot delay.
func (s *Spec) checkStartup(v *validator, path *field.Path) {
	startup := s.Simulator.StartupDuration.Duration
	v.duration(path, startup, 0)
	if startup <= 0 {
		return
	}
	if timeout := s.ReadyTimeout.Duration; startup >= timeout {
		v.invalid(path, startup.String(), "must be below readyTimeout (%s), after which pulumi up gives up", timeout)
	}
	for _, stage := range s.simulatorStages() {
		facts, err := release.SimulatorOf(stage.Image, s.Simulator.Version)
		if err == nil && !facts.StartupDurationFlag {
			v.invalid(path, startup.String(), "needs a newer simulator: %s has no delay (image %s)", facts.Version, stage.Image)
			return
		}
	}
}

// checkLoRAs refuses names that requests could not tell apart, and limits that make a
// simulator exit.
func (s *Spec) checkLoRAs(v *validator, path *field.Path) {
	sim := s.Simulator
	seen := map[string]bool{}
	for i, name := range sim.LoRAs {
		at := path.Child("loras").Index(i)
		switch {
		case name == "":
			v.invalid(at, name, "must not be empty")
		case name == sim.Model:
			v.add(at, name, removeCommand(at), "is the name of the model, which the simulators answer to as well")
		case seen[name]:
			v.add(at, name, removeCommand(at), "is listed twice")
		}
		seen[name] = true
	}
	v.atLeastOne(path.Child("maxLoras"), sim.MaxLoRAs)
	if most := sim.MaxCPULoRAs; most != nil && *most < sim.MaxLoRAs {
		v.invalid(path.Child("maxCpuLoras"), *most, "must be maxLoras (%d) or more", sim.MaxLoRAs)
	}
}

// maxDeviation is the simulator's own bound, as a share of what deviates.
const maxDeviation = 0.3

func (v *validator) deviation(path *field.Path, deviation, of time.Duration) {
	if most := max(0, time.Duration(maxDeviation*float64(of))); deviation < 0 || deviation > most {
		v.invalid(path, deviation.String(), "must be within 0s and %s, 30 %% of what deviates", most)
	}
}
