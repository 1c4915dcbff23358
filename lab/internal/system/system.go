// Package system checks for the packages of the machine's distribution that the lab needs,
// and installs them where it can.
package system

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Requirement is something that a Debian package brings.
type Requirement struct {
	pkg     string
	present func() bool
}

// Command is an executable on the PATH.
func Command(name, pkg string) Requirement {
	return Requirement{pkg, func() bool { _, err := exec.LookPath(name); return err == nil }}
}

// File is a file that programs expect at this very path.
func File(path, pkg string) Requirement {
	return Requirement{pkg, func() bool { _, err := os.Stat(path); return err == nil }}
}

// Library is a C library with its headers, by its name for pkg-config.
func Library(name, pkg string) Requirement {
	return Requirement{pkg, func() bool { return exec.Command("pkg-config", "--exists", name).Run() == nil }}
}

// missing lists the packages of unmet requirements.
func missing(requirements []Requirement) []string {
	var packages []string
	for _, r := range requirements {
		if !r.present() && !slices.Contains(packages, r.pkg) {
			packages = append(packages, r.pkg)
		}
	}
	return packages
}

// Check fails if a package is missing that Ensure could not install.
func Check(requirements ...Requirement) error {
	packages := missing(requirements)
	if len(packages) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("install these Debian packages, or their equivalents: %s", strings.Join(packages, " "))
	}
	return nil
}

// Ensure installs missing packages and reports it. It needs root and Debian's apt-get only
// if any are missing.
func Ensure(ctx context.Context, out io.Writer, requirements ...Requirement) error {
	if err := Check(requirements...); err != nil {
		return err
	}
	packages := missing(requirements)
	if len(packages) == 0 {
		return nil
	}
	fmt.Fprintf(out, "installing Debian packages: %s ...\n", strings.Join(packages, " "))
	began := time.Now()
	install := append([]string{"install", "--yes", "--no-install-recommends"}, packages...)
	for _, args := range [][]string{{"update"}, install} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if log, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args, " "), err, log)
		}
	}
	fmt.Fprintf(out, "packages installed in %s\n", time.Since(began).Round(time.Second))
	return nil
}
