// Package target runs the commands of the user on the cluster that they are meant for: the
// lab, or the cluster of the current kube context.
package target

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/lab"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/process"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/program"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/workspace"
)

// Target is a cluster with one stack of the program.
type Target interface {
	// Up deploys the stack.
	Up(ctx context.Context) error
	// Preview shows what Up would change.
	Preview(ctx context.Context) error
	// Status shows what runs, and what differs from the configuration. It changes nothing.
	Status(ctx context.Context) error
	// Smoke sends requests through the stack's gateway.
	Smoke(ctx context.Context) error
	// Compare runs a comparison on stacks of its own.
	Compare(ctx context.Context, c Comparison) error
	// Down destroys the stack.
	Down(ctx context.Context) error
}

// The clusters that a user can choose.
const (
	// Lab is a local cluster of this repository.
	Lab = "lab"
	// Current is the user's own: that of the current kube context, with the user's pulumi.
	Current = "current"
)

// Options say which stack is meant, and where.
type Options struct {
	// Lab describes the lab, if Cluster is that.
	Lab lab.Options
	// Stack is the name of the stack.
	Stack string
	// Cluster is Lab or Current.
	Cluster string
	// Yes answers pulumi's questions on the current cluster.
	Yes bool
}

// DefaultStack is the stack that users get without any flags.
const DefaultStack = "dev"

// New returns the target that the options describe. It runs nothing. out receives a line
// for each step; what a command is for goes to the standard output.
func New(o Options, out io.Writer) (Target, error) {
	if err := workspace.CheckName(o.Stack); err != nil {
		return nil, err
	}
	switch o.Cluster {
	case Lab:
		l, err := lab.Open(o.Lab, out)
		if err != nil {
			return nil, err
		}
		return &onLab{lab: l, stack: o.Stack, out: out}, nil
	case Current:
		if err := o.Lab.Validate(); err != nil {
			return nil, err
		}
		return newCurrent(o, out)
	}
	return nil, fmt.Errorf("unknown cluster %q: known are %s, %s", o.Cluster, Lab, Current)
}

// smoke runs tests/smoke on a deployed stack, whose outputs say where to send the requests.
func smoke(ctx context.Context, cli *workspace.CLI) error {
	outputs, err := cli.Outputs(ctx)
	if err != nil {
		return err
	}
	path, err := program.BuildSmoke(ctx, cli.Repository)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = cli.Env, bytes.NewReader(outputs), os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the smoke test failed, see above: %w", err)
	}
	return nil
}

// Comparison is one of scheduler configurations.
type Comparison struct {
	// File describes it, and Out is the folder of its report.
	File, Out string
}

// compare runs the comparison's own command.
func compare(ctx context.Context, cli *workspace.CLI, c Comparison, flags ...string) error {
	path, err := program.BuildCompare(ctx, cli.Repository)
	if err != nil {
		return err
	}
	cmd := process.Graceful(ctx, path, append([]string{"--file", c.File, "--out", c.Out}, flags...)...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = cli.Env, os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("make compare: %w", err)
	}
	return nil
}

// objects are the kinds that Status lists.
const objects = "deployments,pods,services"
