package config

import (
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func (s *Spec) checkMonitoring(v *validator) {
	path, m := v.at("monitoring"), s.Monitoring
	v.duration(path.Child("interval"), m.Interval.Duration, time.Second)
	v.labels(path.Child("labels"), m.Labels)
	v.name(path.Child("prometheus", "namespace"), m.Prometheus.Namespace, validation.IsDNS1123Label)
	v.labels(path.Child("prometheus", "podLabels"), m.Prometheus.PodLabels)
	v.duration(path.Child("alerts", "after"), m.Alerts.After.Duration, time.Second)
	v.atLeastOne(path.Child("alerts", "queueLength"), m.Alerts.QueueLength)
	v.between(path.Child("alerts", "errorPercent"), m.Alerts.ErrorPercent, 1, 100)
}

// labels checks the names and values of Kubernetes labels.
func (v *validator) labels(path *field.Path, labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		at := property(path, key)
		for _, problems := range [][]string{validation.IsQualifiedName(key), validation.IsValidLabelValue(labels[key])} {
			if len(problems) > 0 {
				v.add(at, labels[key], removeCommand(at), "is not a label: %s", strings.Join(problems, "; "))
			}
		}
	}
}
