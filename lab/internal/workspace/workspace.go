package workspace

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
	"path/filepath"
	"syscall"
)

// Workspace is one stack of a lab: its configuration is a working copy, so that Pulumi,
// which writes into that file, changes nothing in the clone.
type Workspace struct {
	CLI
	// Dir is the folder of the working copy.
	Dir string
	// State is the folder of Pulumi's state.
	State string
	// Images replace default ones in the working copy.
	Images []Image
}

// Config is the working copy of the configuration.
func (w *Workspace) Config() string { return Config(w.Dir, w.Stack) }

// Init makes the working copy, and the stack unless it exists. A working copy keeps what
// `pulumi config set` changed until its source changes. replaced reports that it did.
func (w *Workspace) Init(ctx context.Context) (replaced bool, err error) {
	if err := os.MkdirAll(w.Dir, 0o700); err != nil {
		return false, err
	}
	source, err := Source(w.Repository, w.Stack)
	if err != nil {
		return false, err
	}
	raw, err := os.ReadFile(source)
	if err != nil {
		return false, err
	}
	content, err := withImages(WithoutEncryption(string(raw)), w.Images)
	if err != nil {
		return false, fmt.Errorf("reading %s: %w", source, err)
	}
	sum := sha256.Sum256([]byte(content))
	mark, seen := filepath.Join(w.Dir, w.Stack+".source"), hex.EncodeToString(sum[:])
	before, err := os.ReadFile(mark)
	if err == nil && string(before) == seen {
		return false, nil
	}
	replaced = err == nil
	if err := os.WriteFile(w.Config(), []byte(content), 0o600); err != nil {
		return false, err
	}
	if !replaced {
		if err := w.create(ctx); err != nil {
			return false, err
		}
	}
	return replaced, os.WriteFile(mark, []byte(seen), 0o600)
}

// create creates and selects the stack. It does so in a copy of the project, since Pulumi
// writes a configuration file beside the Pulumi.yaml.
func (w *Workspace) create(ctx context.Context) error {
	dir, err := os.MkdirTemp(w.Dir, "init-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	project, err := os.ReadFile(filepath.Join(w.Repository, "Pulumi.yaml"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), project, 0o600); err != nil {
		return err
	}
	cmd := w.command(ctx, "stack", "init", w.Stack, "--no-select")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil && !bytes.Contains(out, []byte("already exists")) {
		return fmt.Errorf("pulumi stack init %s: %w\n%s", w.Stack, err, out)
	}
	return w.CLI.Run(ctx, "stack", "select")
}

// Run runs a pulumi command on the stack at the user's terminal.
func (w *Workspace) Run(ctx context.Context, args ...string) error {
	if err := w.unlock(ctx); err != nil {
		return err
	}
	return w.CLI.Run(ctx, args...)
}

// unlock removes the lock that a killed pulumi leaves. In general that is for the user to
// decide, but the lab's state belongs to this machine: without the process, the lock is
// stale.
func (w *Workspace) unlock(ctx context.Context) error {
	locks, err := filepath.Glob(filepath.Join(w.State, ".pulumi", "locks", "*", "*", w.Stack, "*.json"))
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
			return fmt.Errorf("reading the lock of stack %s: %w", w.Stack, err)
		}
		if syscall.Kill(lock.PID, 0) == nil {
			return nil // Pulumi reports it.
		}
	}
	return w.CLI.Run(ctx, "cancel", "--yes")
}
