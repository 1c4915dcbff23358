package stacks

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
	"github.com/llm-d-sim/llm-d-sim/config"
)

func prefillEnabled(spec *config.Spec) bool { return spec.Prefill.Enabled }

func (c *composer) prefill() error {
	stage := c.spec.PrefillStage()
	args := c.stage(stage)
	args.Role, args.Name, args.HeadlessService = llmd.RolePrefill, llmd.ForModel(llmd.PrefillName, c.model), true
	s, err := components.NewModelServiceStage(c.ctx, c.part("prefill"), args, c.child("prefill"))
	if err != nil {
		return err
	}
	c.targets = append(c.targets, s.Target)
	c.prefillName = s.DeploymentName
	c.deployments = append(c.deployments, deployed{
		resource: s.Deployment, name: args.Name, several: stage.Replicas > 1 || stage.Autoscaling.Enabled,
	})
	return nil
}

// decode registers the decode pods: the stage, or in single mode the Deployment that takes
// the place of all stages. They are one resource, so that a change of mode keeps an object
// that has the same name in both.
func (c *composer) decode() error {
	stage := c.spec.DecodeStage()
	args := c.stage(stage)
	args.Role, args.Name = llmd.RoleDecode, llmd.ForModel(c.spec.DecodeName(), c.model)
	args.HeadlessService, args.Open = c.spec.DecodeService(), c.spec.OpenDecode()
	if c.spec.Sidecar() {
		sidecar := c.spec.Decode.RoutingSidecar
		facts, err := release.SidecarOf(sidecar.Image, sidecar.Version)
		if err != nil {
			return err
		}
		args.RoutingSidecar = &components.RoutingSidecar{
			Image:           image(c.args.Images.RoutingSidecar, sidecar.Image),
			Version:         version(c.args.Images.RoutingSidecar, sidecar.Version, facts.Release),
			ImagePullPolicy: c.pullPolicy(sidecar.Image),
			Resources:       resources(sidecar.Resources),
			Tracing:         c.tracing(),
		}
	}
	s, err := components.NewModelServiceStage(c.ctx, c.part("decode"), args, c.child("decode", "simulator"))
	if err != nil {
		return err
	}
	c.targets = append(c.targets, s.Target)
	c.decodeName = s.DeploymentName
	c.deployments = append(c.deployments, deployed{
		resource: s.Deployment, name: args.Name, several: stage.Replicas > 1 || stage.Autoscaling.Enabled,
	})
	if args.HeadlessService {
		c.services = append(c.services, s.Endpoint)
	}
	return nil
}

// stage returns the arguments that both stages share.
func (c *composer) stage(stage config.Stage) *components.ModelServiceStageArgs {
	facts, _ := release.SimulatorOf(stage.Image, c.spec.Simulator.Version) // Of a valid Spec.
	args := &components.ModelServiceStageArgs{
		Namespace:        c.Namespace,
		Instance:         c.spec.Name,
		Model:            c.model,
		Replicas:         integer(stage.Replicas),
		Autoscaled:       stage.Autoscaling.Enabled,
		Image:            image(c.args.Images.Simulator, stage.Image),
		Version:          version(c.args.Images.Simulator, c.spec.Simulator.Version, facts.Release),
		ImagePullPolicy:  c.pullPolicy(stage.Image),
		ImagePullSecrets: c.pullSecrets(),
		Resources:        resources(stage.Resources),
		Port:             int(stage.Port),
		LogVerbosity:     integer(stage.LogVerbosity),
		Seed:             c.seed,
		Simulator:        simulatorSettings(c.spec.Simulator, stage.Simulator),
		Args:             stage.Args,
		NetworkPolicy:    c.spec.NetworkPolicy.Enabled,
		ClusterDomain:    c.spec.ClusterDomain,
		Metrics:          c.metrics(),
		ReadyTimeout:     c.spec.ReadyTimeout.Duration.String(),
	}
	if c.spec.PrecisePrefixes() {
		// The EPP's own output would make the pods wait for it.
		args.KVEvents = pulumi.String(fmt.Sprintf("%s:%d", llmd.ForModel(llmd.EPPName, c.model), llmd.EPPEventsPort))
	}
	if stage.KEDAScales() {
		args.KEDANamespace = stage.Autoscaling.KEDANamespace
	}
	return args
}

// simulatorSettings returns the settings that all simulators share, and those of a stage.
func simulatorSettings(shared config.Simulator, s config.StageSimulator) *components.SimulatorSettings {
	settings := &components.SimulatorSettings{
		Model:                   shared.Model,
		MaxNumSeqs:              int(*s.MaxNumSeqs),
		MaxModelLen:             int(shared.MaxModelLen),
		MaxRequestMiB:           int(shared.MaxRequestMiB),
		TimeToFirstToken:        s.TimeToFirstToken.Duration.String(),
		TimeToFirstTokenStdDev:  s.TimeToFirstTokenStdDev.Duration.String(),
		PrefillOverhead:         s.PrefillOverhead.Duration.String(),
		PrefillTimePerToken:     s.PrefillTimePerToken.Duration.String(),
		PrefillTimeStdDev:       s.PrefillTimeStdDev.Duration.String(),
		InterTokenLatency:       s.InterTokenLatency.Duration.String(),
		InterTokenLatencyStdDev: s.InterTokenLatencyStdDev.Duration.String(),
		KVCacheTransferLatency:  s.KVCacheTransferLatency.Duration.String(),
		TimeFactorUnderLoad:     *s.TimeFactorUnderLoad,
		FailureRate:             int(*s.Failures.Rate),
	}
	if shared.StartupDuration.Duration > 0 {
		settings.StartupDuration = shared.StartupDuration.Duration.String()
	}
	if len(shared.LoRAs) > 0 {
		settings.LoRAs, settings.MaxLoRAs = shared.LoRAs, int(shared.MaxLoRAs)
		if shared.MaxCPULoRAs != nil {
			settings.MaxCPULoRAs = int(*shared.MaxCPULoRAs)
		}
	}
	if *s.KVCache.Enabled {
		settings.KVCacheBlocks, settings.KVCacheBlockSize = int(*s.KVCache.Blocks), int(shared.KVCache.BlockSize)
	}
	for _, failure := range s.Failures.Types {
		settings.FailureTypes = append(settings.FailureTypes, string(failure))
	}
	return settings
}
