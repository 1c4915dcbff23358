package lab

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/cluster"
)

// List returns the names of the user's labs, running or not.
func List() ([]string, error) {
	cache, err := cacheFolder()
	if err != nil {
		return nil, err
	}
	folders, err := filepath.Glob(filepath.Join(labs(cache), "*"))
	var names []string
	for _, folder := range folders {
		if info, err := os.Stat(folder); err == nil && info.IsDir() && label.MatchString(info.Name()) {
			names = append(names, info.Name())
		}
	}
	return names, err
}

// Logs lists the log files of the lab, or of its last start if that failed.
func (l *Lab) Logs() ([]string, error) {
	kept, err := filepath.Glob(filepath.Join(l.keptLogs(), "*"))
	if err != nil || !l.Exists() {
		return kept, err
	}
	c, err := l.cluster()
	if err != nil {
		return nil, err
	}
	return slices.Concat(kept, c.Logs()), nil
}

// keptLogs is the folder of the logs of a start that failed.
func (l *Lab) keptLogs() string { return filepath.Join(l.cache, "logs", l.Name) }

// keepLogs copies a cluster's logs to where they outlive it, and reports whether there are
// any.
func (l *Lab) keepLogs(c *cluster.Cluster) (bool, error) {
	if err := os.RemoveAll(l.keptLogs()); err != nil {
		return false, err
	}
	files := c.Logs()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return false, err
		}
		if err := os.MkdirAll(l.keptLogs(), 0o700); err != nil {
			return false, err
		}
		if err := os.WriteFile(filepath.Join(l.keptLogs(), filepath.Base(file)), content, 0o600); err != nil {
			return false, err
		}
	}
	return len(files) > 0, nil
}
