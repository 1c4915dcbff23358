package crd

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// record is what a cluster has got already.
type record struct {
	// Versions is the go.mod that names the versions of the modules.
	Versions string `json:"versions"`
	// Installed are the definitions of each group, as kubectl names them.
	Installed map[string][]string `json:"installed"`
}

// readRecord reads a record, which is empty if it is about other versions.
func readRecord(path, versions string) (*record, error) {
	empty := &record{Versions: versions, Installed: map[string][]string{}}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return nil, err
	}
	var r record
	if err := json.Unmarshal(raw, &r); err != nil || r.Versions != versions {
		return empty, nil // Whatever was cut short or is outdated is installed again.
	}
	return &r, nil
}

func (r *record) write(path string) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}

// missing returns the groups that the cluster lacks, or has lost since.
func (r *record) missing(ctx context.Context, c Cluster, names []string) ([]string, error) {
	if len(r.Installed) == 0 {
		return names, nil
	}
	out, err := c.Kubectl(ctx, nil, "get", "customresourcedefinitions", "-o", "name")
	if err != nil {
		return nil, err
	}
	live := strings.Fields(out)
	lost := func(definition string) bool { return !slices.Contains(live, definition) }
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		installed, is := r.Installed[name]
		return is && !slices.ContainsFunc(installed, lost)
	}), nil
}
