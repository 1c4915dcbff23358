// Package crd installs the custom resource definitions that parts of the stack need,
// from the Go modules that publish them.
package crd

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// set is a group of definitions: files below the folder of a module.
type set struct {
	module string
	files  []string
}

// Inference is the group of the inference extension, and Monitoring that of the Prometheus Operator.
const (
	Inference  = "inference"
	Monitoring = "monitoring"
)

// sets are the groups by their names for the user.
var sets = map[string]set{
	Inference: {"sigs.k8s.io/gateway-api-inference-extension", []string{
		"config/crd/bases/inference.networking.k8s.io_inferencepools.yaml",
		"config/crd/bases/inference.networking.x-k8s.io_inferenceobjectives.yaml",
	}},
	Monitoring: {"github.com/prometheus-operator/prometheus-operator", []string{
		"example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
		"example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
		"example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
	}},
	"gateway": {"sigs.k8s.io/gateway-api", []string{"config/crd/standard"}},
	"istio":   {"istio.io/api", []string{"kubernetes/customresourcedefinitions.gen.yaml"}},
}

// Parse reads a list of groups: names with commas between them, all or none.
func Parse(list string) ([]string, error) {
	known := slices.Sorted(maps.Keys(sets))
	switch list {
	case "none", "":
		return nil, nil
	case "all":
		return known, nil
	}
	names := strings.Split(list, ",")
	for _, name := range names {
		if _, found := sets[name]; !found {
			return nil, fmt.Errorf("unknown CRDs %q: known are all, none, %s", name, strings.Join(known, ", "))
		}
	}
	return names, nil
}

// Cluster is the cluster to install on.
type Cluster interface {
	Kubectl(ctx context.Context, input io.Reader, args ...string) (string, error)
}

// Install applies groups of definitions and waits until the API server serves them, unless
// it did so before: record is the file that remembers it, one for each cluster. pins is the
// folder lab/crds of the repository.
func Install(ctx context.Context, c Cluster, pins, record string, names []string, out io.Writer) error {
	if len(names) == 0 {
		return nil
	}
	began := time.Now()
	versions, err := os.ReadFile(filepath.Join(pins, "go.mod"))
	if err != nil {
		return err
	}
	r, err := readRecord(record, string(versions))
	if err != nil {
		return err
	}
	missing, err := r.missing(ctx, c, names)
	if err != nil || len(missing) == 0 {
		return err
	}
	applied := make([][]string, len(missing))
	var group errgroup.Group
	for i, name := range missing {
		group.Go(func() (err error) {
			applied[i], err = install(ctx, c, pins, sets[name])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, name := range missing {
		r.Installed[name] = applied[i]
	}
	fmt.Fprintf(out, "CRDs installed (%s) in %.1f s\n", strings.Join(missing, ", "), time.Since(began).Seconds())
	return r.write(record)
}

// install applies one group and returns its definitions, each as crd/name.
func install(ctx context.Context, c Cluster, pins string, s set) ([]string, error) {
	folder, err := tool.Folder(pins, s.module)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, file := range s.files {
		files = append(files, "-f", filepath.Join(folder, file))
	}
	// Server side, since these are too large for the annotation of a client's apply.
	apply := append([]string{"apply", "--server-side", "--force-conflicts", "-o", "name"}, files...)
	out, err := c.Kubectl(ctx, nil, apply...)
	if err != nil {
		return nil, err
	}
	applied := strings.Fields(out)
	return applied, waitEstablished(ctx, c, applied)
}

// Of a definition that the API server has only just stored, kubectl may find no conditions at all,
// which it takes for an error rather than for something to wait for.
const (
	noConditions = "status.conditions accessor error"
	retries      = 50
	retryAfter   = 100 * time.Millisecond
)

func waitEstablished(ctx context.Context, c Cluster, definitions []string) (err error) {
	wait := append([]string{"wait", "--for=condition=Established", "--timeout=30s"}, definitions...)
	for range retries {
		if _, err = c.Kubectl(ctx, nil, wait...); err == nil || !strings.Contains(err.Error(), noConditions) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryAfter):
		}
	}
	return err
}
