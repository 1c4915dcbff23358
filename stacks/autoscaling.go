package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/config"
)

func prefillAutoscaled(spec *config.Spec) bool { return spec.PrefillStage().Autoscaling.Enabled }

func decodeAutoscaled(spec *config.Spec) bool { return spec.DecodeStage().Autoscaling.Enabled }

func kedaScalesPrefill(spec *config.Spec) bool { return spec.PrefillStage().KEDAScales() }

func kedaScalesDecode(spec *config.Spec) bool { return spec.DecodeStage().KEDAScales() }

func (c *composer) autoscalePrefill() error {
	return c.autoscaler(c.part("prefill-autoscaler"), c.spec.PrefillStage(), c.prefillName)
}

func (c *composer) autoscaleDecode() error {
	return c.autoscaler(c.part("decode-autoscaler"), c.spec.DecodeStage(), c.decodeName)
}

// autoscaler registers what makes KEDA scale a stage, which has a headless Service of its name.
func (c *composer) autoscaler(name string, stage config.Stage, deployment pulumi.StringInput) error {
	scaling := stage.Autoscaling
	_, err := components.NewAutoscaler(c.ctx, name, &components.AutoscalerArgs{
		Namespace:      c.Namespace,
		Instance:       c.spec.Name,
		Stage:          deployment,
		Port:           int(stage.Port),
		MinReplicas:    int(scaling.MinReplicas),
		MaxReplicas:    int(scaling.MaxReplicas),
		RequestsPerPod: int(scaling.RequestsPerPod),
		ScaleDownAfter: scaling.ScaleDownAfter.Duration.String(),
		ClusterDomain:  c.spec.ClusterDomain,
		ReadyTimeout:   c.spec.ReadyTimeout.Duration.String(),
	}, c.child())
	return err
}
