package result

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// Significance is the chance to call any difference real in a whole comparison of candidates
// that are equal, and the share of false ones among those that are called real otherwise.
const Significance = 0.05

// Test names the statistical test, for reports.
const Test = "Welch's t-test (golang.org/x/perf/benchmath) of the logarithms with the correction of Benjamini and Hochberg"

// MinRepetitions is how many it takes to tell a difference from noise.
const MinRepetitions = 2

// constantRepetitions is how many equal values count as always equal. Of equal candidates with
// two repetitions each, one comparison in ten would show a difference between rare events.
const constantRepetitions = 3

// Difference compares a candidate's figure with the baseline's.
type Difference struct {
	// Mean and Spread are the mean of the repetitions and their standard deviation.
	Mean, Spread float64
	// Change is relative to the baseline's mean, P the p-value of the difference.
	Change, P float64
}

// Threshold returns the p-value up to which differences are real, by those of all figures
// that are compared.
func Threshold(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	for i := len(sorted) - 1; i >= 0; i-- {
		if sorted[i] <= Significance*float64(i+1)/float64(len(sorted)) {
			return sorted[i]
		}
	}
	return -1
}

// Summary returns the mean of a figure's repetitions and their standard deviation.
func Summary(values []float64) (mean, spread float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		spread += (v - mean) * (v - mean)
	}
	if len(values) > 1 {
		spread = math.Sqrt(spread / float64(len(values)-1))
	}
	return mean, spread
}

// Comparable reports whether both lists have enough repetitions for Compare. They have not
// if the comparison was interrupted.
func Comparable(baseline, candidate []float64) bool {
	return min(len(baseline), len(candidate)) >= MinRepetitions
}

// Compare compares two lists of repetitions that are Comparable.
func Compare(baseline, candidate []float64) Difference {
	before, noise := Summary(baseline)
	d := Difference{P: 1}
	d.Mean, d.Spread = Summary(candidate)
	d.Change = d.Mean/before - 1
	switch {
	case d.Mean == before:
		return d
	case noise == 0 && d.Spread == 0:
		// Always this, always that: there is no noise to mistake it for. But two equal counts may
		// be a coincidence.
		if min(len(baseline), len(candidate)) >= constantRepetitions {
			d.P = 0
		}
	default:
		if slices.Min(baseline) > 0 && slices.Min(candidate) > 0 {
			baseline, candidate = logarithms(baseline), logarithms(candidate)
		}
		thresholds := benchmath.DefaultThresholds
		c := benchmath.AssumeNormal.Compare(
			benchmath.NewSample(baseline, &thresholds), benchmath.NewSample(candidate, &thresholds))
		d.P = c.P
	}
	return d
}

// logarithms makes the noise of times and rates, which grows with them, alike for both lists:
// otherwise that of the slower one hides even a difference of one to thirty.
func logarithms(values []float64) []float64 {
	list := make([]float64, len(values))
	for i, v := range values {
		list[i] = math.Log(v)
	}
	return list
}

// Format shows a value of the figure.
func (f Figure) Format(v float64) string {
	switch f.Unit {
	case "%":
		return fmt.Sprintf("%.1f %%", v*100)
	case "ms":
		return fmt.Sprintf("%.*f ms", decimals(v), v)
	case "/s":
		return fmt.Sprintf("%.*f/s", decimals(v), v)
	}
	return fmt.Sprintf("%.4g", v)
}

// decimals keeps about three digits.
func decimals(v float64) int { return max(0, min(2, 2-int(math.Floor(math.Log10(math.Abs(v)+1e-9))))) }
