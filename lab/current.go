package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/stack"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// upCurrent deploys the stack to the user's own cluster, with the user's own pulumi,
// state and credentials. It starts no lab, and asks before it changes anything.
func upCurrent(ctx context.Context, l *lab, o options) error {
	engine := tool.InstalledEngine(ctx)
	if engine == nil {
		return errors.New("CLUSTER=current works with an installed pulumi: https://www.pulumi.com/docs/install/")
	}
	kubectl := tool.InstalledKubectl(ctx)
	if kubectl == nil {
		return errors.New("CLUSTER=current works with an installed kubectl: https://kubernetes.io/docs/tasks/tools/")
	}
	out, err := exec.CommandContext(ctx, kubectl["kubectl"], "config", "current-context").Output()
	if err != nil {
		return fmt.Errorf("reading the current kube context: %w", err)
	}
	if !o.yes && !confirm(fmt.Sprintf("deploy stack %s to the cluster of context %s?", o.stack, strings.TrimSpace(string(out)))) {
		return errors.New("nothing was changed; YES=1 answers yes where there is no terminal")
	}
	source, err := stack.Source(l.repository, o.stack)
	if err != nil {
		return err
	}
	run := func(args ...string) error {
		cmd := exec.CommandContext(ctx, engine["pulumi"], args...)
		cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = l.repository, os.Stdin, os.Stdout, os.Stderr
		return cmd.Run()
	}
	if err := run("stack", "select", "--create", o.stack); err != nil {
		return fmt.Errorf("selecting stack %s: %w", o.stack, err)
	}
	return run("up", "--yes", "--stack", o.stack, "--config-file", source)
}

// confirm asks on the terminal; anything but a yes is a no.
func confirm(question string) bool {
	fmt.Fprintf(os.Stderr, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	return strings.EqualFold(strings.TrimSpace(answer), "y") || strings.EqualFold(strings.TrimSpace(answer), "yes")
}
