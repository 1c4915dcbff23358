// Package cluster runs the lab's Kubernetes: a real control plane on loopback, with
// KWOK in the place of kubelets, which makes pods ready without running them.
package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// Cluster is one local cluster.
type Cluster struct {
	// Name tells clusters apart that run at the same time.
	Name string
	// Dir holds everything of the cluster; Stop removes it.
	Dir string
	// Tools are the executables of the control plane, and kubectl.
	Tools tool.Paths
	// KubernetesVersion is the control plane's.
	KubernetesVersion string
	// Out is told what happens.
	Out io.Writer
}

// startTimeout is many times what a start takes on two cores, 6 s.
const startTimeout = "90s"

// kwokctlConfig keeps every component on loopback.
const kwokctlConfig = `apiVersion: config.kwok.x-k8s.io/v1alpha1
kind: KwokctlConfiguration
options:
  bindAddress: 127.0.0.1
`

// Kubeconfig is the path of the cluster's kubeconfig. The user's own is left alone.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.Dir, "kubeconfig") }

// Start brings the cluster up with a number of nodes, and returns at once if it runs.
// What is left of one that died is removed first.
func (c *Cluster) Start(ctx context.Context, nodes int) error {
	if c.Healthy(ctx) {
		fmt.Fprintf(c.Out, "cluster %s runs already\n", c.Name)
		return nil
	}
	if _, err := os.Stat(c.Dir); err == nil {
		fmt.Fprintf(c.Out, "removing what is left of cluster %s\n", c.Name)
		if err := c.Stop(ctx); err != nil {
			return err
		}
	}
	began := time.Now()
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	config := filepath.Join(c.Dir, "kwokctl.yaml")
	if err := os.WriteFile(config, []byte(kwokctlConfig), 0o600); err != nil {
		return err
	}
	if err := c.kwokctl(ctx, "create", "cluster",
		"--config", config,
		"--runtime", "binary",
		"--etcd-binary", c.Tools["etcd"],
		"--kube-apiserver-binary", c.Tools["kube-apiserver"],
		"--kube-controller-manager-binary", c.Tools["kube-controller-manager"],
		"--kube-scheduler-binary", c.Tools["kube-scheduler"],
		"--kwok-controller-binary", c.Tools["kwok"],
		"--disable-qps-limits",
		"--kubeconfig", "",
		"--wait", startTimeout,
	); err != nil {
		return errors.Join(err, c.Stop(ctx))
	}
	kubeconfig, err := c.command(ctx, "get", "kubeconfig").Output()
	if err != nil {
		return fmt.Errorf("reading the kubeconfig of cluster %s: %w", c.Name, err)
	}
	if err := os.WriteFile(c.Kubeconfig(), kubeconfig, 0o600); err != nil {
		return err
	}
	if err := c.kwokctl(ctx, "scale", "node", "--replicas", fmt.Sprint(nodes)); err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "cluster %s runs Kubernetes %s, with %d nodes that fake their pods (KWOK), after %.1f s\n",
		c.Name, c.KubernetesVersion, nodes, time.Since(began).Seconds())
	return nil
}

// Stop ends the cluster's processes and removes its folder. It works on any remains.
func (c *Cluster) Stop(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(c.Dir, kwokDir)); err == nil {
		if err := c.kwokctl(ctx, "delete", "cluster"); err != nil {
			return err
		}
	}
	return os.RemoveAll(c.Dir)
}

// Healthy reports whether the API server says that it is ready.
func (c *Cluster) Healthy(ctx context.Context) bool {
	if _, err := os.Stat(c.Kubeconfig()); err != nil {
		return false
	}
	_, err := c.Kubectl(ctx, nil, "get", "--raw", "/readyz", "--request-timeout", "2s")
	return err == nil
}

// Kubectl runs kubectl on the cluster, with an input if there is one.
func (c *Cluster) Kubectl(ctx context.Context, input io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.Tools["kubectl"], append([]string{"--kubeconfig", c.Kubeconfig()}, args...)...)
	cmd.Stdin = input
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

const kwokDir = "kwok"

func (c *Cluster) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Tools["kwokctl"], append(args, "--name", c.Name)...)
	cmd.Env = append(os.Environ(),
		"KWOK_WORKDIR="+filepath.Join(c.Dir, kwokDir),
		"KWOK_KUBE_VERSION="+c.KubernetesVersion,
		// kwokctl asks kubectl for some things, and must not find another cluster's.
		"PATH="+filepath.Dir(c.Tools["kubectl"])+string(os.PathListSeparator)+os.Getenv("PATH"),
		"KUBECONFIG=")
	return cmd
}

// kwokctl runs a command and shows its log only if it fails, with the components' own.
func (c *Cluster) kwokctl(ctx context.Context, args ...string) error {
	cmd := c.command(ctx, args...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("kwokctl %s of cluster %s: %w\n%s%s", strings.Join(args[:2], " "), c.Name, err, log.String(), c.logs())
	}
	return nil
}

// logs returns the last lines that each component wrote.
func (c *Cluster) logs() string {
	const most = 1000
	var all strings.Builder
	files, _ := filepath.Glob(filepath.Join(c.Dir, kwokDir, "clusters", c.Name, "logs", "*"))
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil || len(raw) == 0 {
			continue
		}
		fmt.Fprintf(&all, "--- %s\n%s\n", filepath.Base(file), raw[max(0, len(raw)-most):])
	}
	return all.String()
}
