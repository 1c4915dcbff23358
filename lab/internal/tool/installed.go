package tool

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"

	"golang.org/x/mod/semver"
)

// The oldest installed versions that the lab works with.
const (
	// oldestPulumi is the engine with which the providers' modules were released.
	oldestPulumi = "v3.225.0"
	// oldestKubectl is the oldest Kubernetes that the stack runs on.
	oldestKubectl = "v1.30.0"
)

var versionPattern = regexp.MustCompile(`v\d+\.\d+\.\d+`)

// InstalledEngine returns the Pulumi CLI and language host on the PATH, nil unless both
// are there and new enough.
func InstalledEngine(ctx context.Context) Paths {
	cli, ok := installed(ctx, "pulumi", oldestPulumi, "version")
	if !ok {
		return nil
	}
	host, err := exec.LookPath("pulumi-language-go")
	if err != nil {
		return nil
	}
	return Paths{"pulumi": cli, "pulumi-language-go": host}
}

// InstalledKubectl returns the kubectl on the PATH, nil unless it is new enough.
func InstalledKubectl(ctx context.Context) Paths {
	if path, ok := installed(ctx, "kubectl", oldestKubectl, "version", "--client"); ok {
		return Paths{"kubectl": path}
	}
	return nil
}

func installed(ctx context.Context, name, oldest string, args ...string) (string, bool) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", false
	}
	out, err := exec.CommandContext(ctx, path, args...).Output()
	if err != nil {
		return "", false
	}
	version := versionPattern.FindString(string(out))
	if semver.Compare(version, oldest) < 0 || semver.Major(version) != semver.Major(oldest) {
		return "", false
	}
	absolute, err := filepath.Abs(path)
	return absolute, err == nil
}
