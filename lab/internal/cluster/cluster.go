// Package cluster runs the lab's Kubernetes: a real control plane. Its nodes are either
// KWOK's, on loopback, which make pods ready without running them; or there is one real
// node, that of package node, in a sandbox together with the control plane.
package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/sandbox"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// Cluster is one local cluster.
type Cluster struct {
	// Name is unique among the machine's clusters.
	Name string
	// Dir holds everything of the cluster; Stop removes it.
	Dir string
	// Tools are the executables of the control plane, and kubectl.
	Tools tool.Paths
	// KubernetesVersion is the control plane's.
	KubernetesVersion string
	// Sandbox is where the control plane of a real node runs. Nil: KWOK's nodes.
	Sandbox *sandbox.Sandbox
	// Out receives a line for each step.
	Out io.Writer

	// run runs a command to its end; tests replace it.
	run func(*exec.Cmd) error
}

// startTimeout is many times the duration of a start on two cores, 6 s.
const startTimeout = "90s"

// fakeNodes is the number of KWOK's nodes.
const fakeNodes = 2

// apiServerPort is that of a control plane in a sandbox, where no other can have it.
const apiServerPort = "6443"

// Kubeconfig is the path of the cluster's kubeconfig. The user's own is left alone.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.Dir, "kubeconfig") }

// Start starts the control plane, and KWOK's nodes unless there is a sandbox. What a failed
// start leaves is for Stop to remove.
func (c *Cluster) Start(ctx context.Context) error {
	began := time.Now()
	if err := c.create(ctx); err != nil {
		return err
	}
	nodes := ""
	if c.Sandbox == nil {
		if err := c.kwokctl(ctx, "scale", "node", "--replicas", fmt.Sprint(fakeNodes)); err != nil {
			return err
		}
		nodes = fmt.Sprintf(", with %d nodes that fake their pods (KWOK),", fakeNodes)
	}
	fmt.Fprintf(c.Out, "cluster %s runs Kubernetes %s%s after %.1f s\n",
		c.Name, c.KubernetesVersion, nodes, time.Since(began).Seconds())
	return nil
}

func (c *Cluster) create(ctx context.Context) error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	content, err := c.kwokctlConfig()
	if err != nil {
		return err
	}
	config := filepath.Join(c.Dir, "kwokctl.yaml")
	if err := os.WriteFile(config, content, 0o600); err != nil {
		return err
	}
	args := []string{
		"create", "cluster",
		"--config", config,
		"--runtime", "binary",
		"--etcd-binary", c.Tools["etcd"],
		"--kube-apiserver-binary", c.Tools["kube-apiserver"],
		"--kube-controller-manager-binary", c.Tools["kube-controller-manager"],
		"--kube-scheduler-binary", c.Tools["kube-scheduler"],
		"--disable-qps-limits",
		"--kubeconfig", "",
		"--wait", startTimeout,
	}
	components := []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}
	if c.Sandbox == nil {
		components = append(components, "kwok-controller")
		args = append(args, "--kwok-controller-binary", c.Tools["kwok"])
	} else {
		args = append(args, "--kube-apiserver-port", apiServerPort)
	}
	if err := c.kwokctl(ctx, append(args, "--components", strings.Join(components, ","))...); err != nil {
		return err
	}
	kubeconfig, err := c.output(c.command(ctx, "get", "kubeconfig"))
	if err != nil {
		return fmt.Errorf("reading the kubeconfig of cluster %s: %w", c.Name, err)
	}
	if c.Sandbox != nil {
		kubeconfig = bytes.ReplaceAll(kubeconfig, []byte("https://127.0.0.1:"), []byte("https://"+c.Sandbox.Address()+":"))
	}
	return os.WriteFile(c.Kubeconfig(), kubeconfig, 0o600)
}

