// Package node runs a real Kubernetes node in the sandbox of a cluster: containerd, the
// kubelet and kube-proxy, CoreDNS as a pod, and on request a firewall that enforces
// NetworkPolicies. Nothing is pulled from a registry.
package node

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/template"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/cluster"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/sandbox"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/system"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// cniPlugins is where Debian puts them.
const cniPlugins = "/usr/lib/cni"

// Requirements are what a node needs from the machine.
func Requirements() []system.Requirement {
	return append(sandbox.Requirements(),
		system.Command("containerd", "containerd"),
		system.Command("runc", "runc"),
		system.File(filepath.Join(cniPlugins, "ptp"), "containernetworking-plugins"),
		system.Command("iptables", "iptables"),
		system.Command("nft", "nftables"),
		system.Command("conntrack", "conntrack"),
	)
}

// Supported returns the reason why this machine cannot run a node, in a few words.
func Supported() error {
	if err := sandbox.Supported(); err != nil {
		return err
	}
	return system.Check(Requirements()...)
}

// Node is the one node of a cluster.
type Node struct {
	// Cluster to join; it has a sandbox.
	Cluster *cluster.Cluster
	// Tools are the executables of the kubelet and of kube-proxy.
	Tools tool.Paths
	// Archives are images to import. Before Join, Pause and CoreDNS must be among them.
	Archives       []string
	Pause, CoreDNS string
	// Out receives a line for each step.
	Out io.Writer
}

//go:embed files
var files embed.FS

// values are the parameters of the configuration files.
type values struct {
	Name, Dir, CNIPlugins, Pause, CoreDNS string
	PodRange, DNS, Cgroup, CA, Kubeconfig string
	RestrictOOMScore                      bool
}

const (
	// dns is the number of the DNS Service's address, as everywhere.
	dns        = 10
	containerd = "/run/containerd/containerd.sock"
)

func (n *Node) dir() string { return n.Cluster.Sandbox.Dir }

// render fills in one of the files.
func (n *Node) render(name string) ([]byte, error) {
	s := n.Cluster.Sandbox
	restrict, err := lacksSysResource()
	if err != nil {
		return nil, err
	}
	t, err := template.ParseFS(files, "files/"+name)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, values{
		Name: n.Cluster.Name, Dir: n.dir(), CNIPlugins: cniPlugins, Pause: n.Pause, CoreDNS: n.CoreDNS,
		PodRange: s.PodRange(), DNS: s.ServiceAddress(dns), Cgroup: s.Cgroup(),
		CA: n.Cluster.PKI("ca.crt"), Kubeconfig: n.Cluster.Kubeconfig(), RestrictOOMScore: restrict,
	})
	return out.Bytes(), err
}

// write fills in a file, puts it into a folder below the node's, and returns its path.
func (n *Node) write(folder, name string) (string, error) {
	content, err := n.render(name)
	if err != nil {
		return "", err
	}
	path := filepath.Join(n.dir(), folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, content, 0o600)
}

// lacksSysResource reports whether this process, and so containerd, may not lower
// OOM scores: without it runc fails with every container.
func lacksSysResource() (bool, error) {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false, err
	}
	_, rest, _ := strings.Cut(string(raw), "CapEff:")
	field, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
	mask, err := strconv.ParseUint(field, 16, 64)
	const sysResource = 24
	return mask&(1<<sysResource) == 0, err
}

// StartRuntime starts containerd and imports the images. It needs no API server yet.
func (n *Node) StartRuntime(ctx context.Context) error {
	config, err := n.write("", "containerd.toml")
	if err != nil {
		return err
	}
	if _, err := n.write("cni", "10-lab.conflist"); err != nil {
		return err
	}
	s := n.Cluster.Sandbox
	if err := s.Daemon(ctx, "containerd", "containerd", "--config", config); err != nil {
		return err
	}
	began := time.Now()
	ready := func() error { return s.Command(ctx, "ctr", "--address", containerd, "version").Run() }
	if err := waitFor(ctx, 20*time.Second, ready); err != nil {
		return fmt.Errorf("containerd did not answer: %w\n%s", err, n.log("containerd"))
	}
	if err := n.Import(ctx); err != nil {
		return err
	}
	fmt.Fprintf(n.Out, "containerd runs and has %d images after %.1f s\n", len(n.Archives), time.Since(began).Seconds())
	return nil
}

