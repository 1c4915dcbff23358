// Package sandbox runs a lab in Linux namespaces of its own: its processes, its network
// and its mounts are apart from the machine's, which keeps its firewall rules, kernel
// settings and mounts; and all of it ends with one process.
package sandbox

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/system"
)

// Requirements are what a sandbox needs from the machine.
func Requirements() []system.Requirement {
	return []system.Requirement{
		system.Command("ip", "iproute2"), system.Command("nsenter", "util-linux"),
		system.Command("flock", "util-linux"), system.Command("mount", "mount"),
	}
}

// Supported returns the reason why this machine cannot run a sandbox, in a few words.
func Supported() error {
	switch {
	case runtime.GOOS != "linux":
		return fmt.Errorf("%s has no namespaces", runtime.GOOS)
	case os.Geteuid() != 0:
		return errors.New("root is required")
	}
	// Root in a container may lack the right.
	probe := exec.Command("true")
	probe.SysProcAttr = namespaces()
	if err := probe.Run(); err != nil {
		return fmt.Errorf("namespaces cannot be created (in a container, run it privileged): %w", err)
	}
	return cgroupsWritable()
}

// Sandbox is the namespaces of one lab.
type Sandbox struct {
	// Name is unique among the sandboxes of the machine.
	Name string
	// Dir holds the sandbox's own files.
	Dir string
	// Init is the executable that becomes the first process: it reaps the others.
	Init string

	state state
}

// state is the record of a running sandbox.
type state struct {
	// PID and Started identify the first process: a later one may have its number.
	PID     int    `json:"pid"`
	Started string `json:"started"`
	// Index gives the sandbox its interface and its addresses.
	Index int `json:"index"`
}

// Each sandbox has a /20 of the range reserved for benchmarks (RFC 2544), which no network
// should use: for the link to the machine, the pods and the Services.
const most = 16

// unconnected is the index of a sandbox that has no link yet.
const unconnected = -1

func (s *Sandbox) net(third, fourth int) string {
	return fmt.Sprintf("198.18.%d.%d", s.state.Index*16+third, fourth)
}

func (s *Sandbox) link() string { return fmt.Sprintf("llmdsim%d", s.state.Index) }

// Address is the sandbox's own address, that of its API server and of its node.
func (s *Sandbox) Address() string { return s.net(0, 2) }

// PodRange is for the addresses of pods.
func (s *Sandbox) PodRange() string { return s.net(8, 0) + "/21" }

// ServiceRange is for those of Services.
func (s *Sandbox) ServiceRange() string { return s.net(4, 0) + "/22" }

// ServiceAddress is the address of the Service with a number, from 1.
func (s *Sandbox) ServiceAddress(number int) string { return s.net(4, number) }

func (s *Sandbox) stateFile() string { return filepath.Join(s.Dir, "sandbox.json") }

// Load reports whether the sandbox runs, and finds its addresses.
func (s *Sandbox) Load() bool {
	raw, err := os.ReadFile(s.stateFile())
	if err != nil || json.Unmarshal(raw, &s.state) != nil {
		return false
	}
	return s.state.Started != "" && startTime(s.state.PID) == s.state.Started
}

// Start makes the namespaces and connects them to the machine.
func (s *Sandbox) Start(ctx context.Context) error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	init := exec.Command(s.Init)
	init.SysProcAttr = namespaces()
	if err := init.Start(); err != nil {
		return fmt.Errorf("making namespaces: %w", err)
	}
	// Recorded at once, so that an interrupted start leaves nothing unknown.
	s.state = state{PID: init.Process.Pid, Started: startTime(init.Process.Pid), Index: unconnected}
	if err := s.save(); err != nil {
		return errors.Join(err, s.kill())
	}
	if err := s.connect(ctx); err != nil {
		return errors.Join(err, s.Stop())
	}
	if err := s.prepare(ctx); err != nil {
		return errors.Join(err, s.Stop())
	}
	return nil
}

func (s *Sandbox) save() error {
	raw, err := json.Marshal(s.state)
	if err != nil {
		return err
	}
	return os.WriteFile(s.stateFile(), raw, 0o600)
}