// kwokctlConfig keeps every component on loopback, but for the API server in a sandbox,
// which the sandbox's pods and the machine reach by the sandbox's address.
func (c *Cluster) kwokctlConfig() ([]byte, error) {
	type object = map[string]any
	options := object{"bindAddress": "127.0.0.1"}
	config := object{
		"apiVersion": "config.kwok.x-k8s.io/v1alpha1", "kind": "KwokctlConfiguration", "options": options,
	}
	// There is one of each. It would exit if it could not renew its lease, and nothing would
	// restart it.
	alone := []object{{"key": "leader-elect", "value": "false"}}
	patches := []object{
		{"name": "kube-controller-manager", "extraArgs": alone}, {"name": "kube-scheduler", "extraArgs": alone},
	}
	if c.Sandbox != nil {
		options["kubeApiserverCertSANs"] = []string{c.Sandbox.ServiceAddress(1), c.Sandbox.Address()}
		var args []object
		for _, arg := range [][2]string{
			{"bind-address", "0.0.0.0"},
			{"advertise-address", c.Sandbox.Address()},
			{"service-cluster-ip-range", c.Sandbox.ServiceRange()},
			{"kubelet-preferred-address-types", "InternalIP"},
			{"kubelet-client-certificate", c.PKI("admin.crt")},
			{"kubelet-client-key", c.PKI("admin.key")},
			// What lets API servers behind this one, such as KEDA's, know on whose behalf it asks. It
			// shows them its own certificate, that of kwokctl's only user.
			{"requestheader-client-ca-file", c.PKI("ca.crt")},
			{"requestheader-allowed-names", "kwok-admin"},
			{"requestheader-username-headers", "X-Remote-User"},
			{"requestheader-group-headers", "X-Remote-Group"},
			{"requestheader-extra-headers-prefix", "X-Remote-Extra-"},
		} {
			args = append(args, object{"key": arg[0], "value": arg[1]})
		}
		patches = append(patches, object{"name": "kube-apiserver", "extraArgs": args})
	}
	config["componentsPatches"] = patches
	return json.Marshal(config) // JSON is YAML.
}

// PKI is the path of one of the cluster's certificates or keys.
func (c *Cluster) PKI(file string) string {
	return filepath.Join(c.kwok(), "pki", file)
}

// kwok is the folder in which kwokctl keeps the cluster.
func (c *Cluster) kwok() string { return filepath.Join(c.Dir, KwokDir, "clusters", c.Name) }

// Stop ends the cluster's processes and removes its folder, whatever is left of it.
func (c *Cluster) Stop(ctx context.Context) error {
	if c.Sandbox != nil {
		if err := c.Sandbox.Stop(); err != nil {
			return err
		}
	} else if _, err := os.Stat(filepath.Join(c.Dir, KwokDir)); err == nil {
		if err := c.kwokctl(ctx, "delete", "cluster"); err != nil {
			return err
		}
	}
	return os.RemoveAll(c.Dir)
}

// MarkComplete records that the whole cluster was started, with its node.
func (c *Cluster) MarkComplete() error { return os.WriteFile(c.completeMark(), nil, 0o600) }

func (c *Cluster) completeMark() string { return filepath.Join(c.Dir, "complete") }

// Kubectl runs kubectl on the cluster, with an input if there is one.
func (c *Cluster) Kubectl(ctx context.Context, input io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.Tools["kubectl"], append([]string{"--kubeconfig", c.Kubeconfig()}, args...)...)
	cmd.Stdin = input
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := c.output(cmd)
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

func (c *Cluster) output(cmd *exec.Cmd) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout = &out
	err := c.execute(cmd)
	return out.Bytes(), err
}

func (c *Cluster) execute(cmd *exec.Cmd) error {
	if c.run != nil {
		return c.run(cmd)
	}
	return cmd.Run()
}

// KwokDir is kwokctl's folder in that of a cluster.
const KwokDir = "kwok"

func (c *Cluster) command(ctx context.Context, args ...string) *exec.Cmd {
	args = append(args, "--name", c.Name)
	cmd := exec.CommandContext(ctx, c.Tools["kwokctl"], args...)
	if c.Sandbox != nil {
		cmd = c.Sandbox.Command(ctx, c.Tools["kwokctl"], args...)
	}
	cmd.Env = append(os.Environ(),
		"KWOK_WORKDIR="+filepath.Join(c.Dir, KwokDir),
		"KWOK_KUBE_VERSION="+c.KubernetesVersion,
		// kwokctl calls kubectl, which must not find another cluster.
		"PATH="+filepath.Dir(c.Tools["kubectl"])+string(os.PathListSeparator)+os.Getenv("PATH"),
		"KUBECONFIG=")
	return cmd
}

// kwokctl runs a command. If it fails, the error holds its log and the components' logs.
func (c *Cluster) kwokctl(ctx context.Context, args ...string) error {
	cmd := c.command(ctx, args...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := c.execute(cmd); err != nil {
		return fmt.Errorf("kwokctl %s of cluster %s: %w\n%s%s", strings.Join(args[:2], " "), c.Name, err, log.String(), c.lastLines())
	}
	return nil
}
