// Package pulumihome holds what the pulumi CLI of one lab needs: the CLI with its language
// host and providers, the state of the stacks, and the passphrase that encrypts it.
package pulumihome

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/shell"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// Home is the folder of a lab.
type Home struct{ Dir string }

// Bin is the folder for the PATH, with pulumi and kubectl.
func (h Home) Bin() string { return filepath.Join(h.Dir, "bin") }

// CLI is the pulumi to call.
func (h Home) CLI() string { return filepath.Join(h.Bin(), cli) }

// State is the folder of the stacks' state.
func (h Home) State() string { return filepath.Join(h.Dir, "state") }

const cli = "pulumi"

func (h Home) pulumi() string     { return filepath.Join(h.Dir, "pulumi") }
func (h Home) libexec() string    { return filepath.Join(h.Dir, "libexec") }
func (h Home) temporary() string  { return filepath.Join(h.Dir, "tmp") }
func (h Home) passphrase() string { return filepath.Join(h.Dir, "passphrase") }

// Env is the environment in which the CLI works on the lab's stacks, but for the PATH.
func (h Home) Env() [][2]string {
	return [][2]string{
		{"PULUMI_HOME", h.pulumi()},
		// A killed pulumi may leave half a file of metadata, with which every command fails
		// and which nothing needs. The state itself is replaced atomically.
		{"PULUMI_BACKEND_URL", "file://" + h.State() + "?metadata=skip"},
		{"PULUMI_CONFIG_PASSPHRASE_FILE", h.passphrase()},
		{"PULUMI_SKIP_UPDATE_CHECK", "true"},
	}
}

// Prepare puts the tools to where the CLI looks for them, and makes a passphrase unless
// there is one. plugins are the versions of the providers.
func (h Home) Prepare(tools tool.Paths, plugins map[string]string) error {
	links := map[string]string{
		filepath.Join(h.Bin(), "kubectl"):                tools["kubectl"],
		filepath.Join(h.libexec(), cli):                  tools["pulumi"],
		filepath.Join(h.libexec(), "pulumi-language-go"): tools["pulumi-language-go"],
	}
	for name, version := range plugins {
		if built := tools[executable(name)]; built != "" {
			links[h.plugin(name, version)] = built
		}
	}
	if err := linkAll(links); err != nil {
		return err
	}
	for _, folder := range []string{h.pulumi(), h.State(), h.temporary()} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	if err := h.writeWrapper(); err != nil {
		return err
	}
	// Pulumi 3.259 always keeps a compressed, encrypted log of every property of every
	// resource, which costs a third of its CPU time. There is no setting against it, but
	// it does without where it cannot create the folder.
	if err := writeNew(filepath.Join(h.pulumi(), "logs"), ""); err != nil {
		return err
	}
	secret := make([]byte, 16)
	_, _ = rand.Read(secret) // Never fails.
	return writeNew(h.passphrase(), hex.EncodeToString(secret))
}

// executable is the name of a provider's executable, and plugin where pulumi looks for it.
func executable(name string) string { return "pulumi-resource-" + name }

func (h Home) plugin(name, version string) string {
	return filepath.Join(h.pulumi(), "plugins", fmt.Sprintf("resource-%s-%s", name, version), executable(name))
}

// AddPackage adds a package of components, and the language hosts of programs that use it.
func (h Home) AddPackage(name, version, plugin string, hosts tool.Paths) error {
	links := map[string]string{h.plugin(name, version): plugin}
	for host, built := range hosts {
		links[filepath.Join(h.libexec(), host)] = built
	}
	return linkAll(links)
}

func linkAll(links map[string]string) error {
	for path, target := range links {
		if err := link(target, path); err != nil {
			return err
		}
	}
	return nil
}

// writeWrapper writes the script that calls the CLI. The Kubernetes provider leaves a copy of
// the kubeconfig in the temporary folder at each run: with a folder of the lab's own, they go
// with the lab. `make env` cannot set TMPDIR for a whole shell, which may outlive the lab.
func (h Home) writeWrapper() error {
	script := fmt.Sprintf("#!/bin/sh\nTMPDIR=%s exec %s \"$@\"\n",
		shell.Quote(h.temporary()), shell.Quote(filepath.Join(h.libexec(), cli)))
	part := h.CLI() + ".part" // A shell may be reading the present one.
	return errors.Join(
		os.WriteFile(part, []byte(script), 0o600), os.Chmod(part, 0o700), os.Rename(part, h.CLI()))
}

// Download lets an installed pulumi download the providers, and reports whether it could.
func (h Home) Download(ctx context.Context, pulumi string, plugins map[string]string) bool {
	for name, version := range plugins {
		cmd := exec.CommandContext(ctx, pulumi, "plugin", "install", "resource", name, version)
		cmd.Env = append(os.Environ(), "PULUMI_HOME="+h.pulumi())
		if err := cmd.Run(); err != nil {
			return false
		}
	}
	return true
}

// writeNew writes a file that only its owner can read, unless it exists.
func writeNew(path, content string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return os.WriteFile(path, []byte(content), 0o600)
}

// link puts an executable at a path: by a hard link where possible, since the CLI looks for
// its language hosts beside its own file, and not beside a symbolic link to it.
func link(target, path string) error {
	// A hard link to a relative symbolic link would lead elsewhere.
	target, err := filepath.EvalSymlinks(target)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Link(target, path); err == nil {
		return nil
	}
	return os.Symlink(target, path)
}
