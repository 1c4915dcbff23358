package tool

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/system"
)

// Requirements are what a tool needs from the machine to be built.
func (t Tool) Requirements() []system.Requirement {
	var list []system.Requirement
	if len(t.Libraries) > 0 {
		list = append(list, system.Command("g++", "g++"), system.Command("pkg-config", "pkg-config"))
	}
	for _, name := range t.Libraries {
		list = append(list, system.Library(name, libraryPackages[name]))
	}
	if t.Rust != "" {
		list = append(list, system.Command("cargo", "cargo"))
	}
	if t.Wheel != "" {
		list = append(list, system.Command("pip3", "python3-pip"))
	}
	return list
}

// libraryPackages are the Debian packages of the libraries that tools link.
var libraryPackages = map[string]string{"libzmq": "libzmq3-dev", "python3-embed": "libpython3-dev"}

// link returns the environment in which `go build` links a tool. Most tools need no C
// libraries.
func (b *Builder) link(ctx context.Context, t Tool, module, dir string) ([]string, error) {
	if len(t.Libraries) == 0 {
		return []string{"CGO_ENABLED=0"}, nil
	}
	config := func(what string) (string, error) {
		out, err := exec.CommandContext(ctx, "pkg-config", append([]string{what}, t.Libraries...)...).Output()
		if err != nil {
			return "", fmt.Errorf("pkg-config %s %s: %w", what, strings.Join(t.Libraries, " "), err)
		}
		return strings.TrimSpace(string(out)), nil
	}
	compile, err := config("--cflags")
	if err != nil {
		return nil, err
	}
	link, err := config("--libs")
	if err != nil {
		return nil, err
	}
	if t.Rust != "" {
		crate, err := buildCrate(ctx, module, t.Rust, dir)
		if err != nil {
			return nil, err
		}
		link += " -L" + crate
	}
	return []string{"CGO_ENABLED=1", "CGO_CFLAGS=-O2 " + compile, "CGO_LDFLAGS=" + link}, nil
}

// buildCrate builds the Rust crate that a Go module holds, and returns the folder of
// its library.
func buildCrate(ctx context.Context, module, source, dir string) (string, error) {
	original, err := Folder(module, source)
	if err != nil {
		return "", err
	}
	// A copy, since Go's module cache is read-only and cargo writes beside the sources.
	crate := filepath.Join(dir, "crate")
	if err := os.CopyFS(crate, os.DirFS(original)); err != nil {
		return "", err
	}
	target := filepath.Join(dir, "target")
	err = run(ctx, crate, []string{"CARGO_TARGET_DIR=" + target}, "cargo", "build", "--release", "--locked")
	return filepath.Join(target, "release"), err
}

const requirementsFile = "requirements.txt"

// requirement is a line of requirements.txt up to its hashes.
var requirement = regexp.MustCompile(`(?m)^[\w-]+==([\w.]+)`)

func wheelVersion(module string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(module, requirementsFile))
	if err != nil {
		return "", err
	}
	match := requirement.FindSubmatch(raw)
	if match == nil {
		return "", fmt.Errorf("%s of %s pins no version", requirementsFile, module)
	}
	return string(match[1]), nil
}

// unpackWheel takes the executable out of the wheel, whose hash pip checks.
func (b *Builder) unpackWheel(ctx context.Context, t Tool, _, output string) error {
	dir := filepath.Join(filepath.Dir(output), "wheel")
	err := run(ctx, filepath.Join(b.Pins, t.Module), nil, "pip3", "download", "--no-deps", "--only-binary", ":all:",
		"--require-hashes", "--requirement", requirementsFile, "--dest", dir)
	if err != nil {
		return err
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(wheels) != 1 {
		return errors.Join(err, fmt.Errorf("pip downloaded %d wheels instead of one", len(wheels)))
	}
	wheel, err := zip.OpenReader(wheels[0])
	if err != nil {
		return err
	}
	defer wheel.Close()
	in, err := wheel.Open(t.Wheel)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(output, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
