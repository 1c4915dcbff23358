package components

import (
	"errors"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/envoy"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/simulator"
)

// standardGatewayUser is the user of the envoy-wrapper image.
const standardGatewayUser = 10101

// gatewayStartSeconds is how long a gateway waits for a simulator to answer. It is long,
// since restarting Envoy would not help.
const gatewayStartSeconds = 3600

// Where the bootstrap is stored in the gateway's ConfigMap or Secret, and mounted in its
// pods.
const (
	bootstrapDir  = "/etc/envoy"
	bootstrapFile = "envoy.yaml"
)

// StandardGateway is a plain Envoy that asks the EPP where each request goes.
type StandardGateway struct {
	// Backend is the headless Service of the decode pods, in the gateway's namespace.
	// Default: llmd.DecodeName.
	Backend string `pulumi:"backend,optional"`

	// BackendPort is the port of Backend. Default: llmd.SimulatorPort.
	BackendPort int `pulumi:"backendPort,optional"`

	// EPP is the Service of the EPP that picks the pods, in the gateway's namespace. Default:
	// none, Algorithm balances the requests.
	EPP string `pulumi:"epp,optional"`

	// EPPPort is the port of EPP. Default: llmd.EPPServicePort.
	EPPPort int `pulumi:"eppPort,optional"`

	// EPPSecure uses TLS to the EPP, without verifying its self-signed certificate. Default:
	// plain HTTP/2.
	EPPSecure bool `pulumi:"eppSecure,optional"`

	// EPPSinglePrompts says that the EPP refuses lists of prompts and tokens, as those before
	// v0.8 do; errors then say so. Default: it reads them.
	EPPSinglePrompts bool `pulumi:"eppSinglePrompts,optional"`

	// StripFairness removes the headers by which clients name a tenant to the EPP, such as
	// x-gateway-inference-fairness-id. Default: they pass.
	StripFairness bool `pulumi:"stripFairness,optional"`

	// MaxRequestMiB is the largest request body that the simulators read, in MiB; a larger one is
	// answered 413. Default: 4, the simulators' own.
	MaxRequestMiB int `pulumi:"maxRequestMiB,optional"`

	// ModelNames are those that the pods of Backend answer to: of the model and of its adapters.
	// Required with Models.
	ModelNames []string `pulumi:"modelNames,optional"`

	// Models are further models: a request that names one of them, in the field model of its JSON,
	// goes to the Services of that model, and any other to Backend. Default: none.
	Models []GatewayModel `pulumi:"models,optional"`

	// Algorithm balances requests that no EPP schedules: ROUND_ROBIN, LEAST_REQUEST, RANDOM or
	// LEAST_CONN, which means LEAST_REQUEST. Default: ROUND_ROBIN.
	Algorithm string `pulumi:"algorithm,optional"`

	// Tracing sends the spans of requests to a collector. Default: none.
	Tracing *Tracing `pulumi:"tracing,optional"`
}

// standardGateway is Envoy's configuration, without namespace and keys.
type standardGateway struct {
	envoy.Bootstrap
	tracing *Tracing
}

func (s *StandardGateway) withDefaults(clusterDomain string) *standardGateway {
	if s == nil {
		s = &StandardGateway{}
	}
	b := envoy.Bootstrap{
		Backend: envoy.Upstream{
			Host: or(s.Backend, llmd.DecodeName), Port: int32(or(s.BackendPort, llmd.SimulatorPort)),
		},
		Algorithm:     or(s.Algorithm, llmd.RoundRobin),
		MaxRequestMiB: int32(or(s.MaxRequestMiB, simulator.DefaultMaxRequestMiB)),

		ClusterDomain: clusterDomain,
	}
	if s.EPP != "" {
		b.EPP = &envoy.Upstream{Host: s.EPP, Port: int32(or(s.EPPPort, llmd.EPPServicePort))}
		b.EPPSecure, b.SinglePrompts, b.StripFairness = s.EPPSecure, s.EPPSinglePrompts, s.StripFairness
	}
	if len(s.Models) > 0 {
		b.Names = s.ModelNames
	}
	b.Models, b.Tracing = forEnvoy(s.Models), s.Tracing.forEnvoy()
	return &standardGateway{b, s.Tracing}
}

func (*standardGateway) objectName() string { return llmd.StandardGatewayName }

func (*standardGateway) image() string { return llmd.StandardGatewayImage }

