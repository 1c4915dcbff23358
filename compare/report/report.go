// Package report shows what a comparison has measured: as a table in the terminal, as JSON
// and CSV, and as one HTML page that needs no network.
package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/llm-d-sim/llm-d-sim/compare/comparison"
	"github.com/llm-d-sim/llm-d-sim/compare/load"
	"github.com/llm-d-sim/llm-d-sim/compare/result"
)

// Report is a comparison with what was measured.
type Report struct {
	Comparison *comparison.Comparison `json:"-"`
	// Began is when the comparison started, and Took how long it ran.
	Began time.Time     `json:"began"`
	Took  time.Duration `json:"took"`
	// Version is that of this project; Kubernetes and Machine are where it ran.
	Version    string `json:"version"`
	Kubernetes string `json:"kubernetes"`
	Machine    string `json:"machine"`
	// Missing says what was not measured, and why.
	Missing []string `json:"missing,omitempty"`
	// Workloads hold the runs.
	Workloads []*Workload `json:"workloads"`
}

// Workload is a workload with its runs by candidate, in the order of the repetitions.
type Workload struct {
	comparison.Workload `json:"-"`
	Title               string                `json:"name"`
	Runs                map[string][]load.Run `json:"runs"`
}

// Add adds a run of a candidate.
func (w *Workload) Add(candidate string, run load.Run) {
	if w.Runs == nil {
		w.Runs = map[string][]load.Run{}
	}
	w.Runs[candidate] = append(w.Runs[candidate], run)
}

// Row is a figure of all candidates.
type Row struct {
	result.Figure
	Cells []Cell
}

// Cell is a figure of one candidate.
type Cell struct {
	// Value is the mean of the repetitions, with their standard deviation.
	Value string
	// Verdict compares it with the baseline, empty for the baseline itself.
	Verdict string
	// Better and Worse say which of the two is so, unless there is no difference.
	Better, Worse bool
}

// values returns the repetitions of a figure.
func (w *Workload) values(candidate, figure string) []float64 {
	var list []float64
	for _, run := range w.Runs[candidate] {
		slo := result.Bounds{TimeToFirstToken: w.SLO.TimeToFirstToken, TimePerOutputToken: w.SLO.TimePerOutputToken}
		if v, measured := result.Of(run, slo)[figure]; measured {
			list = append(list, v)
		}
	}
	return list
}

// figures are those of which a workload has values.
func (w *Workload) figures() []result.Figure {
	var list []result.Figure
	for _, f := range result.Figures {
		if f.Name == "goodput" && w.SLO == (comparison.SLO{}) {
			continue // Without bounds it repeats the errors.
		}
		for candidate := range w.Runs {
			if len(w.values(candidate, f.Name)) > 0 {
				list = append(list, f)
				break
			}
		}
	}
	return list
}

// threshold is the p-value up to which a difference is real in this report.
func (r *Report) threshold() float64 {
	var all []float64
	baseline := r.Comparison.Candidates[0].Name
	for _, w := range r.Workloads {
		for _, f := range w.figures() {
			before := w.values(baseline, f.Name)
			for _, c := range r.Comparison.Candidates[1:] {
				if after := w.values(c.Name, f.Name); result.Comparable(before, after) {
					all = append(all, result.Compare(before, after).P)
				}
			}
		}
	}
	return result.Threshold(all)
}

// Rows returns the table of a workload.
func (r *Report) Rows(w *Workload) []Row {
	var rows []Row
	threshold := r.threshold()
	baseline := r.Comparison.Candidates[0].Name
	for _, f := range w.figures() {
		row := Row{Figure: f}
		before := w.values(baseline, f.Name)
		for i, c := range r.Comparison.Candidates {
			values := w.values(c.Name, f.Name)
			if len(values) == 0 {
				row.Cells = append(row.Cells, Cell{Value: "–"})
				continue
			}
			mean, spread := result.Summary(values)
			cell := Cell{Value: f.Format(mean)}
			if spread > 0 {
				cell.Value += " ± " + f.Format(spread)
			}
			switch {
			case i == 0 || len(before) == 0:
			case !result.Comparable(before, values):
				cell.Verdict = "too few repetitions"
			default:
				d := result.Compare(before, values)
				cell.Verdict = "no difference"
				if d.P <= threshold {
					less := d.Change < 0
					cell.Verdict = change(d, f, before)
					cell.Better, cell.Worse = less == f.LessIsBetter, less != f.LessIsBetter
				}
			}
			row.Cells = append(row.Cells, cell)
		}
		rows = append(rows, row)
	}
	return rows
}