// connect takes the first addresses that no other sandbox has, and links the machine and
// the sandbox.
func (s *Sandbox) connect(ctx context.Context) error {
	for s.state.Index = 0; s.state.Index < most; s.state.Index++ {
		err := ip(ctx, "link", "add", s.link(), "type", "veth", "peer", "name", "eth0", "netns", strconv.Itoa(s.state.PID))
		if err != nil && strings.Contains(err.Error(), "File exists") {
			continue
		}
		if err != nil {
			return err
		}
		// With the machine's end goes the sandbox's, and every route through it.
		return errors.Join(
			s.save(),
			ip(ctx, "address", "add", s.net(0, 1)+"/30", "dev", s.link()),
			ip(ctx, "link", "set", s.link(), "up"),
			s.Command(ctx, "ip", "address", "add", s.Address()+"/30", "dev", "eth0").Run(),
			s.Command(ctx, "ip", "link", "set", "eth0", "up").Run(),
			s.Command(ctx, "ip", "link", "set", "lo", "up").Run(),
			s.Command(ctx, "ip", "route", "add", "default", "via", s.net(0, 1)).Run(),
			ip(ctx, "route", "add", s.net(0, 0)+"/20", "via", s.Address()),
		)
	}
	return fmt.Errorf("%d labs run on this machine already: stop one with make down", most)
}

func ip(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

//go:embed prepare.sh
var prepareScript string

// prepare gives the sandbox mounts of its own.
func (s *Sandbox) prepare(ctx context.Context) error {
	if out, err := s.Command(ctx, "sh", "-euc", prepareScript, "prepare", s.Dir).CombinedOutput(); err != nil {
		return fmt.Errorf("preparing the sandbox: %w: %s", err, out)
	}
	return nil
}

// Command is a command that runs in the sandbox.
func (s *Sandbox) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	enter := []string{
		"--target", strconv.Itoa(s.state.PID), "--mount", "--net", "--pid", "--uts", "--ipc", "--", name,
	}
	return exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
}

// Daemon starts a program that runs until the sandbox stops, and writes to its Log. Ended
// reports if it exits.
func (s *Sandbox) Daemon(ctx context.Context, name, path string, args ...string) error {
	// Started by a shell that ends, it becomes a child of the sandbox's first process.
	// The program holds the lock as long as it runs; its children do not.
	const script = `log=$1; shift; setsid flock --close "$@" >"$log" 2>&1 </dev/null &`
	lock := filepath.Join(s.Dir, name+lockSuffix)
	if out, err := s.Command(ctx, "sh", append([]string{"-c", script, "sh", s.Log(name), lock, path}, args...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("starting %s: %w: %s", name, err, out)
	}
	return nil
}

// Log is the file that a daemon's log goes to.
func (s *Sandbox) Log(name string) string { return filepath.Join(s.Dir, name+".log") }

// lockSuffix ends the names of the daemons' locks.
const lockSuffix = ".lock"

// Ended lists the daemons that were started in the sandbox and run no more.
func (s *Sandbox) Ended() ([]string, error) {
	locks, err := filepath.Glob(filepath.Join(s.Dir, "*"+lockSuffix))
	if err != nil {
		return nil, err
	}
	var ended []string
	for _, lock := range locks {
		if !held(lock) {
			ended = append(ended, strings.TrimSuffix(filepath.Base(lock), lockSuffix))
		}
	}
	return ended, nil
}

// Runs reports whether a daemon runs.
func (s *Sandbox) Runs(daemon string) bool { return held(filepath.Join(s.Dir, daemon+lockSuffix)) }

// held reports whether a process has the lock on a file.
func held(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// Stop ends everything in the sandbox. A sandbox that has ended already is no error.
func (s *Sandbox) Stop() error {
	if s.Load() {
		if err := s.kill(); err != nil {
			return err
		}
	}
	return errors.Join(s.removeCgroups(), os.RemoveAll(s.stateFile()))
}

// kill ends the first process: the kernel ends all others of the namespace with it, and
// their mounts go with the last.
func (s *Sandbox) kill() error {
	if err := syscall.Kill(s.state.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); startTime(s.state.PID) == s.state.Started; {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d of the lab did not end", s.state.PID)
		}
		time.Sleep(10 * time.Millisecond)
	}
	// The kernel would remove it too, some time later.
	if err := ip(context.Background(), "link", "delete", s.link()); err != nil && !strings.Contains(err.Error(), "Cannot find") {
		return err
	}
	return nil
}

// startTime is when a process started, in the kernel's ticks; empty if it does not run. A
// zombie does not.
func startTime(pid int) string {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name, in parentheses, may hold anything: the fields are counted from its end.
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	const state, start = 0, 19
	if len(fields) <= start || fields[state] == "Z" {
		return ""
	}
	return fields[start]
}
