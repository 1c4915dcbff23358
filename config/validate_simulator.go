package config

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/llm-d-sim/llm-d-sim/components/release"
	"github.com/llm-d-sim/llm-d-sim/components/simulator"
)

// stageFlags are the simulator's flags that have a key of each stage, and one for all stages.
var stageFlags = map[string]string{
	"max-num-seqs":                "maxNumSeqs",
	"time-to-first-token":         "timeToFirstToken",
	"time-to-first-token-std-dev": "timeToFirstTokenStdDev",
	"prefill-overhead":            "prefillOverhead",
	"prefill-time-per-token":      "prefillTimePerToken",
	"prefill-time-std-dev":        "prefillTimeStdDev",
	"inter-token-latency":         "interTokenLatency",
	"inter-token-latency-std-dev": "interTokenLatencyStdDev",
	"kv-cache-transfer-latency":   "kvCacheTransferLatency",
	"time-factor-under-load":      "timeFactorUnderLoad",
	"enable-kvcache":              "kvCache.enabled",
	"kv-cache-size":               "kvCache.blocks",
	"failure-injection-rate":      "failures.rate",
	"failure-types":               "failures.types",
}

// simulatorFlags are those that have a key for all stages only.
var simulatorFlags = map[string]string{
	"model":                    "model",
	"seed":                     "seed",
	"max-model-len":            "maxModelLen",
	"max-request-body-size-mb": "maxRequestMiB",
	"block-size":               "kvCache.blockSize",
	"startup-duration":         "startupDuration",
	"lora-modules":             "loras",
	"max-loras":                "maxLoras",
	"max-cpu-loras":            "maxCpuLoras",
}

// flagsOf returns what to use in place of the flags of a stage's simulators.
func flagsOf(stage string) map[string]string {
	use := map[string]string{"port": "use " + stage + ".port", "v": "use " + stage + ".logVerbosity"}
	for flag, key := range stageFlags {
		use[flag] = fmt.Sprintf("use %s.simulator.%s, or simulator.%s for all stages", stage, key, key)
	}
	for flag, key := range simulatorFlags {
		use[flag] = "use simulator." + key
	}
	return use
}

// blockSizes are those that the simulator accepts.
var blockSizes = []int32{8, 16, 32, 64, 128}

func (s *Spec) checkSimulator(v *validator) {
	path, sim := v.at("simulator"), s.Simulator
	if sim.Model == "" {
		v.invalid(path.Child("model"), "", "must not be empty")
	}
	sim.forStages().check(v, path, s.simulatorOf(StageSimulator{}))
	s.checkProfiles(v)
	v.atLeastOne(path.Child("maxModelLen"), sim.MaxModelLen)
	if size := sim.KVCache.BlockSize; !slices.Contains(blockSizes, size) {
		v.invalid(path.Child("kvCache", "blockSize"), size, "must be one of 8, 16, 32, 64, 128")
	}
	s.checkMaxRequest(v, path.Child("maxRequestMiB"))
	s.checkStartup(v, path.Child("startupDuration"))
	s.checkLoRAs(v, path)
}

