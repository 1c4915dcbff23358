package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/llm-d-sim/llm-d-sim/compare/load"
)

// Plot has a curve or more for each candidate, over a time.
type Plot struct {
	Title string
	// Top and Middle are the values at these places of the vertical axis, which begins at 0.
	Top, Middle string
	Curves      []Curve
	Ticks       []Tick
}

// Curve is a candidate's, as the points of an SVG polyline.
type Curve struct{ Name, Color, Points string }

// Tick is a mark on the axis of the time.
type Tick struct {
	X     float64
	Label string
}

// Size of the drawing area in SVG units.
const (
	plotWidth  = 520.0
	plotHeight = 200.0
)

// colors tell candidates apart, also for readers who do not see all colors (Okabe and Ito).
var colors = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"}

func color(candidate int) string { return colors[candidate%len(colors)] }

func (r *Report) plots(w *Workload) []Plot {
	plots := []Plot{
		r.distribution(w, "Time to first token", func(s load.Sample) time.Duration { return s.First }),
		r.distribution(w, "Time per output token", load.Sample.PerToken),
		r.distribution(w, "Whole answer", func(s load.Sample) time.Duration { return s.Whole }),
	}
	if waiting := r.waiting(w); len(waiting.Curves) > 0 {
		plots = append(plots, waiting)
	}
	return plots
}

// distribution draws which share of the answers took no longer than a time, on a logarithmic axis.
func (r *Report) distribution(w *Workload, title string, of func(load.Sample) time.Duration) Plot {
	p := Plot{Title: title + ": share of the answers", Top: "100%", Middle: "50%"}
	all := make([][]float64, len(r.Comparison.Candidates))
	low, high := math.Inf(1), 0.0
	for i, c := range r.Comparison.Candidates {
		for _, run := range w.Runs[c.Name] {
			for _, s := range run.Samples {
				if s.Error == "" && of(s) > 0 { // An answer of one token has no time per token.
					all[i] = append(all[i], max(0.1, float64(of(s))/float64(time.Millisecond)))
				}
			}
		}
		if slices.Sort(all[i]); len(all[i]) > 0 {
			low, high = min(low, all[i][0]), max(high, all[i][len(all[i])-1])
		}
	}
	if high == 0 {
		return p
	}
	low, high = math.Floor(math.Log10(low)), math.Ceil(math.Log10(high)+1e-9)
	x := func(ms float64) float64 { return plotWidth * (math.Log10(ms) - low) / (high - low) }
	for power := low; power <= high; power++ {
		p.Ticks = append(p.Ticks, Tick{x(math.Pow(10, power)), label(math.Pow(10, power))})
	}
	for i, c := range r.Comparison.Candidates {
		var points []string
		for n, ms := range all[i] {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(ms), plotHeight*(1-float64(n+1)/float64(len(all[i])))))
		}
		p.Curves = append(p.Curves, Curve{c.Name, color(i), strings.Join(points, " ")})
	}
	return p
}

// waiting draws how many requests waited at the pods, with a curve for each repetition.
func (r *Report) waiting(w *Workload) Plot {
	var end time.Duration
	high := 1.0
	for _, c := range r.Comparison.Candidates {
		for _, run := range w.Runs[c.Name] {
			end = max(end, run.Took)
			for _, point := range run.Observed.Waiting {
				high = max(high, point.Value)
			}
		}
	}
	p := Plot{Title: "Requests that wait at the pods", Top: fmt.Sprintf("%g", high), Middle: fmt.Sprintf("%g", high/2)}
	x := func(t time.Duration) float64 { return plotWidth * t.Seconds() / end.Seconds() }
	for _, t := range []time.Duration{0, end / 2, end} {
		p.Ticks = append(p.Ticks, Tick{x(t), t.Round(100 * time.Millisecond).String()})
	}
	for i, c := range r.Comparison.Candidates {
		for _, run := range w.Runs[c.Name] {
			var points []string
			for _, point := range run.Observed.Waiting {
				points = append(points, fmt.Sprintf("%.1f,%.1f", x(point.At), plotHeight*(1-point.Value/high)))
			}
			if len(points) > 0 {
				p.Curves = append(p.Curves, Curve{c.Name, color(i), strings.Join(points, " ")})
			}
		}
	}
	return p
}

func label(ms float64) string {
	if ms >= 1000 {
		return fmt.Sprintf("%g s", ms/1000)
	}
	return fmt.Sprintf("%g ms", ms)
}
