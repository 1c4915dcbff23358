package report

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/llm-d-sim/llm-d-sim/compare/result"
	"github.com/llm-d-sim/llm-d-sim/config"
)

// Names of the files that Write makes.
const (
	HTMLFile = "report.html"
	JSONFile = "compare.json"
	CSVFile  = "requests.csv"
)

// Write writes the report into a folder, which it creates.
func (r *Report) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for name, render := range map[string]func() ([]byte, error){
		HTMLFile: r.html, JSONFile: r.json, CSVFile: r.csv,
	} {
		content, err := render()
		if err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// json holds everything: the comparison, the figures of each repetition and each answer.
func (r *Report) json() ([]byte, error) {
	figures := map[string]map[string][]result.Values{}
	for _, w := range r.Workloads {
		figures[w.Name] = map[string][]result.Values{}
		for candidate, runs := range w.Runs {
			for _, run := range runs {
				figures[w.Name][candidate] = append(figures[w.Name][candidate],
					result.Of(run, result.Bounds{TimeToFirstToken: w.SLO.TimeToFirstToken, TimePerOutputToken: w.SLO.TimePerOutputToken}))
			}
		}
	}
	return json.MarshalIndent(map[string]any{
		"comparison": r.Comparison.Text, "configurations": r.configurations(), "seed": r.Comparison.Seed, "repetitions": r.Comparison.Repetitions,
		"figures": figures, "verdicts": r.Verdicts(), "warnings": r.Warnings(), "measured": r,
	}, "", " ")
}

// configurations are the candidates' whole configurations, with the defaults of this version.
func (r *Report) configurations() map[string]*config.Spec {
	all := map[string]*config.Spec{}
	for _, c := range r.Comparison.Candidates {
		all[c.Name] = c.Spec.Resolved()
	}
	return all
}

// csv has a line for each request.
func (r *Report) csv() ([]byte, error) {
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	lines := [][]string{{
		"workload", "candidate", "repetition", "session", "group", "turn", "pod", "start_ms", "ttft_ms", "e2e_ms",
		"prompt_tokens", "cached_tokens", "output_tokens", "error",
	}}
	for _, w := range r.Workloads {
		for _, candidate := range slices.Sorted(maps.Keys(w.Runs)) {
			for i, run := range w.Runs[candidate] {
				for _, s := range run.Samples {
					lines = append(lines, []string{
						w.Name, candidate, strconv.Itoa(i + 1), strconv.Itoa(s.Session), strconv.Itoa(s.Group), strconv.Itoa(s.Turn), s.Pod,
						ms(s.Start), ms(s.First), ms(s.Whole),
						strconv.Itoa(s.PromptTokens), strconv.Itoa(s.CachedTokens), strconv.Itoa(s.OutputTokens), s.Error,
					})
				}
			}
		}
	}
	err := out.WriteAll(lines)
	return b.Bytes(), err
}

func ms(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64)
}

//go:embed report.html.tmpl
var page string

// html renders the page. Its styles and plots are inline.
func (r *Report) html() ([]byte, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"color": color,
		"rows":  r.Rows,
		"plots": r.plots,
		"pods":  r.pods,
		"yaml": func(v any) (string, error) {
			raw, err := yaml.Marshal(v)
			return string(raw), err
		},
		"test": func() string { return result.Test },
	}).Parse(page)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, r)
	return b.Bytes(), err
}

// PodRow says how much of a candidate's load one pod got.
type PodRow struct {
	Candidate, Pod     string
	Requests, Prefixes int
	// Share of the busiest pod's requests, in percent.
	Share int
}

// pods lists the pods of each candidate, the busiest first.
func (r *Report) pods(w *Workload) []PodRow {
	var rows []PodRow
	for _, c := range r.Comparison.Candidates {
		requests := map[string]int{}
		prefixes := map[string]map[string]bool{}
		for i, run := range w.Runs[c.Name] {
			for _, s := range run.Samples {
				if s.Error != "" {
					continue
				}
				requests[s.Pod]++
				if prefixes[s.Pod] == nil {
					prefixes[s.Pod] = map[string]bool{}
				}
				prefixes[s.Pod][fmt.Sprint(i, "/", s.Group)] = true
			}
		}
		names := slices.SortedFunc(maps.Keys(requests), func(a, b string) int { return requests[b] - requests[a] })
		for _, pod := range names {
			rows = append(rows, PodRow{c.Name, pod, requests[pod], len(prefixes[pod]), 100 * requests[pod] / requests[names[0]]})
		}
	}
	return rows
}