// change shows a real difference: in points for shares, else relative to the baseline.
func change(d result.Difference, f result.Figure, before []float64) string {
	mean, _ := result.Summary(before)
	if f.Unit == "%" {
		return fmt.Sprintf("%+.1f points", (d.Mean-mean)*100)
	}
	if mean == 0 {
		return fmt.Sprintf("%+.4g", d.Mean)
	}
	return fmt.Sprintf("%+.0f %%", d.Change*100)
}

// Verdict is an expectation, and whether it came true.
type Verdict struct {
	Workload, Expectation string
	Met                   bool
	// Problem says why it could not be judged.
	Problem string
}

// Verdicts judges all expectations.
func (r *Report) Verdicts() []Verdict {
	var list []Verdict
	for _, w := range r.Workloads {
		means := map[string]result.Values{}
		for _, c := range r.Comparison.Candidates {
			means[c.Name] = result.Values{}
			for _, f := range result.Figures {
				if values := w.values(c.Name, f.Name); len(values) > 0 {
					means[c.Name][f.Name], _ = result.Summary(values)
				}
			}
		}
		for _, expectation := range w.Expect {
			v := Verdict{Workload: w.Name, Expectation: expectation}
			var err error
			if v.Met, err = result.Expect(expectation, means); err != nil {
				v.Problem = err.Error()
			}
			list = append(list, v)
		}
	}
	return list
}

// Failed reports whether an expectation was not met, or something was not measured.
func (r *Report) Failed() bool {
	for _, v := range r.Verdicts() {
		if !v.Met {
			return true
		}
	}
	return len(r.Missing) > 0
}

// limits of the load generator, beyond which the figures say more about it than about the
// candidates.
const (
	maxLag = 10 * time.Millisecond
	maxCPU = 0.8
)

// Warnings says where the load generator itself was the limit, and what could not be observed.
func (r *Report) Warnings() []string {
	var list []string
	for _, w := range r.Workloads {
		for _, c := range r.Comparison.Candidates {
			late, sent := 0, 0
			busy := 0.0
			problem := ""
			for _, run := range w.Runs[c.Name] {
				busy = max(busy, run.CPU.Seconds()/run.Took.Seconds())
				problem = cmp.Or(problem, run.Observed.Problem)
				for _, s := range run.Samples {
					sent++
					if s.Turn == 0 && s.Lag > maxLag {
						late++
					}
				}
			}
			if late*100 > sent {
				list = append(list, fmt.Sprintf("%s, %s: %d of %d requests were sent more than %s late: "+
					"the load generator, or the machine that it shares, was the limit", w.Name, c.Name, late, sent, maxLag))
			}
			if busy > maxCPU {
				list = append(list, fmt.Sprintf("%s, %s: the load generator kept %.0f %% of a core busy: "+
					"it may have been the limit", w.Name, c.Name, busy*100))
			}
			if problem != "" {
				list = append(list, fmt.Sprintf("%s, %s: not everything could be observed: %s", w.Name, c.Name, problem))
			}
		}
	}
	return list
}

// Print writes the tables, verdicts and warnings as text.
func (r *Report) Print(out io.Writer) error {
	for _, w := range r.Workloads {
		fmt.Fprintf(out, "\n%s\n", w.Name)
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		header := []string{"FIGURE"}
		for i, c := range r.Comparison.Candidates {
			header = append(header, strings.ToUpper(c.Name))
			if i > 0 {
				header = append(header, "VS "+strings.ToUpper(r.Comparison.Candidates[0].Name))
			}
		}
		fmt.Fprintln(table, strings.Join(header, "\t"))
		for _, row := range r.Rows(w) {
			cells := []string{row.Title}
			for i, c := range row.Cells {
				cells = append(cells, c.Value)
				if i > 0 {
					cells = append(cells, c.Verdict)
				}
			}
			fmt.Fprintln(table, strings.Join(cells, "\t"))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	fmt.Fprintln(out)
	for _, v := range r.Verdicts() {
		word := "met"
		if !v.Met {
			word = "NOT MET"
		}
		fmt.Fprintf(out, "%s: %s: %s%s\n", v.Workload, v.Expectation, word, suffix(v.Problem))
	}
	for _, line := range append(r.Warnings(), r.Missing...) {
		fmt.Fprintln(out, line)
	}
	return nil
}

func suffix(problem string) string {
	if problem == "" {
		return ""
	}
	return " (" + problem + ")"
}
