package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	corev1 "k8s.io/api/core/v1"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/release"
	"github.com/llm-d-sim/llm-d-sim/config"
)

// image returns the image that another resource provides, or else the configured one.
func image(provided pulumi.StringInput, configured string) pulumi.StringInput {
	if provided != nil {
		return provided.ToStringOutput() // Its tag, even if it is known, says nothing.
	}
	return pulumi.String(configured)
}

// version returns the configured version of an image. One that is provided is of the release
// that the configuration names, be it by the tag of the image in whose place it comes.
func version(provided pulumi.StringInput, configured string, is release.Release) string {
	if provided != nil {
		return is.Version
	}
	return configured
}

func (c *composer) pullPolicy(image string) string {
	return string(config.PullPolicy(image, c.spec.ImagePullPolicy))
}

func (c *composer) pullSecrets() pulumi.StringArrayInput {
	if c.args.ImagePullSecrets != nil {
		return c.args.ImagePullSecrets
	}
	if len(c.spec.ImagePullSecrets) == 0 {
		return nil
	}
	return pulumi.ToStringArray(c.spec.ImagePullSecrets)
}

func resources(r corev1.ResourceRequirements) *components.Resources {
	return &components.Resources{Requests: quantities(r.Requests), Limits: quantities(r.Limits)}
}

func quantities(list corev1.ResourceList) map[string]string {
	if len(list) == 0 {
		return nil
	}
	m := make(map[string]string, len(list))
	for name, quantity := range list {
		m[string(name)] = quantity.String()
	}
	return m
}

// integer converts a configured number for the components.
func integer(n int32) *int { return new(int(n)) }
