package components

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
	"github.com/llm-d-sim/llm-d-sim/components/routingsidecar"
)

// RoutingSidecar describes llm-d's prefill/decode routing sidecar.
type RoutingSidecar struct {
	// Image of the sidecar. Default: llmd.RoutingSidecarImage.
	Image pulumi.StringInput `pulumi:"image,optional"`

	// Version of the sidecar, such as v0.10.0, if the image's tag does not say it. Default:
	// the version in the tag; the newest known release if the tag is not a version.
	Version string `pulumi:"version,optional"`

	// ImagePullPolicy is Always, IfNotPresent or Never. Default: Kubernetes' own rule.
	ImagePullPolicy string `pulumi:"imagePullPolicy,optional"`

	// Resources of the container. Default: none.
	Resources *Resources `pulumi:"resources,optional"`

	// Tracing sends the spans of requests to a collector, for sidecars from v0.9.0 on. Default: none.
	Tracing *Tracing `pulumi:"tracing,optional"`
}

// routingSidecar is a RoutingSidecar with its defaults filled in.
type routingSidecar struct {
	container
	release release.Sidecar
	tracing *Tracing
}

func (r *RoutingSidecar) withDefaults() (*routingSidecar, error) {
	s := &routingSidecar{
		container: container{orImage(r.Image, llmd.RoutingSidecarImage), r.ImagePullPolicy, r.Resources},
		tracing:   r.Tracing,
	}
	var err error
	if s.release, err = release.SidecarOf(knownImage(s.image), r.Version); err != nil {
		return nil, fmt.Errorf("image of the routing sidecar %w", err)
	}
	if r.Tracing != nil && !s.release.TracingFlag {
		return nil, fmt.Errorf("routing sidecar %s cannot be told to trace", s.release.Version)
	}
	return s, r.Tracing.validate()
}

func (a *modelServiceStage) routingSidecar() *corev1.ContainerArgs {
	c := a.sidecar.args("routing-sidecar")
	c.Args = pulumi.ToStringArray(routingsidecar.Args(routingsidecar.Options{
		Release: a.sidecar.release, Port: int32(a.Port), ModelServerPort: int32(a.simulatorPort()),
		Tracing: a.sidecar.tracing != nil,
	}))
	c.Env = a.sidecar.tracing.environment(a.Name)
	c.Ports = corev1.ContainerPortArray{containerPort("http", a.Port)}
	c.ReadinessProbe = httpProbe(llmd.HealthPath, pulumi.String("http"), 5, 2)
	c.LivenessProbe = httpProbe(llmd.HealthPath, pulumi.String("http"), 10, 3)
	c.Lifecycle = sleepBeforeStop(stageSleepSeconds)
	return c
}
