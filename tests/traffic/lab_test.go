package traffic

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// killed is the cluster of the tests that kill the lab command.
const killed = "traffic-killed"

// labCommand starts a lab command for that cluster, in a process group of its own.
func labCommand(t *testing.T, command string) (wait func() (string, error), kill func()) {
	t.Helper()
	args := []string{command, "--name", killed}
	if command == "start" {
		args = append(args, "--node", "real", "--crds", "none")
	}
	cmd := lab.Command(lab.Path(), args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	wait = func() (string, error) { err := cmd.Wait(); return out.String(), err }
	return wait, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

func mustLab(t *testing.T, command string) string {
	t.Helper()
	wait, _ := labCommand(t, command)
	out, err := wait()
	require.NoError(t, err, out)
	return out
}

// leftovers returns the traces that the cluster's node has left on the machine.
func leftovers(t *testing.T) []string {
	t.Helper()
	var found []string
	folder := filepath.Join("lab", killed) + "/"
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, file := range commands {
		if raw, err := os.ReadFile(file); err == nil && strings.Contains(string(raw), folder) {
			found = append(found, "process "+strings.ReplaceAll(string(raw), "\x00", " "))
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, folder) {
			found = append(found, "mount "+line)
		}
	}
	for _, pattern := range []string{"/sys/fs/cgroup/*/*", "/sys/fs/cgroup/*"} {
		groups, err := filepath.Glob(pattern + "llm-d-sim-" + killed)
		require.NoError(t, err)
		found = append(found, groups...)
	}
	return found
}

// links returns the network links of all labs.
func links(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("/sys/class/net/llmdsim*")
	require.NoError(t, err)
	return found
}

func TestLabRecoversFromKilledCommands(t *testing.T) {
	before := links(t)
	t.Cleanup(func() { mustLab(t, "stop") })
	for _, after := range []time.Duration{1500 * time.Millisecond, 5 * time.Second} {
		wait, kill := labCommand(t, "start")
		time.Sleep(after)
		kill()
		_, err := wait()
		require.Error(t, err, "it was killed before it finished")
	}
	began := time.Now()
	require.Contains(t, mustLab(t, "start"), "removing what is left")
	fmt.Printf("a real node after two starts that were killed: %.1f s\n", time.Since(began).Seconds())
	require.Contains(t, mustLab(t, "start"), "runs already")
	require.NotEmpty(t, leftovers(t), "or the next line would prove nothing")

	began = time.Now()
	mustLab(t, "stop")
	fmt.Printf("stopped in %.1f s\n", time.Since(began).Seconds())
	require.Empty(t, leftovers(t))
	require.Equal(t, before, links(t))
	require.NoDirExists(t, filepath.Join(lab.Dir(), "..", killed))
}

// TestIdleLabMemory prints how much memory the lab uses.
func TestIdleLabMemory(t *testing.T) {
	total, processes := 0, 0
	for _, pid := range processesOfTheLab(t) {
		for line := range strings.Lines(read(fmt.Sprintf("/proc/%d/smaps_rollup", pid))) {
			if fields := strings.Fields(line); fields[0] == "Pss:" {
				kilobytes, err := strconv.Atoi(fields[1])
				require.NoError(t, err)
				total, processes = total+kilobytes, processes+1
			}
		}
	}
	fmt.Printf("the lab with the dev stack: %d MiB in %d processes (PSS)\n", total/1024, processes)
	require.Greater(t, processes, 10)
}

// processesOfTheLab returns the processes in its sandbox; all descend from the first.
func processesOfTheLab(t *testing.T) []int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(lab.Dir(), "sandbox", "sandbox.json"))
	require.NoError(t, err)
	var sandbox struct{ PID int }
	require.NoError(t, json.Unmarshal(raw, &sandbox))
	return append([]int{sandbox.PID}, labtest.Descendants(sandbox.PID)...)
}

// processesOf returns the lab's processes that run in a pod.
func processesOf(t *testing.T, p pod) []int {
	t.Helper()
	uid := lab.Kubectl(t, "get", "pod", p.name, "-n", p.namespace, "-o", "jsonpath={.metadata.uid}")
	own := slices.DeleteFunc(processesOfTheLab(t), func(pid int) bool {
		return !strings.Contains(read(fmt.Sprintf("/proc/%d/cgroup", pid)), uid)
	})
	require.NotEmpty(t, own, "no process runs in the pod %s", p.name)
	return own
}

// read returns the content of a file, empty if it does not exist.
func read(path string) string {
	raw, _ := os.ReadFile(path)
	return string(raw)
}
