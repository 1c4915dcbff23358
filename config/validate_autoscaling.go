package config

import (
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxScaleDownAfter is the longest that a HorizontalPodAutoscaler can wait.
const maxScaleDownAfter = time.Hour

func (a Autoscaling) check(v *validator, path *field.Path) {
	oneOf(v, path.Child("scaler"), a.Scaler, scalers...)
	v.atLeastOne(path.Child("minReplicas"), a.MinReplicas)
	if a.MinReplicas >= 1 && a.MaxReplicas < a.MinReplicas {
		v.add(path.Child("maxReplicas"), a.MaxReplicas, setCommand(path.Child("maxReplicas"), a.MinReplicas),
			"must be minReplicas (%d) or more", a.MinReplicas)
	}
	v.atLeastOne(path.Child("requestsPerPod"), a.RequestsPerPod)
	after := a.ScaleDownAfter.Duration
	if after < 0 || after > maxScaleDownAfter || after%time.Second != 0 {
		v.invalid(path.Child("scaleDownAfter"), after.String(), "must be whole seconds within 0s to %s", maxScaleDownAfter)
	}
	v.name(path.Child("kedaNamespace"), a.KEDANamespace, validation.IsDNS1123Label)
}
