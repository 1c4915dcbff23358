package components

import (
	"errors"
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/monitoring"
	"github.com/llm-d-sim/llm-d-sim/components/release"
)

// MonitoringArgs describes how a stack is monitored. Only Namespace is required.
type MonitoringArgs struct {
	// Namespace of every object, and of what is monitored. Required.
	Namespace pulumi.StringInput `pulumi:"namespace"`

	// Instance is the app.kubernetes.io/instance label of every object.
	// Default: the component's name.
	Instance string `pulumi:"instance,optional"`

	// Decode is the name of the decode stage's Deployment. Default: llmd.DecodeName.
	Decode string `pulumi:"decode,optional"`

	// Models are further models, by the Model of their stages and EPPs, whose objects are called like
	// those of the own model with Model appended. Default: none.
	Models []string `pulumi:"models,optional"`

	// SimulatorVersion is the version of the simulators, such as v0.10.2. Default: the newest known
	// one.
	SimulatorVersion string `pulumi:"simulatorVersion,optional"`

	// KVCache says that the simulators have a cache of prompts. Default: false.
	KVCache bool `pulumi:"kvCache,optional"`

	// EPP says that there is an EPP. Default: false.
	EPP bool `pulumi:"epp,optional"`

	// EPPVersion is the version of the EPP, such as v0.10.0. Default: the newest known one.
	EPPVersion string `pulumi:"eppVersion,optional"`

	// PrefillDecode says that the EPP sends long prompts to prefill pods first. Default: false.
	PrefillDecode bool `pulumi:"prefillDecode,optional"`

	// StandardGateway says that there is a standard gateway. Default: false.
	StandardGateway bool `pulumi:"standardGateway,optional"`

	// Operator creates monitors and alerts for the Prometheus Operator, whose CRDs they need.
	// Default: only the dashboard.
	Operator *PrometheusOperator `pulumi:"operator,optional"`
}

// Monitoring is a dashboard for Grafana, in a ConfigMap that its sidecar loads, and optionally the
// objects that make a Prometheus Operator's Prometheus scrape the stack and check its alerts.
type Monitoring struct {
	pulumi.ResourceState

	// Dashboard is the path of the dashboard in Grafana.
	Dashboard pulumi.StringOutput `pulumi:"dashboard"`
	// Alerts is the name of the PrometheusRule, empty without one.
	Alerts pulumi.StringOutput `pulumi:"alerts"`
}

// monitor is a MonitoringArgs with its defaults filled in.
type monitor struct {
	common
	stack    monitoring.Stack
	operator *prometheusOperator
}

func (a *MonitoringArgs) withDefaults(name string) (*monitor, error) {
	if a == nil {
		return nil, errors.New("args are required")
	}
	m := &monitor{common: common{namespace: a.Namespace, instance: or(a.Instance, name)}}
	m.stack = monitoring.Stack{
		Decode: or(a.Decode, llmd.DecodeName), Models: a.Models, KVCache: a.KVCache,
		PrefillDecode: a.PrefillDecode, StandardGateway: a.StandardGateway,
	}
	errs := []error{m.validate()}
	var err error
	if m.stack.Simulator, err = release.SimulatorOf(newestImage, a.SimulatorVersion); err != nil {
		errs = append(errs, fmt.Errorf("simulator version %w", err))
	}
	if a.EPP {
		m.stack.EPP = llmd.EPPName
		if m.stack.EPPRelease, err = release.EPPOf(newestImage, a.EPPVersion); err != nil {
			errs = append(errs, fmt.Errorf("EPP version %w", err))
		}
	}
	if a.Operator != nil {
		m.operator, err = a.Operator.withDefaults()
		errs = append(errs, err)
	}
	return m, errors.Join(errs...)
}

// NewMonitoring registers the dashboard, monitors and alerts.
func NewMonitoring(
	ctx *pulumi.Context, name string, args *MonitoringArgs, opts ...pulumi.ResourceOption,
) (*Monitoring, error) {
	a, err := args.withDefaults(name)
	if err != nil {
		return nil, fmt.Errorf("monitoring %s: %w", name, err)
	}
	m := &Monitoring{}
	if err := ctx.RegisterComponentResourceV2(typeToken("Monitoring"), name, inputs(args), m, opts...); err != nil {
		return nil, err
	}
	if err := a.dashboard(ctx, name+"-dashboard", pulumi.Parent(m)); err != nil {
		return nil, err
	}
	m.Dashboard = a.namespace.ToStringOutput().ApplyT(func(namespace string) string {
		return "/d/" + monitoring.DashboardUID(namespace)
	}).(pulumi.StringOutput)
	m.Alerts = pulumi.String("").ToStringOutput()
	if a.operator != nil {
		if err := a.monitors(ctx, name, pulumi.Parent(m)); err != nil {
			return nil, err
		}
		if m.Alerts, err = a.alerts(ctx, name+"-alerts", pulumi.Parent(m)); err != nil {
			return nil, err
		}
	}
	return m, ctx.RegisterResourceOutputs(m, pulumi.Map{"dashboard": m.Dashboard, "alerts": m.Alerts})
}

// in returns what is monitored in a namespace, which another resource may provide.
func (m *monitor) in(namespace string) monitoring.Stack {
	s := m.stack
	s.Namespace = namespace
	return s
}

// dashboard registers the ConfigMap. Grafana's sidecar writes the dashboards of all namespaces into
// one folder, so the name of the file has to be unique there.
func (m *monitor) dashboard(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) error {
	data := m.namespace.ToStringOutput().ApplyT(func(namespace string) (map[string]string, error) {
		board, err := m.in(namespace).Dashboard()
		return map[string]string{"llm-d-sim-" + namespace + ".json": board}, err
	}).(pulumi.StringMapOutput)
	_, err := corev1.NewConfigMap(ctx, name, &corev1.ConfigMapArgs{
		Metadata: m.metadata(llmd.MonitoringName, llmd.ComponentMonitoring, map[string]string{llmd.DashboardLabel: "1"}, nil),
		Data:     data,
	}, opts...)
	return err
}
