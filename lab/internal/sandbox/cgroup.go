package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// cgroups is where the kernel's control groups are.
const cgroups = "/sys/fs/cgroup"

// Cgroup is the control group that holds all pods of the sandbox.
func (s *Sandbox) Cgroup() string { return "/llm-d-sim-" + s.Name }

// unified reports whether there are control groups of version 2, with all controllers
// in one hierarchy.
func unified() bool {
	_, err := os.Stat(filepath.Join(cgroups, "cgroup.controllers"))
	return err == nil
}

// hierarchies are the folders with control groups: one for each controller in version
// 1, a single one in version 2.
func hierarchies() ([]string, error) {
	if unified() {
		return []string{cgroups}, nil
	}
	return filepath.Glob(filepath.Join(cgroups, "*"))
}

// cgroupsWritable fails where no group can be created, as in most containers.
func cgroupsWritable() error {
	folders, err := hierarchies()
	if err != nil {
		return err
	}
	const write = 2
	for _, folder := range folders {
		if err := syscall.Access(folder, write); err != nil {
			return fmt.Errorf("%s is not writable: %w", folder, err)
		}
	}
	return nil
}

// MakeCgroup creates the group, which the kubelet expects with all controllers of the
// machine.
func (s *Sandbox) MakeCgroup() error {
	folders, err := hierarchies()
	if err != nil {
		return err
	}
	if unified() {
		if err := delegate(cgroups); err != nil {
			return err
		}
	}
	for _, folder := range folders {
		if err := os.MkdirAll(filepath.Join(folder, s.Cgroup()), 0o750); err != nil {
			return err
		}
	}
	return nil
}

// delegate lets the groups inside one have all of its controllers. A kubelet does so
// for its own groups, but not for the one in which it makes them.
func delegate(folder string) error {
	controllers, err := os.ReadFile(filepath.Join(folder, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for _, controller := range strings.Fields(string(controllers)) {
		// One by one: the kubelet needs only some, and reports those that it lacks.
		_ = os.WriteFile(filepath.Join(folder, "cgroup.subtree_control"), []byte("+"+controller), 0o600)
	}
	return nil
}

// removeCgroups removes the group with everything below it. The kernel needs a moment to
// let go of killed processes.
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
			return nil // It has just vanished.
		})
		slices.Reverse(found) // Inner groups first.
		for _, path := range found {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
