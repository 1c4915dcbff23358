// Package istio installs Istio on the lab's cluster: with istioctl, as its users do.
package istio

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

const (
	source = "istio.io/istio"
	// release is the one of source's commit.
	release = "1.28.2"
	// Hub is where Istio's images are.
	Hub = "docker.io/istio"
	// namespace is Istio's own.
	namespace = "istio-system"
)

// Tool is one of Istio's executables.
func Tool(name, folder string) tool.Tool {
	return tool.Tool{
		Name: name, Module: "images/istio", Package: source + "/" + folder, Source: source, Release: release,
		Stamp: []string{source + "/pkg/version.buildVersion"},
	}
}

// Installer is the executable that Install runs.
func Installer() tool.Tool { return Tool("istioctl", "istioctl/cmd/istioctl") }

// profile is the configuration to install, with the reason for each setting.
//
//go:embed profile.yaml
var profile []byte

// Cluster is the cluster to install on.
type Cluster interface {
	Kubeconfig() string
	Kubectl(ctx context.Context, input io.Reader, args ...string) (string, error)
}

// Installed reports whether a cluster has an istiod that is ready.
func Installed(ctx context.Context, c Cluster) bool {
	ready, err := c.Kubectl(ctx, nil, "get", "deployment", "istiod", "-n", namespace,
		"--ignore-not-found", "-o", "jsonpath={.status.readyReplicas}")
	return err == nil && strings.TrimSpace(ready) != ""
}

// Install installs istiod, whose images the cluster's node must have, and waits until
// it is ready.
func Install(ctx context.Context, c Cluster, istioctl string, out io.Writer) error {
	began := time.Now()
	cmd := exec.CommandContext(ctx, istioctl, "install", "--kubeconfig", c.Kubeconfig(), "--skip-confirmation",
		"--filename", "-", "--set", "hub="+Hub, "--set", "tag="+release)
	cmd.Stdin = bytes.NewReader(profile)
	if log, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("istioctl install: %w\n%s", err, log)
	}
	fmt.Fprintf(out, "Istio %s runs after %.1f s\n", release, time.Since(began).Seconds())
	return nil
}
