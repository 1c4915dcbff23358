// Package keda installs KEDA on the lab's cluster: the manifests of its Go module, with the lab's
// images.
package keda

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

const (
	source = "github.com/kedacore/keda/v2"
	// OperatorRepository is that of the operator's image in KEDA's manifests.
	OperatorRepository = "ghcr.io/kedacore/keda"
	// AdapterRepository is that of the adapter's.
	AdapterRepository = "ghcr.io/kedacore/keda-metrics-apiserver"
	// namespace is that of KEDA's manifests, where the program's stacks expect it.
	namespace = "keda"
	// api is how Kubernetes reads the adapter's numbers.
	api = "apiservice/v1beta1.external.metrics.k8s.io"
)

// Operator makes HorizontalPodAutoscalers of ScaledObjects, and reads the numbers to scale by.
func Operator() tool.Tool { return named("keda", "operator") }

// Adapter hands the operator's numbers to Kubernetes.
func Adapter() tool.Tool { return named("keda-adapter", "adapter") }

func named(name, command string) tool.Tool {
	return tool.Tool{
		Name: name, Module: "tools/keda", Package: source + "/cmd/" + command, Source: source,
		Stamp: []string{source + "/version.Version"}, Edits: []tool.Edit{withoutClouds},
	}
}

//go:embed kustomization.yaml
var kustomization string

// Cluster is the cluster to install on.
type Cluster interface {
	Kubectl(ctx context.Context, input io.Reader, args ...string) (string, error)
}

// Installed reports whether a cluster has a KEDA whose numbers Kubernetes can read.
func Installed(ctx context.Context, c Cluster) bool {
	available, err := c.Kubectl(ctx, nil, "get", api,
		"--ignore-not-found", "-o", `jsonpath={.status.conditions[?(@.type=="Available")].status}`)
	return err == nil && strings.TrimSpace(available) == "True"
}

// Install installs KEDA, whose images of this version the cluster's node must have, and waits until
// it is ready.
func Install(ctx context.Context, c Cluster, version string, out io.Writer) error {
	began := time.Now()
	folder, err := os.MkdirTemp("", "keda-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	if err := kustomize(folder, version); err != nil {
		return err
	}
	if _, err := c.Kubectl(ctx, nil, "apply", "--server-side", "--force-conflicts", "-k", folder); err != nil {
		return err
	}
	for _, deployment := range []string{"deployment/keda-operator", "deployment/keda-metrics-apiserver"} {
		if _, err := c.Kubectl(ctx, nil, "rollout", "status", deployment, "-n", namespace, "--timeout=90s"); err != nil {
			log, _ := c.Kubectl(ctx, nil, "logs", deployment, "-n", namespace, "--tail=20")
			return fmt.Errorf("the lab's KEDA did not become ready: %w\n%s", err, log)
		}
	}
	if _, err := c.Kubectl(ctx, nil, "wait", "--for=condition=Available", api, "--timeout=60s"); err != nil {
		return fmt.Errorf("the lab's KEDA is ready, but Kubernetes cannot read its numbers: %w", err)
	}
	fmt.Fprintf(out, "KEDA %s runs after %.1f s\n", version, time.Since(began).Seconds())
	return nil
}

// kustomize writes into a folder what adapts KEDA's manifests to the lab.
func kustomize(folder, version string) error {
	upstream, err := withoutClouds.Download(filepath.Join(folder, "pin"))
	if err != nil {
		return err
	}
	// Only a relative path may lead there.
	manifests, err := filepath.Rel(folder, filepath.Join(upstream, "config", "minimal"))
	if err != nil {
		return err
	}
	var rendered bytes.Buffer
	err = template.Must(template.New("").Parse(kustomization)).Execute(&rendered, map[string]string{
		"Manifests": manifests, "Operator": OperatorRepository, "Adapter": AdapterRepository, "Version": version,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "kustomization.yaml"), rendered.Bytes(), 0o600)
}
