package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/workspace"
)

// current is a stack on the user's own cluster, with the user's own pulumi, backend and
// credentials: the same that the user gets by calling pulumi in the clone.
type current struct {
	cli     workspace.CLI
	kubectl string
	yes     bool
	out     io.Writer
}

func newCurrent(o Options, out io.Writer) (*current, error) {
	repository, err := filepath.Abs(o.Lab.Repository)
	if err != nil {
		return nil, err
	}
	pulumi, err := exec.LookPath("pulumi")
	if err != nil {
		return nil, errors.New("CLUSTER=current needs pulumi on your PATH: https://www.pulumi.com/docs/install/")
	}
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		return nil, errors.New("CLUSTER=current needs kubectl on your PATH: https://kubernetes.io/docs/tasks/tools/")
	}
	return &current{
		cli:     workspace.CLI{Path: pulumi, Repository: repository, Stack: o.Stack},
		kubectl: kubectl, yes: o.Yes, out: out,
	}, nil
}

func (t *current) Up(ctx context.Context) error {
	return t.configured(ctx, func() error { return t.created(ctx, t.asking("up")...) })
}

func (t *current) Preview(ctx context.Context) error {
	return t.configured(ctx, func() error { return t.created(ctx, "preview", "--diff") })
}

func (t *current) Status(ctx context.Context) error {
	namespace, err := t.cli.Namespace(ctx)
	if err != nil {
		return err
	}
	list, err := t.output(ctx, "get", objects, "--namespace", namespace)
	if err != nil {
		return err
	}
	fmt.Println(list)
	return t.configured(ctx, func() error { return t.cli.Run(ctx, "preview", "--refresh", "--diff") })
}

func (t *current) Smoke(ctx context.Context) error { return smoke(ctx, &t.cli) }

func (t *current) Compare(ctx context.Context, c Comparison) error {
	if t.yes {
		return compare(ctx, &t.cli, c)
	}
	return compare(ctx, &t.cli, c, "--ask")
}

func (t *current) Down(ctx context.Context) error {
	return t.configured(ctx, func() error { return t.cli.Run(ctx, t.asking("destroy")...) })
}

// created runs a pulumi command on the stack, which it creates if need be.
func (t *current) created(ctx context.Context, args ...string) error {
	if err := t.cli.Run(ctx, "stack", "select", "--create"); err != nil {
		return err
	}
	return t.cli.Run(ctx, args...)
}

// asking lets pulumi show its preview and ask, unless the user has answered already.
func (t *current) asking(command string) []string {
	if t.yes {
		return []string{command, "--yes"}
	}
	return []string{command}
}

// configured runs a command on the stack with the configuration that the user's pulumi
// reads too, Pulumi.NAME.yaml in the clone, and leaves checked-in files as they are.
func (t *current) configured(ctx context.Context, command func() error) error {
	cluster, err := t.output(ctx, "config", "current-context")
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "stack %s, kube context %s\n", t.cli.Stack, strings.TrimSpace(cluster))
	restore := func() error { return nil }
	if os.Getenv("PULUMI_OPTION_CONFIG_FILE") == "" { // Otherwise the user has chosen another file.
		if restore, err = t.configure(ctx); err != nil {
			return err
		}
	}
	return errors.Join(command(), restore())
}

// configure copies an example to where pulumi reads the configuration, unless there is one.
// restore removes what pulumi has written to a checked-in file.
func (t *current) configure(ctx context.Context) (restore func() error, err error) {
	source, err := workspace.Source(t.cli.Repository, t.cli.Stack)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(source)
	if err != nil {
		return nil, err
	}
	path := workspace.Config(t.cli.Repository, t.cli.Stack)
	name := filepath.Base(path)
	if source != path {
		fmt.Fprintf(t.out, "%s is now a copy of examples/%[1]s: pulumi config set --stack %s changes it\n", name, t.cli.Stack)
		return func() error { return nil }, os.WriteFile(path, content, 0o600)
	}
	if !t.checkedIn(ctx, name) {
		return func() error { return nil }, nil
	}
	return func() error {
		after, err := os.ReadFile(path)
		if err != nil || bytes.Equal(after, content) || workspace.WithoutEncryption(string(after)) != string(content) {
			return err
		}
		fmt.Fprintf(t.out, "%s is checked in: removed the encryption salt that pulumi had written into it\n", name)
		return os.WriteFile(path, content, 0o600)
	}, nil
}

func (t *current) checkedIn(ctx context.Context, file string) bool {
	cmd := exec.CommandContext(ctx, "git", "ls-files", "--error-unmatch", file)
	cmd.Dir = t.cli.Repository
	return cmd.Run() == nil
}

// output runs kubectl in the current context.
func (t *current) output(ctx context.Context, args ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, t.kubectl, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