// Import gives the images to the running containerd, unless it has them already.
func (n *Node) Import(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for _, archive := range n.Archives {
		group.Go(func() error {
			imported := filepath.Join(n.dir(), "imported-"+filepath.Base(archive))
			if _, err := os.Stat(imported); err == nil {
				return nil
			}
			cmd := n.Cluster.Sandbox.Command(ctx, "ctr", "--address", containerd, "--namespace", "k8s.io", "images", "import", archive)
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("importing %s: %w: %s", archive, err, out)
			}
			return os.WriteFile(imported, nil, 0o600)
		})
	}
	return group.Wait()
}

// Join starts the kubelet, kube-proxy and CoreDNS, and waits until all work.
func (n *Node) Join(ctx context.Context) error {
	began := time.Now()
	s := n.Cluster.Sandbox
	if err := s.MakeCgroup(); err != nil {
		return err
	}
	kubelet, err := n.write("", "kubelet.yaml")
	if err != nil {
		return err
	}
	proxy, err := n.write("", "kube-proxy.yaml")
	if err != nil {
		return err
	}
	err = errors.Join(
		s.Daemon(ctx, "kubelet", n.Tools["kubelet"],
			"--config", kubelet,
			"--kubeconfig", n.Cluster.Kubeconfig(),
			"--node-ip", s.Address(),
			"--hostname-override", n.Cluster.Name,
			"--root-dir", filepath.Join(n.dir(), "kubelet"),
			"--cert-dir", filepath.Join(n.dir(), "kubelet", "pki")),
		s.Daemon(ctx, "kube-proxy", n.Tools["kube-proxy"], "--config", proxy),
	)
	if err != nil {
		return err
	}
	manifest, err := n.render("coredns.yaml")
	if err != nil {
		return err
	}
	if _, err := n.Cluster.Kubectl(ctx, bytes.NewReader(manifest), "apply", "--server-side", "-f", "-"); err != nil {
		return err
	}
	ready := func() error {
		_, err := n.Cluster.Kubectl(ctx, nil, "wait", "--for=condition=Ready", "node/"+n.Cluster.Name, "--timeout=30s")
		return err
	}
	if err := waitFor(ctx, 30*time.Second, ready); err != nil {
		return fmt.Errorf("the node did not become ready: %w\n%s", err, n.log("kubelet"))
	}
	if _, err := n.Cluster.Kubectl(ctx, nil, "rollout", "status", "deployment/coredns", "-n", "kube-system", "--timeout=60s"); err != nil {
		why, _ := n.Cluster.Kubectl(ctx, nil, "logs", "deployment/coredns", "-n", "kube-system", "--tail=20")
		return fmt.Errorf("CoreDNS did not become ready: %w\n%s\n%s", err, why, n.log("kubelet"))
	}
	fmt.Fprintf(n.Out, "node %s runs real pods after %.1f s\n", n.Cluster.Name, time.Since(began).Seconds())
	return nil
}

// waitFor tries again and again until try succeeds or the time is up.
func waitFor(ctx context.Context, most time.Duration, try func() error) error {
	for deadline := time.Now().Add(most); ; {
		err := try()
		if err == nil || time.Now().After(deadline) || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// log is the end of the log of one of the node's programs.
func (n *Node) log(name string) string {
	const most = 3000
	raw, err := os.ReadFile(n.Cluster.Sandbox.Log(name))
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-most):])
}