func (*standardGateway) metrics() metricsEndpoint {
	return metricsEndpoint{llmd.GatewayProbePort, llmd.EnvoyMetricsPath}
}

func (s *standardGateway) validate() error {
	if err := errors.Join(checkModels(s.Names, s.Models), s.tracing.validate()); err != nil {
		return err
	}
	_, err := s.build("namespace") // Any will do: the real one may come from another resource.
	return err
}

// build returns the bootstrap for a namespace, as YAML.
func (s *standardGateway) build(namespace string, keys ...string) (string, error) {
	b := s.Bootstrap
	b.Namespace, b.Keys = namespace, keys
	return envoy.Build(b)
}

func (s *standardGateway) provision(
	ctx *pulumi.Context, name string, g *inferenceGateway, opts ...pulumi.ResourceOption,
) (workload, []pulumi.Resource, error) {
	object := s.objectName()
	bootstrap, volume, config, err := s.config(ctx, name+"-config", g, opts...)
	if err != nil {
		return workload{}, nil, err
	}

	c := g.container("envoy")
	// Envoy itself rather than the image's entry point, which would merge the file with a
	// second copy of itself.
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
		containerPort("http", llmd.GatewayListenPort), containerPort("probe", llmd.GatewayProbePort),
	}
	probePort := pulumi.Int(llmd.GatewayProbePort)
	// Started means that a request is answered, not only that Envoy runs: the pods that answer
	// may take as long as pulling their images does.
	c.StartupProbe = httpProbe(llmd.HealthPath, pulumi.Int(llmd.GatewayListenPort), 1, gatewayStartSeconds)
	c.ReadinessProbe = httpProbe("/ready", probePort, 5, 2)
	c.LivenessProbe = httpProbe("/ready", probePort, 10, 3)
	c.VolumeMounts = corev1.VolumeMountArray{corev1.VolumeMountArgs{
		Name: pulumi.String("config"), MountPath: pulumi.String(bootstrapDir), ReadOnly: pulumi.Bool(true),
	}}

	w := g.workload(standardGatewayUser, c)
	w.annotations = checksum(bootstrap)
	volume.Name = pulumi.String("config")
	w.volumes = corev1.VolumeArray{volume}
	return w, []pulumi.Resource{config}, nil
}

// config registers the object that holds the bootstrap: a Secret if there are keys,
// otherwise a ConfigMap. It returns the bootstrap, and how pods mount it.
func (s *standardGateway) config(
	ctx *pulumi.Context, name string, g *inferenceGateway, opts ...pulumi.ResourceOption,
) (pulumi.StringInput, corev1.VolumeArgs, pulumi.Resource, error) {
	metadata := g.metadata(s.objectName(), llmd.ComponentGateway, nil, nil)
	if g.APIKeys == nil {
		bootstrap := g.namespace.ToStringOutput().ApplyT(func(namespace string) (string, error) {
			return s.build(namespace)
		}).(pulumi.StringOutput)
		config, err := corev1.NewConfigMap(ctx, name, &corev1.ConfigMapArgs{
			Metadata: metadata,
			Data:     pulumi.StringMap{bootstrapFile: bootstrap},
		}, opts...)
		return bootstrap, corev1.VolumeArgs{
			ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: metadata.Name},
		}, config, err
	}
	keys := pulumi.ToSecret(g.APIKeys).(pulumi.StringArrayOutput)
	bootstrap := pulumi.All(g.namespace, keys).ApplyT(func(args []any) (string, error) {
		return s.build(args[0].(string), args[1].([]string)...)
	}).(pulumi.StringOutput)
	config, err := corev1.NewSecret(ctx, name, &corev1.SecretArgs{
		Metadata:   metadata,
		Type:       pulumi.String("Opaque"),
		StringData: pulumi.StringMap{bootstrapFile: bootstrap, llmd.APIKey: keys.Index(pulumi.Int(0))},
	}, opts...)
	return bootstrap, corev1.VolumeArgs{Secret: &corev1.SecretVolumeSourceArgs{
		SecretName:  metadata.Name,
		DefaultMode: pulumi.Int(0o440),
		Items: corev1.KeyToPathArray{corev1.KeyToPathArgs{
			Key: pulumi.String(bootstrapFile), Path: pulumi.String(bootstrapFile),
		}},
	}}, config, err
}
