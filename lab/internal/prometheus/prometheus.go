// Package prometheus runs a Prometheus on the lab, which scrapes and checks what the monitors and
// rules on the cluster say. It stands in for the Prometheus Operator.
package prometheus

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"text/template"
	"time"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

const (
	source = "github.com/prometheus/prometheus"
	// Repository of the image.
	Repository = "quay.io/prometheus/prometheus"
	// namespace is where the program's stacks expect Prometheus.
	namespace = "monitoring"
	port      = 9090
)

// Server is Prometheus, which discovers its targets only through Kubernetes and has no web
// interface: its assets are not in the Go module.
func Server() tool.Tool { return named("prometheus") }

// Promtool checks and tests rules.
func Promtool() tool.Tool { return named("promtool") }

func named(name string) tool.Tool {
	return tool.Tool{
		Name: name, Module: "tools/prometheus", Package: source + "/cmd/" + name, Source: source,
		Tags: []string{"remove_all_sd", "enable_kubernetes_sd"},
	}
}

//go:embed prometheus.yaml
var manifest string

// Cluster is the cluster to install on.
type Cluster interface {
	Kubectl(ctx context.Context, input io.Reader, args ...string) (string, error)
}

// Install runs the image on the cluster's node with what the monitors and rules on the cluster say
// now, and waits until it is ready. A Prometheus that runs with the same configuration stays.
func Install(ctx context.Context, c Cluster, image string, out io.Writer) error {
	began := time.Now()
	found, err := c.Kubectl(ctx, nil, "get", "servicemonitors,podmonitors,prometheusrules", "-A", "-o", "json")
	if err != nil {
		return err
	}
	config, rules, err := configuration([]byte(found))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(append(config, rules...))
	var rendered bytes.Buffer
	if err := template.Must(template.New("").Parse(manifest)).Execute(&rendered, map[string]any{
		"Namespace": namespace, "Port": port, "Image": image,
		"Config": string(config), "Rules": string(rules), "Checksum": hex.EncodeToString(sum[:8]),
	}); err != nil {
		return err
	}
	if _, err := c.Kubectl(ctx, &rendered, "apply", "--server-side", "--force-conflicts", "-f", "-"); err != nil {
		return err
	}
	if _, err := c.Kubectl(ctx, nil, "rollout", "status", "deployment/prometheus", "-n", namespace, "--timeout=60s"); err != nil {
		log, _ := c.Kubectl(ctx, nil, "logs", "deployment/prometheus", "-n", namespace, "--tail=20")
		return fmt.Errorf("the lab's Prometheus did not become ready: %w\n%s", err, log)
	}
	fmt.Fprintf(out, "Prometheus runs after %.1f s: kubectl port-forward -n %s svc/prometheus %d\n",
		time.Since(began).Seconds(), namespace, port)
	return nil
}
