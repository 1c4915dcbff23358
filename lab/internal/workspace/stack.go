// Package stack runs the Pulumi program of this repository on a cluster.
package stack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Stack is one stack of the program on the lab.
type Stack struct {
	// Name of the stack.
	Name string
	// Repository is the clone whose program is run.
	Repository string
	// Dir is where the stack's working copy of its configuration lies.
	Dir string
	// Env is the environment of the pulumi CLI, with its PATH.
	Env []string
	// Pulumi is the CLI.
	Pulumi string
	// State is the folder of Pulumi's state, if that is the lab's own.
	State string
}

// Source returns the checked-in configuration of a stack: Pulumi.NAME.yaml, at the top
// or in examples.
func Source(repository, name string) (string, error) {
	for _, folder := range []string{"", "examples"} {
		path := filepath.Join(repository, folder, "Pulumi."+name+".yaml")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("stack %s: there is neither Pulumi.%[1]s.yaml nor examples/Pulumi.%[1]s.yaml", name)
}

// Config is the working copy of the configuration. Pulumi writes a stack's encryption
// salt into its configuration, and `pulumi config set` its values; both stay out of
// the files in the repository this way.
func (s *Stack) Config() string { return filepath.Join(s.Dir, "Pulumi."+s.Name+".yaml") }

// Init makes the working copy, and the stack itself if there is none yet. A working
// copy stays as it is, with what `pulumi config set` changed, until its source changes.
// It reports whether the working copy was replaced.
func (s *Stack) Init(ctx context.Context) (replaced bool, err error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return false, err
	}
	source, err := Source(s.Repository, s.Name)
	if err != nil {
		return false, err
	}
	content, err := os.ReadFile(source)
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256(content)
	mark, seen := filepath.Join(s.Dir, s.Name+".source"), hex.EncodeToString(sum[:])
	before, err := os.ReadFile(mark)
	if err == nil && string(before) == seen {
		return false, nil
	}
	replaced = err == nil
	if err := os.WriteFile(s.Config(), content, 0o600); err != nil {
		return false, err
	}
	if !replaced {
		if err := s.create(ctx); err != nil {
			return false, err
		}
	}
	return replaced, os.WriteFile(mark, []byte(seen), 0o600)
}

// create makes the stack from a copy of the project, since Pulumi writes a file
// beside the Pulumi.yaml that it is called with.
func (s *Stack) create(ctx context.Context) error {
	dir, err := os.MkdirTemp(s.Dir, "init-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	project, err := os.ReadFile(filepath.Join(s.Repository, "Pulumi.yaml"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), project, 0o600); err != nil {
		return err
	}
	cmd := s.command(ctx, "stack", "init", s.Name, "--no-select")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil && !bytes.Contains(out, []byte("already exists")) {
		return fmt.Errorf("pulumi stack init %s: %w\n%s", s.Name, err, out)
	}
	return s.run(ctx, "stack", "select", s.Name)
}

// Run runs a pulumi command on the stack, in sight of the user.
func (s *Stack) Run(ctx context.Context, args ...string) error {
	if err := s.unlock(ctx); err != nil {
		return err
	}
	return s.run(ctx, append(args, "--stack", s.Name)...)
}

// unlock drops the lock that a killed pulumi leaves. Elsewhere that is the user's to
// decide, but the lab's state is this machine's alone: no process, no lock.
func (s *Stack) unlock(ctx context.Context) error {
	if s.State == "" {
		return nil
	}
	locks, err := filepath.Glob(filepath.Join(s.State, ".pulumi", "locks", "*", "*", s.Name, "*.json"))
	if err != nil || len(locks) == 0 {
		return err
	}
	for _, file := range locks {
		raw, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // Its owner has just finished.
		}
		if err != nil {
			return err
		}
		var lock struct {
			PID int `json:"pid"`
		}
		if err := json.Unmarshal(raw, &lock); err != nil {
			return fmt.Errorf("reading the lock of stack %s: %w", s.Name, err)
		}
		if syscall.Kill(lock.PID, 0) == nil {
			return nil // Pulumi says what to do.
		}
	}
	return s.run(ctx, "cancel", "--yes", "--stack", s.Name)
}

// Output returns one of the stack's outputs.
func (s *Stack) Output(ctx context.Context, name string) (string, error) {
	out, err := s.command(ctx, "stack", "output", name, "--stack", s.Name).Output()
	if err != nil {
		return "", fmt.Errorf("stack %s has no output %s: deploy it with make up: %w", s.Name, name, err)
	}
	return strings.TrimSpace(string(out)), nil
}

func (s *Stack) run(ctx context.Context, args ...string) error {
	cmd := s.command(ctx, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("pulumi %s failed, see above", strings.Join(args, " "))
		}
		return err
	}
	return nil
}

func (s *Stack) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.Pulumi, args...)
	cmd.Dir, cmd.Env = s.Repository, s.Env
	return cmd
}
