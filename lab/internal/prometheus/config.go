package prometheus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// object is a monitor or a rule of the Prometheus Operator.
type object struct {
	Kind     string
	Metadata struct{ Namespace, Name string }
	Spec     json.RawMessage
}

// monitor is the spec of a ServiceMonitor or a PodMonitor, with those fields that the lab's
// Prometheus understands.
type monitor struct {
	Selector struct {
		MatchLabels map[string]string `json:"matchLabels"`
	} `json:"selector"`
	JobLabel            string     `json:"jobLabel"`
	Endpoints           []endpoint `json:"endpoints"`
	PodMetricsEndpoints []endpoint `json:"podMetricsEndpoints"`
}

type endpoint struct {
	Port     string `json:"port"`
	Path     string `json:"path"`
	Interval string `json:"interval"`
}

// tree is a part of a configuration. JSON is YAML.
type tree = map[string]any

// configuration turns a list of monitors and rules into the files of Prometheus.
func configuration(list []byte) (config, rules []byte, err error) {
	var found struct{ Items []object }
	if err := json.Unmarshal(list, &found); err != nil {
		return nil, nil, fmt.Errorf("reading the monitors: %w", err)
	}
	jobs, groups := []tree{}, []any{}
	for _, o := range found.Items {
		if o.Kind == "PrometheusRule" {
			var spec struct{ Groups []tree }
			if err := json.Unmarshal(o.Spec, &spec); err != nil {
				return nil, nil, o.failed(err)
			}
			for _, group := range spec.Groups {
				// A file holds each group once, but every stack has one of this name.
				group["name"] = o.Metadata.Namespace + "/" + fmt.Sprint(group["name"])
				groups = append(groups, group)
			}
			continue
		}
		scraped, err := o.jobs()
		if err != nil {
			return nil, nil, o.failed(err)
		}
		jobs = append(jobs, scraped...)
	}
	config, err = json.MarshalIndent(tree{
		"global":         tree{"scrape_interval": "15s", "evaluation_interval": "5s"},
		"rule_files":     []string{"rules.yml"},
		"scrape_configs": jobs,
	}, "", " ")
	if err != nil {
		return nil, nil, err
	}
	rules, err = json.MarshalIndent(tree{"groups": groups}, "", " ")
	return config, rules, err
}

func (o object) failed(err error) error {
	return fmt.Errorf("the lab's Prometheus cannot read the %s %s in namespace %s: %w",
		o.Kind, o.Metadata.Name, o.Metadata.Namespace, err)
}

// jobs returns the scrape configurations of a monitor, with the labels that the operator gives to
// series.
func (o object) jobs() ([]tree, error) {
	var m monitor
	strict := json.NewDecoder(bytes.NewReader(o.Spec))
	strict.DisallowUnknownFields() // A field that has no effect here would select or scrape something else.
	if err := strict.Decode(&m); err != nil {
		return nil, err
	}
	role, labels, portName := "pod", "pod_label_", "pod_container_port_name"
	endpoints := m.PodMetricsEndpoints
	if o.Kind == "ServiceMonitor" {
		role, labels, portName = "endpointslice", "service_label_", "endpointslice_port_name"
		endpoints = m.Endpoints
	}
	var jobs []tree
	for i, e := range endpoints {
		var relabel []tree
		for _, key := range slices.Sorted(maps.Keys(m.Selector.MatchLabels)) {
			relabel = append(relabel, keep(labels+sanitized(key), m.Selector.MatchLabels[key]))
		}
		relabel = append(relabel, keep(portName, e.Port),
			tree{"source_labels": []string{meta("pod_phase")}, "regex": "(Failed|Succeeded)", "action": "drop"},
			from("namespace", "namespace"), from("pod_name", "pod"), from("pod_container_name", "container"))
		if m.JobLabel != "" {
			relabel = append(relabel, from(labels+sanitized(m.JobLabel), "job"))
		}
		jobs = append(jobs, tree{
			"job_name":              fmt.Sprintf("%s/%s/%s/%d", strings.ToLower(o.Kind), o.Metadata.Namespace, o.Metadata.Name, i),
			"scrape_interval":       e.Interval,
			"scrape_timeout":        e.Interval,
			"metrics_path":          e.Path,
			"kubernetes_sd_configs": []tree{{"role": role, "namespaces": tree{"names": []string{o.Metadata.Namespace}}}},
			"relabel_configs":       relabel,
		})
	}
	return jobs, nil
}

func meta(label string) string { return "__meta_kubernetes_" + label }

func keep(label, value string) tree {
	return tree{"source_labels": []string{meta(label)}, "regex": regexp.QuoteMeta(value), "action": "keep"}
}

func from(label, to string) tree {
	return tree{"source_labels": []string{meta(label)}, "target_label": to}
}

var notInName = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// sanitized is a label as the discovery spells it.
func sanitized(label string) string { return notInName.ReplaceAllString(label, "_") }
