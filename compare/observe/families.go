package observe

import (
	"bytes"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// families are the metrics of a pod by their names.
type families map[string]*dto.MetricFamily

// parse reads the text format of Prometheus.
func parse(raw []byte) (families, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(bytes.NewReader(raw))
}

// sum adds up all series of a counter or gauge, 0 if there is none.
func (f families) sum(name string) float64 {
	var sum float64
	for _, m := range f[name].GetMetric() {
		sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
	}
	return sum
}

// total adds up the sums and the counts of all series of a histogram.
func (f families) total(name string) (sum, count float64) {
	for _, m := range f[name].GetMetric() {
		sum += m.GetHistogram().GetSampleSum()
		count += float64(m.GetHistogram().GetSampleCount())
	}
	return sum, count
}
