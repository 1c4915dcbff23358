package sandbox

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/system"
)

// ensure skips the test where no sandbox can run, and installs the packages that it needs
// as the lab does. These tests use iptables to make rules and to see them.
func ensure(t *testing.T) {
	t.Helper()
	if err := Supported(); err != nil {
		t.Skipf("no sandbox here: %v", err)
	}
	needed := append(Requirements(), system.Command("iptables", "iptables"))
	if err := system.Check(needed...); err != nil {
		t.Skipf("no sandbox here: %v", err)
	}
	require.NoError(t, system.Ensure(t.Context(), t.Output(), needed...))
}

// newSandbox starts a sandbox whose first process is the lab's own.
func newSandbox(t *testing.T, name string) *Sandbox {
	t.Helper()
	ensure(t)
	init := filepath.Join(t.TempDir(), "pause")
	build := exec.Command("go", "build", "-o", init, ".")
	build.Dir = "../../images/pause"
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	s := &Sandbox{Name: name, Dir: filepath.Join(t.TempDir(), name), Init: init}
	require.NoError(t, s.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, s.Stop()) })
	return s
}

// machine is what a sandbox must leave as it is.
func machine(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, command := range []string{
		"ip -o link", "ip route", "findmnt --noheadings --list --output TARGET", "iptables-save | grep -v '^#'",
		"cat /proc/sys/vm/overcommit_memory /proc/sys/kernel/panic /proc/sys/net/ipv4/ip_forward",
		"find /sys/fs/cgroup -maxdepth 2 -type d",
	} {
		out, _ := exec.Command("sh", "-c", command).CombinedOutput()
		all.Write(out)
	}
	return all.String()
}

func TestASandboxIsApartAndLeavesNothing(t *testing.T) {
	ensure(t) // First, or the rules are not seen.
	before := machine(t)
	s := newSandbox(t, "one")
	other := newSandbox(t, "two")
	require.NotEqual(t, s.Address(), other.Address())

	run := func(s *Sandbox, script string) string {
		out, err := s.Command(t.Context(), "sh", "-c", script).CombinedOutput()
		require.NoError(t, err, string(out))
		return strings.TrimSpace(string(out))
	}
	require.Equal(t, "1", run(s, "cat /proc/sys/vm/overcommit_memory"))
	require.Equal(t, "1", run(s, "cat /proc/sys/net/ipv4/ip_forward"))
	run(s, "mkdir /run/mine && mount -t tmpfs tmpfs /run/mine && iptables -t nat -A POSTROUTING -j MASQUERADE")
	require.Empty(t, run(other, "ls -d /run/mine 2>/dev/null || true"))
	run(s, "touch /var/lib/kubelet/mine")
	require.NoFileExists(t, "/var/lib/kubelet/mine")
	require.Empty(t, run(other, "ls /var/lib/kubelet"))
	require.NotContains(t, run(other, "iptables-save"), "MASQUERADE")

	// A refusal is an answer: the machine reaches the sandbox.
	_, err := net.DialTimeout("tcp", s.Address()+":9", 2*time.Second)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.NoError(t, s.Daemon(t.Context(), "server", "sleep", "1000"))
	require.NoError(t, s.MakeCgroup())

	again := &Sandbox{Name: s.Name, Dir: s.Dir}
	require.True(t, again.Load(), "another process finds it")
	require.Equal(t, s.Address(), again.Address())
	require.NoError(t, again.Stop())
	require.False(t, again.Load())
	require.NoError(t, again.Stop(), "to stop twice is no error")
	require.True(t, other.Load(), "the other one runs on")
	require.NoError(t, other.Stop())
	require.Equal(t, strings.Split(before, "\n"), strings.Split(machine(t), "\n"))
	out, _ := exec.Command("pgrep", "-af", "sleep 1000").Output()
	require.Empty(t, string(out))
}

func TestAnInterruptedSandboxIsRemoved(t *testing.T) {
	s := newSandbox(t, "cut")
	require.NoError(t, s.MakeCgroup())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, (&Sandbox{Name: "late", Dir: filepath.Join(t.TempDir(), "late"), Init: s.Init}).Start(ctx))
	require.NotContains(t, machine(t), "llmdsim1", "the interrupted start left nothing")

	// Killed from outside: there are remains, but no process.
	require.NoError(t, s.kill())
	require.False(t, s.Load())
	require.NoError(t, s.Stop())
	require.NotContains(t, machine(t), "llm-d-sim-cut")
}

func ended(t *testing.T, s *Sandbox) []string {
	t.Helper()
	names, err := s.Ended()
	require.NoError(t, err)
	return names
}

func TestADaemonThatEndedIsKnown(t *testing.T) {
	s := newSandbox(t, "daemons")
	require.Empty(t, ended(t, s))
	require.NoError(t, s.Daemon(t.Context(), "one", "sleep", "1001"))
	// What a daemon starts, such as containers, may outlive it.
	pids := filepath.Join(s.Dir, "pids")
	require.NoError(t, s.Daemon(t.Context(), "two", "sh", "-c", `setsid sleep 1002 & echo "$$ $!" >"$0"; exec sleep 1002`, pids))
	var daemon, child string
	require.Eventually(t, func() bool {
		raw, _ := os.ReadFile(pids)
		n, _ := fmt.Sscan(string(raw), &daemon, &child)
		return n == 2
	}, 5*time.Second, 10*time.Millisecond)
	require.Empty(t, ended(t, s))

	require.NoError(t, s.Command(t.Context(), "kill", "-KILL", daemon).Run())
	require.Eventually(t, func() bool { return slices.Equal(ended(t, s), []string{"two"}) }, 5*time.Second, 10*time.Millisecond)
	require.NoError(t, s.Command(t.Context(), "kill", "-0", child).Run(), "what it started runs on")
	require.NoError(t, s.Stop())
	require.False(t, s.Load())
}

func TestAKilledStartIsKnown(t *testing.T) {
	s := newSandbox(t, "killed")
	// As it is recorded before there is a link.
	link := s.link()
	s.state.Index = unconnected
	require.NoError(t, s.save())
	again := &Sandbox{Name: s.Name, Dir: s.Dir}
	require.True(t, again.Load())
	require.NoError(t, again.Stop())
	// The kernel removes the link with the namespace, a moment later.
	require.Eventually(t, func() bool { return !strings.Contains(machine(t), link) }, 10*time.Second, 50*time.Millisecond)
}

func TestControllersAreDelegated(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "cgroup.controllers"), []byte("hugetlb cpu\n"), 0o600))
	require.NoError(t, delegate(folder))
	written, err := os.ReadFile(filepath.Join(folder, "cgroup.subtree_control"))
	require.NoError(t, err)
	require.Equal(t, "+cpu", string(written), "the last of the writes, one for each controller")
}
