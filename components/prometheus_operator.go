package components

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/monitoring"
)

// PrometheusOperator describes the objects for the Prometheus Operator.
type PrometheusOperator struct {
	// Targets are what components of this package serve, their Target. Default: none.
	Targets []MonitorTarget `pulumi:"targets,optional"`

	// Labels are those that a Prometheus selects the objects by. Default: none.
	Labels map[string]string `pulumi:"labels,optional"`

	// Interval between two scrapes, a duration such as 15s. Default: llmd.ScrapeInterval.
	Interval string `pulumi:"interval,optional"`

	// AlertAfter is how long an alert's condition has to hold, a duration such as 1m. Default:
	// llmd.AlertAfter.
	AlertAfter string `pulumi:"alertAfter,optional"`

	// QueueLength is the number of requests that may wait in a decode pod, on average.
	// Default: llmd.AlertQueueLength.
	QueueLength int `pulumi:"queueLength,optional"`

	// ErrorPercent is the share of requests that may fail. Default: llmd.AlertErrorPercent.
	ErrorPercent int `pulumi:"errorPercent,optional"`
}

// prometheusOperator is a PrometheusOperator with its defaults filled in.
type prometheusOperator struct {
	PrometheusOperator
	interval time.Duration
	bounds   monitoring.Bounds
}

func (p *PrometheusOperator) withDefaults() (*prometheusOperator, error) {
	o := &prometheusOperator{PrometheusOperator: *p, bounds: monitoring.Bounds{
		QueueLength: or(p.QueueLength, llmd.AlertQueueLength), ErrorPercent: or(p.ErrorPercent, llmd.AlertErrorPercent),
	}}
	var err error
	if o.interval, err = positive("interval", or(p.Interval, llmd.ScrapeInterval.String())); err != nil {
		return nil, err
	}
	o.bounds.After, err = positive("alert after", or(p.AlertAfter, llmd.AlertAfter.String()))
	return o, err
}

func positive(field, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s must be a positive duration such as 15s, got %q", field, text)
	}
	return d, nil
}

// object registers an object of the operator's.
func (m *monitor) object(
	ctx *pulumi.Context, name, kind, object string, spec pulumi.Input, opts ...pulumi.ResourceOption,
) (*apiextensions.CustomResource, error) {
	return apiextensions.NewCustomResource(ctx, name, &apiextensions.CustomResourceArgs{
		ApiVersion:  pulumi.String("monitoring.coreos.com/v1"),
		Kind:        pulumi.String(kind),
		Metadata:    m.metadata(object, llmd.ComponentMonitoring, m.operator.Labels, nil),
		OtherFields: kubernetes.UntypedArgs{"spec": spec},
	}, opts...)
}

// monitors registers a monitor for each target, of its name.
func (m *monitor) monitors(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) error {
	for _, t := range m.operator.Targets {
		kind, endpoints := "PodMonitor", "podMetricsEndpoints"
		if t.Service {
			kind, endpoints = "ServiceMonitor", "endpoints"
		}
		if _, err := m.object(ctx, name+"-"+t.Name, kind, t.Name, pulumi.Map{
			"selector": pulumi.Map{"matchLabels": pulumi.ToStringMap(selector(t.Name))},
			// The job is called like the Deployment.
			"jobLabel": pulumi.String("app.kubernetes.io/name"),
			endpoints: pulumi.Array{pulumi.Map{
				"port": pulumi.String(t.Port), "path": pulumi.String(t.Path),
				"interval": pulumi.String(monitoring.Duration(m.operator.interval)),
			}},
		}, opts...); err != nil {
			return err
		}
	}
	return nil
}

// alerts registers the PrometheusRule and returns its name.
func (m *monitor) alerts(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) (pulumi.StringOutput, error) {
	spec := m.namespace.ToStringOutput().ApplyT(func(namespace string) (map[string]any, error) {
		group := m.in(namespace).Alerts(m.operator.bounds, m.operator.interval)
		raw, err := json.Marshal(map[string]any{"groups": []monitoring.Group{group}})
		if err != nil {
			return nil, err
		}
		var tree map[string]any
		err = json.Unmarshal(raw, &tree)
		return tree, err
	})
	rule, err := m.object(ctx, name, "PrometheusRule", llmd.MonitoringName, spec, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	return rule.Metadata.Name().Elem(), nil
}
