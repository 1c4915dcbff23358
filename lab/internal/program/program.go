// Package program builds what this repository itself runs: the Pulumi program, the smoke test
// and the comparison.
package program

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bin is the folder of the executables below the repository. Pulumi.yaml names it too.
const bin = "bin"

// smoke is the smoke test's package.
const smoke = "./tests/smoke"

// Env is the environment of every build. The Makefile and Pulumi's language host build with
// the same one, so that they share a build cache; without version control and cgo, a
// build that changes nothing takes half the time.
func Env() [][2]string {
	return [][2]string{{"GOFLAGS", "-trimpath -buildvcs=false"}, {"CGO_ENABLED", "0"}}
}

// BuildCompare builds the comparison, which is a module of its own, and returns its executable.
func BuildCompare(ctx context.Context, repository string) (string, error) {
	path := filepath.Join(repository, bin, "compare")
	return path, goBuild(ctx, filepath.Join(repository, "compare"), "-o", path, ".")
}

// PackageName is the name of the Pulumi package.
const PackageName = "llm-d-sim"

// BuildPackage builds the Pulumi package, which is a module of its own, and returns its
// executable.
func BuildPackage(ctx context.Context, repository string) (string, error) {
	path := filepath.Join(repository, bin, "pulumi-resource-"+PackageName)
	return path, goBuild(ctx, filepath.Join(repository, "provider"), "-ldflags", "-s -w", "-o", path, ".")
}

// Version returns the version of the repository.
func Version(repository string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(repository, "internal", "version", "VERSION"))
	return strings.TrimSpace(string(raw)), err
}

// Build builds the Pulumi program and the smoke test, so that neither is waited for later.
func Build(ctx context.Context, repository string) error {
	return build(ctx, repository, ".", smoke)
}

// BuildSmoke builds the smoke test and returns its executable.
func BuildSmoke(ctx context.Context, repository string) (string, error) {
	return filepath.Join(repository, bin, filepath.Base(smoke)), build(ctx, repository, smoke)
}

func build(ctx context.Context, repository string, packages ...string) error {
	return goBuild(ctx, repository, append([]string{"-o", bin + string(filepath.Separator)}, packages...)...)
}

func goBuild(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...)
	cmd.Dir, cmd.Env = dir, os.Environ()
	for _, pair := range Env() {
		cmd.Env = append(cmd.Env, pair[0]+"="+pair[1])
	}
	if log, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the program: %w\n%s", err, bytes.TrimSpace(log))
	}
	return nil
}
