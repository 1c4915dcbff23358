package components

import (
	"encoding/json"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// istioProxyUser is the user of Istio's proxyv2 image.
const istioProxyUser = 1337

// Ports that Istio's proxies open for metrics, health and scraping.
const (
	istioMetricsPort = 15020
	istioHealthPort  = 15021
	istioScrapePort  = 15090
)

// IstioGateway is an Istio proxy in router mode. istiod configures its routes: those of the
// Gateways or VirtualServices that are attached to its pods.
type IstioGateway struct {
	// GatewayName is the Gateway API Gateway whose routes the pods serve: Istio
	// attaches InferencePool routes to pods that carry its name as a label.
	// Default: llmd.IstioGatewayName.
	GatewayName string `pulumi:"gatewayName,optional"`
}

// istioGateway is an IstioGateway with its defaults filled in.
type istioGateway struct{ IstioGateway }

func (i *IstioGateway) withDefaults() *istioGateway {
	return &istioGateway{IstioGateway{GatewayName: or(i.GatewayName, llmd.IstioGatewayName)}}
}

func (*istioGateway) objectName() string { return llmd.IstioGatewayName }

func (*istioGateway) image() string { return llmd.IstioGatewayImage }

func (*istioGateway) metrics() metricsEndpoint {
	return metricsEndpoint{istioScrapePort, llmd.EnvoyMetricsPath}
}

func (*istioGateway) validate() error { return nil }

func (i *istioGateway) provision(
	ctx *pulumi.Context, name string, g *inferenceGateway, opts ...pulumi.ResourceOption,
) (workload, []pulumi.Resource, error) {
	object := i.objectName()
	account, err := corev1.NewServiceAccount(ctx, name+"-service-account", &corev1.ServiceAccountArgs{
		Metadata:                     g.metadata(object, llmd.ComponentGateway, nil, nil),
		AutomountServiceAccountToken: pulumi.Bool(false),
	}, opts...)
	if err != nil {
		return workload{}, nil, err
	}
	podPorts, err := json.Marshal([]map[string]any{
		{"name": "http", "containerPort": llmd.GatewayListenPort, "protocol": "TCP"},
	})
	if err != nil {
		return workload{}, nil, err
	}

	c := g.container("istio-proxy")
	c.Args = pulumi.ToStringArray([]string{
		"proxy", "router",
		"--domain", "$(POD_NAMESPACE).svc." + or(g.ClusterDomain, llmd.ClusterDomain),
		"--proxyLogLevel", "warning",
		"--proxyComponentLogLevel", "misc:error",
		"--log_output_level", "default:info",
	})
	value := func(name string, value pulumi.StringInput) corev1.EnvVarArgs {
		return corev1.EnvVarArgs{Name: pulumi.String(name), Value: value}
	}
	c.Env = corev1.EnvVarArray{
		podField("POD_NAME", "metadata.name"),
		podField("POD_NAMESPACE", "metadata.namespace"),
		podField("INSTANCE_IP", "status.podIP"),
		podField("HOST_IP", "status.hostIP"),
		podField("SERVICE_ACCOUNT", "spec.serviceAccountName"),
		podField("ISTIO_META_NODE_NAME", "spec.nodeName"),
		value("PILOT_CERT_PROVIDER", pulumi.String("istiod")),
		value("CA_ADDR", pulumi.String("istiod.istio-system.svc:15012")),
		value("PROXY_CONFIG", pulumi.String("{}")),
		value("ISTIO_META_POD_PORTS", pulumi.String(podPorts)),
		value("ISTIO_META_CLUSTER_ID", pulumi.String("Kubernetes")),
		value("ISTIO_META_WORKLOAD_NAME", pulumi.String(object)),
		value("ISTIO_META_OWNER", pulumi.Sprintf("kubernetes://apis/apps/v1/namespaces/%s/deployments/%s",
			g.namespace, object)),
		value("ISTIO_META_MESH_ID", pulumi.String("cluster.local")),
		value("TRUST_DOMAIN", pulumi.String("cluster.local")),
	}
	c.Ports = corev1.ContainerPortArray{
		containerPort("http", llmd.GatewayListenPort), containerPort("metrics", istioMetricsPort),
		containerPort("status", istioHealthPort), containerPort("http-envoy-prom", istioScrapePort),
	}
	ready := pulumi.Int(istioHealthPort)
	c.StartupProbe = httpProbe("/healthz/ready", ready, 1, 60)
	c.ReadinessProbe = httpProbe("/healthz/ready", ready, 5, 4)

	w := g.workload(istioProxyUser, c)
	w.serviceAccount = object
	w.labels[gatewayNameLabel] = i.GatewayName
	w.labels["istio"] = object
	c.VolumeMounts, w.volumes = istioVolumes()
	return w, []pulumi.Resource{account}, nil
}

// istioVolumes returns the directories in which pilot-agent finds its identity and
// writes Envoy's configuration, as Istio's injection template (1.28) lays them out.
func istioVolumes() (corev1.VolumeMountArray, corev1.VolumeArray) {
	scratch := corev1.VolumeArgs{EmptyDir: &corev1.EmptyDirVolumeSourceArgs{}}
	memory := corev1.VolumeArgs{EmptyDir: &corev1.EmptyDirVolumeSourceArgs{Medium: pulumi.String("Memory")}}
	podFile := func(path, field string) corev1.DownwardAPIVolumeFileArgs {
		return corev1.DownwardAPIVolumeFileArgs{
			Path:     pulumi.String(path),
			FieldRef: &corev1.ObjectFieldSelectorArgs{FieldPath: pulumi.String(field)},
		}
	}
	var mounts corev1.VolumeMountArray
	var volumes corev1.VolumeArray
	for _, v := range []struct {
		name, path string
		volume     corev1.VolumeArgs
	}{
		{"workload-socket", "/var/run/secrets/workload-spiffe-uds", scratch},
		{"credential-socket", "/var/run/secrets/credential-uds", scratch},
		{"workload-certs", "/var/run/secrets/workload-spiffe-credentials", scratch},
		{"istio-data", "/var/lib/istio/data", scratch},
		{"istio-envoy", "/etc/istio/proxy", memory},
		{"istiod-ca-cert", "/var/run/secrets/istio", corev1.VolumeArgs{
			ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: pulumi.String("istio-ca-root-cert")},
		}},
		{"istio-token", "/var/run/secrets/tokens", corev1.VolumeArgs{
			Projected: &corev1.ProjectedVolumeSourceArgs{Sources: corev1.VolumeProjectionArray{
				corev1.VolumeProjectionArgs{ServiceAccountToken: &corev1.ServiceAccountTokenProjectionArgs{
					Audience: pulumi.String("istio-ca"), Path: pulumi.String("istio-token"),
					// Half a day, as Istio requests; the kubelet renews it.
					ExpirationSeconds: pulumi.Int(43200),
				}},
			}},
		}},
		{"istio-podinfo", "/etc/istio/pod", corev1.VolumeArgs{
			DownwardAPI: &corev1.DownwardAPIVolumeSourceArgs{Items: corev1.DownwardAPIVolumeFileArray{
				podFile("labels", "metadata.labels"), podFile("annotations", "metadata.annotations"),
			}},
		}},
	} {
		v.volume.Name = pulumi.String(v.name)
		volumes = append(volumes, v.volume)
		mounts = append(mounts, corev1.VolumeMountArgs{
			Name: pulumi.String(v.name), MountPath: pulumi.String(v.path),
		})
	}
	return mounts, volumes
}
