package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/llm-d-sim/llm-d-sim/compare/comparison"
	"github.com/llm-d-sim/llm-d-sim/compare/deploy"
	"github.com/llm-d-sim/llm-d-sim/compare/load"
	"github.com/llm-d-sim/llm-d-sim/compare/report"
	"github.com/llm-d-sim/llm-d-sim/internal/version"
)

// runner runs one comparison.
type runner struct {
	comparison *comparison.Comparison
	deployer   *deploy.Deployer
	out        io.Writer
	report     *report.Report
}

// run deploys the candidates, measures them in turns, and removes them. If ctx ends, the report
// holds what was measured until then.
func (r *runner) run(ctx context.Context) (_ *report.Report, err error) {
	began := time.Now()
	client, err := kubernetes.NewForConfig(r.deployer.Cluster)
	if err != nil {
		return nil, err
	}
	server, err := client.Discovery().ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("the cluster cannot be reached: %w", err)
	}
	r.report = &report.Report{
		Comparison: r.comparison, Began: began, Version: version.String(), Kubernetes: server.GitVersion,
		Machine: fmt.Sprintf("%d CPUs, %s/%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH),
	}
	for _, w := range r.comparison.Workloads {
		r.report.Workloads = append(r.report.Workloads, &report.Workload{Workload: w, Title: w.Name})
	}
	stacks, err := r.deploy(ctx)
	defer func() {
		fmt.Fprintln(r.out, "removing the candidates ...")
		err = errors.Join(err, each(stacks, func(_ int, s *deploy.Stack) error { return s.Remove(ctx) }))
		r.report.Took = time.Since(began).Round(time.Second)
	}()
	if err != nil {
		return nil, err
	}
	return r.report, r.measure(ctx, stacks)
}

// deploy deploys all candidates. One that cannot be deployed has no clients.
func (r *runner) deploy(ctx context.Context) ([]*deploy.Stack, error) {
	if err := r.deployer.RemoveLeft(ctx); err != nil {
		return nil, err
	}
	var stacks []*deploy.Stack
	for _, c := range r.comparison.Candidates {
		s, err := r.deployer.Stack(ctx, c)
		if err != nil {
			return stacks, err
		}
		stacks = append(stacks, s)
	}
	began := time.Now()
	fmt.Fprintf(r.out, "deploying %d candidates ...\n", len(stacks))
	failed := make([]error, len(stacks))
	_ = each(stacks, func(i int, s *deploy.Stack) error {
		if failed[i] = s.Up(ctx); failed[i] == nil {
			fmt.Fprintf(r.out, "%s answers after %.1f s\n", r.comparison.Candidates[i].Name, time.Since(began).Seconds())
		}
		return nil
	})
	for _, err := range failed {
		if err != nil {
			r.report.Missing = append(r.report.Missing, err.Error())
		}
	}
	return stacks, nil
}

// each does something with every stack at the same time.
func each(stacks []*deploy.Stack, do func(i int, s *deploy.Stack) error) error {
	errs := make([]error, len(stacks))
	var group sync.WaitGroup
	for i, s := range stacks {
		group.Go(func() { errs[i] = do(i, s) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// measure sends each workload to each candidate in turn, so that a slow minute of the machine
// does not hit only one of them.
func (r *runner) measure(ctx context.Context, stacks []*deploy.Stack) error {
	began, done := time.Now(), 0
	up := 0
	for _, s := range stacks {
		if s.Clients != nil {
			up++
		}
	}
	all := r.comparison.Repetitions * len(r.report.Workloads) * up
	for repetition := range r.comparison.Repetitions {
		for _, w := range r.report.Workloads {
			sessions, err := w.Sessions(w.Name, r.comparison.Seed, repetition, w.Rate)
			if err != nil {
				return err
			}
			for _, i := range turns(len(stacks), repetition) {
				if ctx.Err() != nil {
					r.report.Missing = append(r.report.Missing, fmt.Sprintf("interrupted after %d of %d runs", done, all))
					return nil
				}
				if stacks[i].Clients == nil {
					continue
				}
				name := r.comparison.Candidates[i].Name
				var run load.Run
				observed := stacks[i].Observer.During(ctx, func() {
					run = load.Send(ctx, stacks[i].Clients, sessions, w.Concurrency)
				})
				run.Observed = observed
				if ctx.Err() != nil {
					continue // Half a run would be compared with whole ones.
				}
				w.Add(name, run)
				done++
				left := time.Since(began) / time.Duration(done) * time.Duration(all-done)
				fmt.Fprintf(r.out, "%s, repetition %d of %d, %s: %d requests in %.1f s (%s left)\n", w.Name, repetition+1,
					r.comparison.Repetitions, name, len(run.Samples), run.Took.Seconds(), left.Round(time.Second))
			}
		}
	}
	return nil
}

// turns is the order of the candidates, which is reversed in every second repetition.
func turns(candidates, repetition int) []int {
	order := make([]int, candidates)
	for i := range order {
		order[i] = i
	}
	if repetition%2 > 0 {
		slices.Reverse(order)
	}
	return order
}
