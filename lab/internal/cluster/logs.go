package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Logs lists the log files of the cluster's components.
func (c *Cluster) Logs() []string {
	files, _ := filepath.Glob(filepath.Join(c.kwok(), "logs", "*")) // The pattern is valid.
	if c.Sandbox != nil {
		node, _ := filepath.Glob(c.Sandbox.Log("*"))
		files = append(files, node...)
	}
	return files
}

// lastLines returns the end of each component's log, for an error.
func (c *Cluster) lastLines() string {
	const most = 1000
	var all strings.Builder
	for _, file := range c.Logs() {
		raw, err := os.ReadFile(file)
		if err != nil || len(raw) == 0 {
			continue
		}
		fmt.Fprintf(&all, "--- %s\n%s\n", filepath.Base(file), raw[max(0, len(raw)-most):])
	}
	return all.String()
}
