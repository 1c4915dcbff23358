// Package workspace runs the Pulumi program of this repository.
package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/process"
)

// CLI is the pulumi command for one stack.
type CLI struct {
	// Path of the executable.
	Path string
	// Repository is the clone whose program runs.
	Repository string
	// Stack is the name of the stack.
	Stack string
	// Env is the environment, with the PATH. Nil: this process's own.
	Env []string
}

// Run runs a pulumi command on the stack at the user's terminal. If ctx ends, pulumi
// finishes the operations under way first.
func (c *CLI) Run(ctx context.Context, args ...string) error {
	cmd := c.command(ctx, append(args, "--stack", c.Stack)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("pulumi %s: %w", args[0], context.Cause(ctx))
	case errors.As(err, &exit):
		return fmt.Errorf("pulumi %s failed, see above", strings.Join(args, " "))
	}
	return err
}

// Outputs returns the outputs of the deployed stack as JSON, with its secrets.
func (c *CLI) Outputs(ctx context.Context) ([]byte, error) {
	out, err := c.command(ctx, "stack", "output", "--json", "--show-secrets", "--stack", c.Stack).Output()
	if err != nil {
		return nil, fmt.Errorf("reading the outputs of stack %s: %w%s", c.Stack, err, stderr(err))
	}
	return out, nil
}

// Namespace returns the namespace of the deployed stack.
func (c *CLI) Namespace(ctx context.Context) (string, error) {
	raw, err := c.Outputs(ctx)
	if err != nil {
		return "", err
	}
	var outputs struct {
		Namespace string `json:"namespace"`
	}
	if err := json.Unmarshal(raw, &outputs); err != nil {
		return "", fmt.Errorf("reading the outputs of stack %s: %w", c.Stack, err)
	}
	if outputs.Namespace == "" {
		return "", fmt.Errorf("stack %s is not deployed: run make up", c.Stack)
	}
	return outputs.Namespace, nil
}

func (c *CLI) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := process.Graceful(ctx, c.Path, args...)
	cmd.Dir, cmd.Env = c.Repository, c.Env
	return cmd
}

// stderr returns what a failed command complained about, on a line of its own.
func stderr(err error) string {
	var exit *exec.ExitError
	if !errors.As(err, &exit) || len(exit.Stderr) == 0 {
		return ""
	}
	return "\n" + strings.TrimSpace(string(exit.Stderr))
}
