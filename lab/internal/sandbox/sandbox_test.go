package sandbox

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newSandbox starts a sandbox whose first process is the lab's own.
func newSandbox(t *testing.T, name string) *Sandbox {
	t.Helper()
	if err := Supported(); err != nil {
		t.Skipf("no sandbox here: %v", err)
	}
	init := filepath.Join(t.TempDir(), "pause")
	build := exec.Command("go", "build", "-o", init, "./pause")
	build.Dir = "../../images/cluster"
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

func TestASandboxThatWasCutOffIsRemoved(t *testing.T) {
	s := newSandbox(t, "cut")
	require.NoError(t, s.MakeCgroup())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, (&Sandbox{Name: "late", Dir: filepath.Join(t.TempDir(), "late"), Init: s.Init}).Start(ctx))
	require.NotContains(t, machine(t), "llmdsim1", "what a start left is gone")

	// Killed from outside: there are remains, but no process.
	require.NoError(t, s.kill())
	require.False(t, s.Load())
	require.NoError(t, s.Stop())
	require.NotContains(t, machine(t), "llm-d-sim-cut")
}
