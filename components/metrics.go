package components

import (
	"strconv"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// Metrics opens the metrics of a component's pods to a Prometheus.
type Metrics struct {
	// Annotations adds prometheus.io/scrape, port and path to the pods, for a Prometheus that
	// follows them. Default: none; Monitoring creates monitors for the Prometheus Operator.
	Annotations bool `pulumi:"annotations,optional"`

	// PrometheusNamespace is where the pods run that a network policy lets in.
	// Default: llmd.PrometheusNamespace.
	PrometheusNamespace string `pulumi:"prometheusNamespace,optional"`

	// PrometheusLabels select these pods. Default: app.kubernetes.io/name=prometheus.
	PrometheusLabels map[string]string `pulumi:"prometheusLabels,optional"`
}

// MonitorTarget is where a component serves metrics, for Monitoring.
type MonitorTarget struct {
	// Name is the label app.kubernetes.io/name of the pods and of the Service, and the job that
	// Prometheus knows the metrics by.
	Name string `pulumi:"name"`

	// Service says that the Service has the port, so that a ServiceMonitor selects it. Otherwise a
	// PodMonitor selects the pods.
	Service bool `pulumi:"service,optional"`

	// Port is the name of the port.
	Port string `pulumi:"port"`

	// Path of the metrics.
	Path string `pulumi:"path"`
}

// metricsPortName is the name of a Service's port for metrics, as llm-d's charts have it.
const metricsPortName = "http-metrics"

// metricsEndpoint is where a pod serves its metrics.
type metricsEndpoint struct {
	port int
	path string
}

// onService returns the target of an endpoint that the Service `name` has a port for.
func (e metricsEndpoint) onService(name string) MonitorTarget {
	return MonitorTarget{Name: name, Service: true, Port: metricsPortName, Path: e.path}
}

// servicePorts adds the port for metrics to the ports of a Service, if a Prometheus reads them.
func (c common) servicePorts(e metricsEndpoint, ports ...corev1.ServicePortInput) corev1.ServicePortArray {
	if c.metrics != nil {
		ports = append(ports, corev1.ServicePortArgs{
			Name: pulumi.String(metricsPortName), Port: pulumi.Int(e.port), TargetPort: pulumi.Int(e.port),
		})
	}
	return ports
}

// annotations adds those for a Prometheus without the operator to the pods' own.
func (c common) annotations(own pulumi.StringMap, e metricsEndpoint) pulumi.StringMap {
	if c.metrics == nil || !c.metrics.Annotations {
		return own
	}
	all := pulumi.StringMap{
		"prometheus.io/scrape": pulumi.String("true"),
		"prometheus.io/port":   pulumi.String(strconv.Itoa(e.port)),
		"prometheus.io/path":   pulumi.String(e.path),
	}
	for key, value := range own {
		all[key] = value
	}
	return all
}

// fromPrometheus lets the Prometheus read metrics, if there is one.
func (c common) fromPrometheus(e metricsEndpoint) networkingv1.NetworkPolicyIngressRuleArray {
	if c.metrics == nil {
		return nil
	}
	podLabels := c.metrics.PrometheusLabels
	if podLabels == nil {
		podLabels = map[string]string{llmd.PrometheusLabel: llmd.PrometheusLabelValue}
	}
	return networkingv1.NetworkPolicyIngressRuleArray{networkingv1.NetworkPolicyIngressRuleArgs{
		Ports: networkPolicyPort(e.port),
		From: networkingv1.NetworkPolicyPeerArray{
			fromNamespace(or(c.metrics.PrometheusNamespace, llmd.PrometheusNamespace), podLabels),
		},
	}}
}
