package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/lab"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/program"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/workspace"
)

// onLab is a stack on the lab.
type onLab struct {
	lab   *lab.Lab
	stack string
	out   io.Writer
}

func (t *onLab) Up(ctx context.Context) error {
	if _, err := workspace.Source(t.lab.Repository, t.stack); err != nil {
		return err // Before a cluster is started for nothing.
	}
	began := time.Now()
	var group errgroup.Group
	group.Go(func() error { return t.lab.Start(ctx) })
	group.Go(func() error { return program.Build(ctx, t.lab.Repository) })
	if err := group.Wait(); err != nil {
		return err
	}
	w, err := t.workspace(ctx)
	if err != nil {
		return err
	}
	for _, i := range w.Images {
		fmt.Fprintf(t.out, "the lab runs %s unless %s is set\n", i.Reference, i.Path)
	}
	// The lab holds nothing that a preview would protect.
	if err := w.Run(ctx, "up", "--yes", "--skip-preview"); err != nil {
		return err
	}
	if err := t.lab.Monitor(ctx); err != nil { // The stack may have changed its monitors.
		return err
	}
	variables := t.variables()
	fmt.Fprintf(t.out, `
stack %s is up, after %.1f s. What next:
  %-57s use pulumi and kubectl by hand
  pulumi config set --path decode.replicas 4 && pulumi up   scale
  pulumi stack output status --json                         see the parts
  %-57s send requests through the gateway
  %-57s remove everything
`, t.stack, time.Since(began).Seconds(),
		`eval "$(make -s env`+variables+`)"`, "make smoke"+variables, "make down"+variables)
	return nil
}

// variables are those with which make finds the same lab and stack again.
func (t *onLab) variables() string {
	variables := ""
	if t.stack != DefaultStack {
		variables += " STACK=" + t.stack
	}
	if t.lab.Name != lab.Defaults().Name {
		variables += " NAME=" + t.lab.Name
	}
	return variables
}

// workspace is the stack's, ready to use.
func (t *onLab) workspace(ctx context.Context) (*workspace.Workspace, error) {
	w, err := t.lab.Workspace(t.stack)
	if err != nil {
		return nil, err
	}
	replaced, err := w.Init(ctx)
	if replaced {
		fmt.Fprintf(t.out, "the configuration of stack %s changed in the repository: it replaces the changes by `pulumi config set`\n", t.stack)
	}
	return w, err
}

func (t *onLab) running(ctx context.Context) (*workspace.Workspace, error) {
	if err := t.lab.Running(ctx); err != nil {
		return nil, err
	}
	return t.workspace(ctx)
}

func (t *onLab) Preview(ctx context.Context) error {
	w, err := t.running(ctx)
	if err != nil {
		return err
	}
	return w.Run(ctx, "preview", "--diff")
}

func (t *onLab) Status(ctx context.Context) error {
	w, err := t.running(ctx)
	if err != nil {
		return err
	}
	namespace, err := w.Namespace(ctx)
	if err != nil {
		return err
	}
	list, err := t.lab.Kubectl(ctx, "get", objects, "--namespace", namespace)
	if err != nil {
		return err
	}
	fmt.Println(list)
	return w.Run(ctx, "preview", "--refresh", "--diff")
}

func (t *onLab) Smoke(ctx context.Context) error {
	w, err := t.running(ctx)
	if err != nil {
		return err
	}
	if t.lab.FakesPods() {
		return t.noAnswers()
	}
	return smoke(ctx, &w.CLI)
}

func (t *onLab) Compare(ctx context.Context, c Comparison) error {
	if err := t.lab.Start(ctx); err != nil {
		return err
	}
	if t.lab.FakesPods() {
		return t.noAnswers()
	}
	w, err := t.lab.Workspace(t.stack)
	if err != nil {
		return err
	}
	var flags []string
	for _, i := range w.Images {
		flags = append(flags, "--image", i.Path+"="+i.Reference)
	}
	return compare(ctx, &w.CLI, c, flags...)
}

// noAnswers says why nothing answers requests.
func (t *onLab) noAnswers() error {
	return fmt.Errorf("KWOK fakes the pods of this lab, so none answers: make down%s, then make up NODE=real%[1]s", t.variables())
}

func (t *onLab) Down(ctx context.Context) error {
	if t.lab.Exists() {
		err := t.destroy(ctx)
		if ctx.Err() != nil {
			return err
		}
		if err != nil && !errors.Is(err, lab.ErrNotRunning) {
			fmt.Fprintf(t.out, "the stack was not destroyed, and goes with its cluster: %v\n", err)
		}
	}
	return t.lab.Stop(ctx)
}

func (t *onLab) destroy(ctx context.Context) error {
	w, err := t.running(ctx)
	if err != nil {
		return err
	}
	return w.Run(ctx, "destroy", "--yes", "--skip-preview")
}
