package config

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/simulator"
)

// Default returns the configuration of a stack that sets nothing.
func Default() Spec {
	stage := Stage{
		Replicas: llmd.StageReplicas, Port: llmd.SimulatorPort, LogVerbosity: llmd.SimulatorVerbosity,
		Autoscaling: Autoscaling{
			Scaler: ScalerKEDA, MinReplicas: llmd.StageReplicas, MaxReplicas: llmd.StageMaxReplicas,
			RequestsPerPod: llmd.RequestsPerPod, ScaleDownAfter: metav1.Duration{Duration: llmd.ScaleDownAfter},
			KEDANamespace: llmd.KEDANamespace,
		},
	}
	return Spec{
		Name:            "llm-sim",
		Namespace:       "llm-d-sim",
		CreateNamespace: true,
		ClusterDomain:   llmd.ClusterDomain,
		ReadyTimeout:    metav1.Duration{Duration: 5 * time.Minute},
		Replicas:        llmd.StageReplicas,
		Image:           llmd.SimulatorImage,
		LogVerbosity:    llmd.SimulatorVerbosity,
		Resources:       requests("100m", "256Mi"),
		Service:         Service{Name: llmd.ProxyServiceName, Port: llmd.SimulatorPort, Type: corev1.ServiceTypeClusterIP},
		Gateway:         Gateway{ClassName: llmd.IstioClassName, RouteName: llmd.StandardGatewayName},
		LoadBalancing:   LoadBalancing{Algorithm: RoundRobin},
		EPP: EPP{
			Replicas:  1,
			Image:     llmd.EPPImage,
			Port:      llmd.EPPServicePort,
			Verbosity: llmd.EPPVerbosity,

			PluginsConfigCheck: true,

			PrefixCache: PrefixCacheApproximate,
			Resources:   requests("100m", "128Mi"),
		},
		InferenceGateway: InferenceGateway{
			Standard:     gatewayInstance(llmd.StandardGatewayImage),
			Istio:        gatewayInstance(llmd.IstioGatewayImage),
			Auth:         GatewayAuth{KeyGeneration: 1},
			DrainTimeout: metav1.Duration{Duration: llmd.DrainTimeout},
		},
		Monitoring: Monitoring{
			Operator:   true,
			Interval:   metav1.Duration{Duration: llmd.ScrapeInterval},
			Prometheus: Prometheus{Namespace: llmd.PrometheusNamespace},
			Alerts: Alerts{
				After:       metav1.Duration{Duration: llmd.AlertAfter},
				QueueLength: llmd.AlertQueueLength, ErrorPercent: llmd.AlertErrorPercent,
			},
		},
		Tracing:     Tracing{Sampling: llmd.TraceSampling},
		PodSecurity: PodSecurity{FixedIDs: true},
		Prefill:     stage,
		Decode: DecodeStage{
			Stage: stage,
			RoutingSidecar: RoutingSidecar{
				Enabled:   true,
				Image:     llmd.RoutingSidecarImage,
				Resources: requests("50m", "64Mi"),
			},
		},
		Simulator: Simulator{
			Model: simulator.DefaultModel, MaxModelLen: simulator.DefaultMaxModelLen,
			MaxRequestMiB: simulator.DefaultMaxRequestMiB, MaxLoRAs: 1,
			KVCache: KVCache{BlockSize: simulator.DefaultKVCacheBlockSize},
		},
	}
}

func gatewayInstance(image string) GatewayInstance {
	return GatewayInstance{
		Replicas:  1,
		Image:     image,
		Port:      llmd.GatewayServicePort,
		Resources: requests("100m", "128Mi"),
	}
}

// requests returns small requests, about what the pods use. There are no limits: a
// throttled proxy would distort measurements.
func requests(cpu, memory string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse(cpu),
		corev1.ResourceMemory: resource.MustParse(memory),
	}}
}

// PullPolicy returns the pull policy for an image: the configured one, or
// IfNotPresent for the tag `local`, which no registry has. Empty leaves it to Kubernetes.
func PullPolicy(image string, configured corev1.PullPolicy) corev1.PullPolicy {
	if configured == "" && strings.HasSuffix(image, ":local") {
		return corev1.PullIfNotPresent
	}
	return configured
}

// simulatorDefaults are the settings of a simulator for which none are configured.
var simulatorDefaults = func() StageSimulator {
	s := costs(simulator.Profile{TimeFactorUnderLoad: 1, MaxNumSeqs: simulator.DefaultMaxNumSeqs})
	s.KVCache = StageKVCache{Enabled: new(false), Blocks: new(int32(1024))}
	s.Failures = Failures{Rate: new(int32(0))}
	return s
}()
