package traffic

import (
	"fmt"
	"strings"
)

// Metric sums up a metric in the response of a Prometheus endpoint: over all its labels, or
// over those that follow its name.
func Metric(text, name string) float64 {
	sum := 0.0
	for line := range strings.Lines(text) {
		if rest, is := strings.CutPrefix(line, name); is && strings.IndexAny(rest, "{ ") == 0 {
			var value float64
			_, _ = fmt.Sscan(rest[strings.LastIndex(rest, " ")+1:], &value)
			sum += value
		}
	}
	return sum
}
