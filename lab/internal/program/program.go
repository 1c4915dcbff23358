// Package program builds what this repository itself runs: the Pulumi program and the
// smoke test.
package program

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// Build builds the Pulumi program and the smoke test, so that neither is waited for later.
func Build(ctx context.Context, repository string) error {
	return build(ctx, repository, ".", smoke)
}

// BuildSmoke builds the smoke test and returns its executable.
func BuildSmoke(ctx context.Context, repository string) (string, error) {
	return filepath.Join(repository, bin, filepath.Base(smoke)), build(ctx, repository, smoke)
}

func build(ctx context.Context, repository string, packages ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-o", bin + string(filepath.Separator)}, packages...)...)
	cmd.Dir, cmd.Env = repository, os.Environ()
	for _, pair := range Env() {
		cmd.Env = append(cmd.Env, pair[0]+"="+pair[1])
	}
	if log, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the program: %w\n%s", err, bytes.TrimSpace(log))
	}
	return nil
}
