// Package bench measures the program on a lab of its own, alongside the tools that a user
// would use instead. `make bench` runs it.
package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// lab has KWOK's nodes, so that only deploying costs anything. realLab runs real pods; the
// first test that needs it starts it.
var lab, realLab *labtest.Lab

func TestMain(m *testing.M) {
	code := labtest.Run(m, func() (_ *labtest.Lab, err error) {
		lab, err = labtest.Start("../..", "bench", 2, "NODE=kwok")
		return lab, err
	})
	if realLab != nil {
		if err := realLab.Stop(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	if len(results) > 0 {
		if err := report(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

// result is a number for bench.json.
type result struct {
	name, meaning string
	value         float64
	// Bounds of the number; 0 if there are none.
	atMost, atLeast float64
}

var results []result

func record(name, meaning string, value float64) {
	results = append(results, result{name: name, meaning: meaning, value: value})
}

func recordAtMost(name, meaning string, value, most float64) {
	results = append(results, result{name: name, meaning: meaning, value: value, atMost: most})
}

func recordAtLeast(name, meaning string, value, least float64) {
	results = append(results, result{name: name, meaning: meaning, value: value, atLeast: least})
}

// reach describes the bound of a number, and whether it is missed.
func (r result) reach() string {
	missed := ""
	if r.atMost > 0 && r.value > r.atMost || r.value < r.atLeast {
		missed = ": MISSED"
	}
	switch {
	case r.atMost > 0:
		return fmt.Sprintf("at most %g%s", r.atMost, missed)
	case r.atLeast > 0:
		return fmt.Sprintf("at least %g%s", r.atLeast, missed)
	}
	return ""
}

// report prints all numbers, and writes bench.json next to the README.
func report() error {
	values := map[string]float64{}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nNUMBER\tVALUE\tREACH\tMEANING")
	for _, r := range results {
		values[r.name] = r.value
		fmt.Fprintf(table, "%s\t%.4g\t%s\t%s\n", r.name, r.value, r.reach(), r.meaning)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(values, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile("../../bench.json", append(raw, '\n'), 0o600)
}

// took measures one run.
func took(run func()) time.Duration {
	began := time.Now()
	run()
	return time.Since(began)
}

// printTable prints rows below a header.
func printTable(header string, rows []string) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, header)
	for _, row := range rows {
		fmt.Fprintln(table, row)
	}
	_ = table.Flush()
}

// best returns the fastest of several runs: other load on the machine only ever adds.
func best(runs []time.Duration) float64 { return slices.Min(runs).Seconds() }
