package components

import (
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/envoy"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// standardGatewayUser is the user of the envoy-wrapper image.
const standardGatewayUser = 10101

// gatewayStartSeconds is how long a gateway waits for a simulator that answers. Long, since
// to start Envoy anew would help nobody.
const gatewayStartSeconds = 3600

// Where the bootstrap lies in the gateway's ConfigMap or Secret, and in its pods.
const (
	bootstrapDir  = "/etc/envoy"
	bootstrapFile = "envoy.yaml"
)

// StandardGateway is a plain Envoy that asks the EPP where each request goes.
type StandardGateway struct {
	// Bootstrap is Envoy's configuration, without keys.
	Bootstrap envoy.Bootstrap

	// APIKeys let in requests that show one of them, and no others; the first is the one to
	// use. Secret outputs stay secret. Default: anyone may send.
	APIKeys []pulumi.StringOutput
}

func (s *StandardGateway) objectName() string { return llmd.StandardGatewayName }

func (s *StandardGateway) provision(
	ctx *pulumi.Context, name string, args *InferenceGatewayArgs, opts ...pulumi.ResourceOption,
) (workload, []pulumi.Resource, error) {
	object := s.objectName()
	bootstrap, volume, config, err := s.config(ctx, name+"-config", args.metadata(object, llmd.ComponentGateway, nil, nil), opts...)
	if err != nil {
		return workload{}, nil, err
	}

	c := args.Container.container("envoy")
	// Envoy itself and not the image's entry point, which would merge the file with
	// a second copy of itself.
	c.Command = pulumi.ToStringArray([]string{"/usr/local/bin/envoy"})
	c.Args = pulumi.ToStringArray([]string{
		"-c", bootstrapDir + "/" + bootstrapFile,
		"--service-cluster", object,
		"--service-node", "$(POD_NAME).$(POD_NAMESPACE)",
		"--log-level", "warn",
		// Hot restart needs writable shared memory and is no use in a pod.
		"--disable-hot-restart",
	})
	c.Env = corev1.EnvVarArray{
		podField("POD_NAME", "metadata.name"), podField("POD_NAMESPACE", "metadata.namespace"),
	}
	c.Ports = corev1.ContainerPortArray{
		corev1.ContainerPortArgs{Name: pulumi.String("http"), ContainerPort: pulumi.Int(llmd.GatewayListenPort)},
		corev1.ContainerPortArgs{Name: pulumi.String("probe"), ContainerPort: pulumi.Int(llmd.GatewayProbePort)},
	}
	probePort := pulumi.Int(llmd.GatewayProbePort)
	// Started means that a request is answered, not only that Envoy runs: the pods that
	// answer may take as long as their images to pull.
	c.StartupProbe = httpProbe(llmd.HealthPath, pulumi.Int(llmd.GatewayListenPort), 1, gatewayStartSeconds)
	c.ReadinessProbe = httpProbe("/ready", probePort, 5, 2)
	c.LivenessProbe = httpProbe("/ready", probePort, 10, 3)
	c.VolumeMounts = corev1.VolumeMountArray{corev1.VolumeMountArgs{
		Name: pulumi.String("config"), MountPath: pulumi.String(bootstrapDir), ReadOnly: pulumi.Bool(true),
	}}

	w := args.workload(object, standardGatewayUser, c)
	w.annotations = checksum(bootstrap)
	volume.Name = pulumi.String("config")
	w.volumes = corev1.VolumeArray{volume}
	return w, []pulumi.Resource{config}, nil
}

// config registers what holds the bootstrap: with keys that is a Secret. It returns the
// bootstrap, and how pods mount it.
func (s *StandardGateway) config(
	ctx *pulumi.Context, urn string, metadata *metav1.ObjectMetaArgs, opts ...pulumi.ResourceOption,
) (pulumi.StringInput, corev1.VolumeArgs, pulumi.Resource, error) {
	if len(s.APIKeys) == 0 {
		bootstrap, err := envoy.Build(s.Bootstrap)
		if err != nil {
			return nil, corev1.VolumeArgs{}, nil, err
		}
		config, err := corev1.NewConfigMap(ctx, urn, &corev1.ConfigMapArgs{
			Metadata: metadata,
			Data:     pulumi.StringMap{bootstrapFile: pulumi.String(bootstrap)},
		}, opts...)
		return pulumi.String(bootstrap), corev1.VolumeArgs{
			ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: metadata.Name},
		}, config, err
	}
	keys := make(pulumi.StringArray, len(s.APIKeys))
	for i, key := range s.APIKeys {
		keys[i] = key
	}
	bootstrap := pulumi.ToSecret(keys.ToStringArrayOutput().ApplyT(func(keys []string) (string, error) {
		b := s.Bootstrap
		b.Keys = keys
		return envoy.Build(b)
	})).(pulumi.StringOutput)
	config, err := corev1.NewSecret(ctx, urn, &corev1.SecretArgs{
		Metadata:   metadata,
		Type:       pulumi.String("Opaque"),
		StringData: pulumi.StringMap{bootstrapFile: bootstrap, llmd.APIKey: s.APIKeys[0]},
	}, opts...)
	return bootstrap, corev1.VolumeArgs{Secret: &corev1.SecretVolumeSourceArgs{
		SecretName:  metadata.Name,
		DefaultMode: pulumi.Int(0o440),
		Items: corev1.KeyToPathArray{corev1.KeyToPathArgs{
			Key: pulumi.String(bootstrapFile), Path: pulumi.String(bootstrapFile),
		}},
	}}, config, err
}
