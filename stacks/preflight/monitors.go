package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

var prometheuses = schema.GroupVersionResource{Group: "monitoring.coreos.com", Version: "v1", Resource: "prometheuses"}

// selectorFields are the beginnings of the two fields by which a Prometheus selects the objects of a
// kind: Selector is for their labels, NamespaceSelector for those of their namespace.
var selectorFields = map[string]string{
	"PodMonitor": "podMonitor", "ServiceMonitor": "serviceMonitor", "PrometheusRule": "rule",
}

// unselectedMonitors returns a warning about the kinds of objects that no Prometheus selects. They are
// no reason to refuse: something else may read them. Nothing is said where there is no Prometheus, or
// none that may be read.
func (c *checker) unselectedMonitors(ctx context.Context) ([]string, error) {
	monitors := slices.DeleteFunc(c.Objects(), func(o plan.Object) bool {
		return o.Group != prometheuses.Group || selectorFields[o.Kind] == ""
	})
	if len(monitors) == 0 {
		return nil, nil
	}
	found, err := c.prometheuses(ctx)
	if apierrors.IsForbidden(err) || err == nil && len(found) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	namespace, err := c.namespaceLabels(ctx)
	if err != nil {
		return nil, err
	}
	var warnings, kinds []string
	for _, o := range monitors {
		selected := slices.ContainsFunc(found, func(p prometheus) bool { return p.selects(o, namespace) })
		if selected || slices.Contains(kinds, o.Kind) {
			continue
		}
		kinds = append(kinds, o.Kind)
		var selectors []string
		for _, p := range found {
			selectors = append(selectors, p.describe(o.Kind))
		}
		warnings = append(warnings, fmt.Sprintf("monitoring.labels: no Prometheus selects the %ss of this stack: %s. "+
			"Set monitoring.labels to what one of them selects, or use a namespace that it selects",
			o.Kind, strings.Join(selectors, "; ")))
	}
	return warnings, nil
}

// prometheus is an object of the kind Prometheus.
type prometheus struct {
	namespace, name string
	spec            map[string]any
}

func (c *checker) prometheuses(ctx context.Context) ([]prometheus, error) {
	list, err := c.live.List(ctx, prometheuses, metav1.NamespaceAll)
	if err != nil {
		return nil, fmt.Errorf("listing the Prometheuses: %w", err)
	}
	var found []prometheus
	for _, item := range list {
		object, err := c.live.Get(ctx, prometheuses, item.Namespace, item.Name)
		if err != nil {
			return nil, fmt.Errorf("reading Prometheus %s/%s: %w", item.Namespace, item.Name, err)
		}
		if object != nil { // Else it has just been deleted.
			spec, _, _ := unstructured.NestedMap(object.Object, "spec")
			found = append(found, prometheus{item.Namespace, item.Name, spec})
		}
	}
	return found, nil
}

// namespaceLabels returns the labels that the stack's namespace has, or will have.
func (c *checker) namespaceLabels(ctx context.Context) (labels.Set, error) {
	for _, o := range c.Objects() {
		if o.Kind == "Namespace" {
			return labels.Merge(o.Labels(), labels.Set{corev1.LabelMetadataName: o.Name}), nil
		}
	}
	namespace, err := c.live.Namespace(ctx, c.Namespace)
	if err != nil || namespace == nil {
		return nil, err
	}
	return namespace.Labels, nil
}

// selects reports whether it reads an object in a namespace with these labels.
func (p prometheus) selects(o plan.Object, namespace labels.Set) bool {
	field := selectorFields[o.Kind]
	return p.selector(field+"Selector").Matches(labels.Set(o.Labels())) &&
		(p.namespace == o.Namespace || p.selector(field+"NamespaceSelector").Matches(namespace))
}

// selector returns that of a field. Without it, nothing is selected, or only the namespace of the
// Prometheus.
func (p prometheus) selector(field string) labels.Selector {
	var selector metav1.LabelSelector
	raw, is := p.spec[field].(map[string]any)
	if !is || runtime.DefaultUnstructuredConverter.FromUnstructured(raw, &selector) != nil {
		return labels.Nothing()
	}
	parsed, err := metav1.LabelSelectorAsSelector(&selector)
	if err != nil {
		return labels.Nothing()
	}
	return parsed
}

// describe says what it selects of a kind.
func (p prometheus) describe(kind string) string {
	field := selectorFields[kind]
	all := func(field, everything, nothing string) string {
		selector := p.selector(field)
		switch _, selects := selector.Requirements(); {
		case !selects:
			return nothing
		case selector.Empty():
			return everything
		}
		return "those with " + selector.String()
	}
	return fmt.Sprintf("%s in namespace %s selects %s, in %s", p.name, p.namespace,
		all(field+"Selector", "all", "none"),
		all(field+"NamespaceSelector", "all namespaces", "its own namespace"))
}