// check checks the settings at a path. all are those of the simulators that they result in.
func (s StageSimulator) check(v *validator, path *field.Path, all StageSimulator) {
	if s.Profile != "" {
		oneOf(v, path.Child("profile"), s.Profile, profiles...)
	}
	for name, d := range map[string]*metav1.Duration{
		"timeToFirstToken": s.TimeToFirstToken, "prefillOverhead": s.PrefillOverhead,
		"prefillTimePerToken": s.PrefillTimePerToken, "prefillTimeStdDev": s.PrefillTimeStdDev,
		"interTokenLatency": s.InterTokenLatency, "kvCacheTransferLatency": s.KVCacheTransferLatency,
	} {
		if d != nil {
			v.duration(path.Child(name), d.Duration, 0)
		}
	}
	v.deviation(path.Child("timeToFirstTokenStdDev"), s.TimeToFirstTokenStdDev, all.TimeToFirstToken)
	v.deviation(path.Child("interTokenLatencyStdDev"), s.InterTokenLatencyStdDev, all.InterTokenLatency)
	for name, d := range map[string]*metav1.Duration{
		"prefillOverhead": s.PrefillOverhead, "prefillTimePerToken": s.PrefillTimePerToken,
	} {
		if constant := path.Child("timeToFirstToken"); positive(d) && positive(s.TimeToFirstToken) {
			v.add(path.Child(name), d.Duration.String(), removeCommand(constant), "cannot be set together with %s, which replaces it", constant)
		}
	}
	if factor := s.TimeFactorUnderLoad; factor != nil && *factor < 1 {
		v.invalid(path.Child("timeFactorUnderLoad"), *factor, "must be 1 or more")
	}
	if most := s.MaxNumSeqs; most != nil {
		v.atLeastOne(path.Child("maxNumSeqs"), *most)
	}
	if blocks := s.KVCache.Blocks; blocks != nil {
		v.atLeastOne(path.Child("kvCache", "blocks"), *blocks)
	}
	if rate := s.Failures.Rate; rate != nil {
		v.between(path.Child("failures", "rate"), *rate, 0, 100)
	}
	for i, failure := range s.Failures.Types {
		oneOf(v, path.Child("failures", "types").Index(i), failure, failureTypes...)
	}
}

// checkProfiles refuses profiles that the simulators' flags cannot express.
func (s *Spec) checkProfiles(v *validator) {
	for key, stages := range s.stagesByKey("profile", func(own StageSimulator) bool { return own.Profile != "" }) {
		s.checkProfile(v, v.at(key), stages)
	}
}

// checkProfile refuses the profile at a path for the first of the stages that cannot have it.
func (s *Spec) checkProfile(v *validator, path *field.Path, stages []Stage) {
	for _, stage := range stages {
		facts, err := release.SimulatorOf(stage.Image, s.Simulator.Version)
		if stage.Simulator.Profile != "" && err == nil && facts.MillisecondLatencies {
			v.invalid(path, stage.Simulator.Profile, "needs a simulator of v0.7 or newer: %s counts in whole milliseconds (image %s)",
				facts.Version, stage.Image)
			return
		}
	}
}

// stagesByKey returns the deployed stages by the key that decides a setting of their simulators: the
// stage's own if that is set, or else the shared one.
func (s *Spec) stagesByKey(name string, isSet func(own StageSimulator) bool) map[string][]Stage {
	keys, own := []string{"decode", "prefill"}, []StageSimulator{s.Decode.Simulator, s.Prefill.Simulator}
	byKey := map[string][]Stage{}
	for i, stage := range s.simulatorStages() {
		key := "simulator." + name
		if !s.SingleMode() && isSet(own[i]) {
			key = keys[i] + "." + key
		}
		byKey[key] = append(byKey[key], stage)
	}
	return byKey
}

// checkMaxRequest refuses a limit that a simulator does not accept.
func (s *Spec) checkMaxRequest(v *validator, path *field.Path) {
	limit := s.Simulator.MaxRequestMiB
	v.between(path, limit, 1, simulator.HighestMaxRequestMiB)
	if limit != simulator.DefaultMaxRequestMiB {
		s.checkRelease(v, path, limit, func(r release.Simulator) bool { return r.MaxRequestFlag }, "has a fixed limit")
	}
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
	s.checkRelease(v, path, startup.String(), func(r release.Simulator) bool { return r.StartupDurationFlag }, "has no delay")
}

// checkRelease refuses a value that a deployed simulator is too old for. lacks says in which way.
func (s *Spec) checkRelease(
	v *validator, path *field.Path, value any, knows func(release.Simulator) bool, lacks string,
) {
	for _, stage := range s.simulatorStages() {
		facts, err := release.SimulatorOf(stage.Image, s.Simulator.Version)
		if err == nil && !knows(facts) {
			v.invalid(path, value, "needs a newer simulator: %s %s (image %s)", facts.Version, lacks, stage.Image)
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

func (v *validator) deviation(path *field.Path, deviation, of *metav1.Duration) {
	if deviation == nil {
		return
	}
	if most := max(0, time.Duration(maxDeviation*float64(of.Duration))); deviation.Duration < 0 || deviation.Duration > most {
		v.invalid(path, deviation.Duration.String(), "must be within 0s and %s, 30 %% of what deviates", most)
	}
}
