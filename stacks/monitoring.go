package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/config"
)

func monitoringEnabled(spec *config.Spec) bool { return spec.Monitoring.Enabled }

// metrics returns how the parts open their metrics, nil if they do not.
func (c *composer) metrics() *components.Metrics {
	m := c.spec.Monitoring
	if !m.Enabled {
		return nil
	}
	return &components.Metrics{
		Annotations: !m.Operator, PrometheusNamespace: m.Prometheus.Namespace, PrometheusLabels: m.Prometheus.PodLabels,
	}
}

// monitoring registers what Prometheus and Grafana need for the parts before it.
func (c *composer) monitoring() error {
	s, m := c.spec, c.spec.Monitoring
	args := &components.MonitoringArgs{
		Namespace:        c.Namespace,
		Instance:         s.Name,
		Decode:           s.DecodeName(),
		Models:           s.ModelKeys(),
		SimulatorVersion: s.SimulatorRelease().Version,
		KVCache:          s.KVCache(),
		EPP:              s.EPP.Enabled,
		PrefillDecode:    s.Sidecar(),
		StandardGateway:  s.StandardGateway(),
	}
	if s.EPP.Enabled {
		args.EPPVersion = s.EPPRelease().Version
	}
	if m.Operator {
		args.Operator = &components.PrometheusOperator{
			Targets:      c.targets,
			Labels:       m.Labels,
			Interval:     m.Interval.Duration.String(),
			AlertAfter:   m.Alerts.After.Duration.String(),
			QueueLength:  int(m.Alerts.QueueLength),
			ErrorPercent: int(m.Alerts.ErrorPercent),
		}
	}
	monitoring, err := components.NewMonitoring(c.ctx, c.name+"-monitoring", args, c.child())
	if err != nil {
		return err
	}
	look := pulumi.Map{"dashboard": monitoring.Dashboard}
	if m.Operator {
		jobs := pulumi.StringArray{}
		for _, target := range c.targets {
			jobs = append(jobs, pulumi.String(target.Name))
		}
		look["alerts"], look["jobs"] = monitoring.Alerts, jobs
	}
	c.Monitoring = look.ToMapOutput()
	return nil
}
