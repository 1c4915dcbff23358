package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// patience is how long a busy API server may take to answer that it is ready.
const patience = 30 * time.Second

// Healthy reports whether the cluster was started completely and its API server is ready.
// Without an error, false means that at most remains are left, which Stop may remove. An
// error says why a cluster whose processes run is not healthy, or that ctx ended: such a
// cluster must be left alone.
func (c *Cluster) Healthy(ctx context.Context) (bool, error) {
	if _, err := os.Stat(c.completeMark()); err != nil || !c.alive(ctx) {
		return false, context.Cause(ctx)
	}
	if c.Sandbox != nil {
		ended, err := c.Sandbox.Ended()
		if err != nil {
			return false, err
		}
		if len(ended) > 0 {
			return false, fmt.Errorf("these processes have ended: %s", strings.Join(ended, ", "))
		}
	}
	began := time.Now()
	for {
		_, err := c.Kubectl(ctx, nil, "get", "--raw", "/readyz", "--request-timeout", "10s")
		switch {
		case err == nil:
			return true, nil
		case ctx.Err() != nil:
			return false, context.Cause(ctx)
		case time.Since(began) > patience:
			return false, fmt.Errorf("the API server was not ready for %s: %w", time.Since(began).Round(time.Second), err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// alive reports whether any process of the cluster runs.
func (c *Cluster) alive(ctx context.Context) bool {
	if c.Sandbox != nil {
		return c.Sandbox.Load()
	}
	files, _ := filepath.Glob(filepath.Join(c.kwok(), "pids", "*.pid")) // The pattern is valid.
	for _, file := range files {
		pid, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// Another process may have the number by now: the cluster's have its folder among
		// their arguments.
		cmd := exec.CommandContext(ctx, "ps", "-ww", "-o", "args=", "-p", strings.TrimSpace(string(pid)))
		if args, err := c.output(cmd); err == nil && strings.Contains(string(args), c.Dir) {
			return true
		}
	}
	return false
}
