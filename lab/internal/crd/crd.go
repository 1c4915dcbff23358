// Package crd installs the custom resource definitions that parts of the stack need,
// from the Go modules that publish them.
package crd

import (
	"context"
	"fmt"
	"io"
	"maps"
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

// Inference is the group of the inference extension.
const Inference = "inference"

// sets are the groups by their names for the user.
var sets = map[string]set{
	Inference: {"sigs.k8s.io/gateway-api-inference-extension", []string{
		"config/crd/bases/inference.networking.k8s.io_inferencepools.yaml",
		"config/crd/bases/inference.networking.x-k8s.io_inferenceobjectives.yaml",
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

// Install applies groups of definitions and waits until the API server serves them.
// pins is the folder lab/crds of the repository.
func Install(ctx context.Context, c Cluster, pins string, names []string, out io.Writer) error {
	if len(names) == 0 {
		return nil
	}
	began := time.Now()
	var group errgroup.Group
	for _, name := range names {
		group.Go(func() error { return install(ctx, c, pins, sets[name]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(out, "CRDs installed (%s) in %.1f s\n", strings.Join(names, ", "), time.Since(began).Seconds())
	return nil
}

func install(ctx context.Context, c Cluster, pins string, s set) error {
	folder, err := tool.Folder(pins, s.module)
	if err != nil {
		return err
	}
	var files []string
	for _, file := range s.files {
		files = append(files, "-f", filepath.Join(folder, file))
	}
	// Server side, since these are too large for the annotation of a client's apply.
	apply := append([]string{"apply", "--server-side", "--force-conflicts", "-o", "name"}, files...)
	applied, err := c.Kubectl(ctx, nil, apply...)
	if err != nil {
		return err
	}
	wait := append([]string{"wait", "--for=condition=Established", "--timeout=30s"}, strings.Fields(applied)...)
	_, err = c.Kubectl(ctx, nil, wait...)
	return err
}
