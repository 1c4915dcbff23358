package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// cgroups is where the kernel's control groups are.
const cgroups = "/sys/fs/cgroup"

// Cgroup is the control group that holds all pods of the sandbox.
func (s *Sandbox) Cgroup() string { return "/llm-d-sim-" + s.Name }

// hierarchies are the folders with control groups: one for each controller in version
// 1, a single one in version 2.
func hierarchies() ([]string, error) {
	if _, err := os.Stat(filepath.Join(cgroups, "cgroup.controllers")); err == nil {
		return []string{cgroups}, nil
	}
	return filepath.Glob(filepath.Join(cgroups, "*"))
}

// MakeCgroup makes the group, which the kubelet wants to find.
func (s *Sandbox) MakeCgroup() error {
	folders, err := hierarchies()
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if err := os.MkdirAll(filepath.Join(folder, s.Cgroup()), 0o750); err != nil {
			return err
		}
	}
	return nil
}

// removeCgroups removes the group with all below it. The kernel takes a moment to let
// go of processes that were killed.
func (s *Sandbox) removeCgroups() error {
	var err error
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = s.tryRemoveCgroups(); err == nil {
			return nil
		}
	}
	return err
}

func (s *Sandbox) tryRemoveCgroups() error {
	folders, err := hierarchies()
	if err != nil {
		return err
	}
	var errs []error
	for _, folder := range folders {
		var found []string
		_ = filepath.WalkDir(filepath.Join(folder, s.Cgroup()), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				found = append(found, path)
			}
			return nil // What vanishes meanwhile need not be removed.
		})
		slices.Reverse(found) // What is inside first.
		for _, path := range found {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
