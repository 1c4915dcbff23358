package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/sandbox"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// newCluster returns a cluster of KWOK's whose commands are answered by run, and the list
// of those commands.
func newCluster(t *testing.T, run func(command string, cmd *exec.Cmd) error) (c *Cluster, calls *[]string) {
	t.Helper()
	calls = &[]string{}
	c = &Cluster{
		Name: "dev", Dir: filepath.Join(t.TempDir(), "dev"), KubernetesVersion: "v1.2.3", Out: &bytes.Buffer{},
		Tools: tool.Paths{"kubectl": "/tools/kubectl", "kwokctl": "/tools/kwokctl"},
	}
	c.run = func(cmd *exec.Cmd) error {
		command := filepath.Base(cmd.Args[0]) + " " + strings.Join(cmd.Args[1:], " ")
		*calls = append(*calls, command)
		return run(command, cmd)
	}
	return c, calls
}

// started lets a cluster look as after a complete start, with one process.
func started(t *testing.T, c *Cluster) {
	t.Helper()
	write(t, filepath.Join(c.kwok(), "pids", "etcd.pid"), "4711\n")
	require.NoError(t, c.MarkComplete())
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

func TestAStartWritesTheKubeconfigAndScalesTheNodes(t *testing.T) {
	t.Parallel()
	c, calls := newCluster(t, func(command string, cmd *exec.Cmd) error {
		if strings.HasPrefix(command, "kwokctl get kubeconfig") {
			_, err := cmd.Stdout.Write([]byte("kind: Config"))
			return err
		}
		return nil
	})
	require.NoError(t, c.Start(t.Context()))
	require.Len(t, *calls, 3)
	require.Contains(t, (*calls)[0], "kwokctl create cluster ")
	require.Contains(t, (*calls)[0], "--kubeconfig  --wait", "the user's own kubeconfig is left alone")
	require.Equal(t, "kwokctl scale node --replicas 2 --name dev", (*calls)[2])
	kubeconfig, err := os.ReadFile(c.Kubeconfig())
	require.NoError(t, err)
	require.Equal(t, "kind: Config", string(kubeconfig))
}

func TestAFailedStartKeepsTheLogsAndQuotesThem(t *testing.T) {
	t.Parallel()
	c, _ := newCluster(t, func(string, *exec.Cmd) error { return errors.New("exit status 1") })
	write(t, filepath.Join(c.kwok(), "logs", "etcd.log"), "no space left")
	require.ErrorContains(t, c.Start(t.Context()), "no space left")
	require.Len(t, c.Logs(), 1)
}

// A lab that lives must not be taken for what is left of one.
func TestHealth(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	for _, test := range []struct {
		name     string
		complete bool
		process  string // Its arguments; DIR is the cluster's folder.
		failures int    // The number of times that /readyz fails.
		healthy  bool
		err      string
	}{
		{name: "no cluster"},
		{name: "an interrupted start", process: "etcd DIR"},
		{name: "a cluster of before the machine's last start", complete: true, process: "another program"},
		{name: "ready", complete: true, process: "etcd DIR", healthy: true},
		{name: "slow", complete: true, process: "etcd DIR", failures: 3, healthy: true},
		{name: "not ready", complete: true, process: "etcd DIR", failures: 1000, err: "the API server was not ready for 31s: kubectl get --raw /readyz"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				failures := test.failures
				var c *Cluster
				c, _ = newCluster(t, func(command string, cmd *exec.Cmd) error {
					if strings.HasPrefix(command, "ps ") {
						_, err := cmd.Stdout.Write([]byte(strings.ReplaceAll(test.process, "DIR", c.Dir)))
						return err
					}
					if failures--; failures >= 0 {
						return refused
					}
					return nil
				})
				started(t, c)
				if !test.complete {
					require.NoError(t, os.Remove(c.completeMark()))
				}
				healthy, err := c.Healthy(t.Context())
				require.Equal(t, test.healthy, healthy)
				if test.err == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, test.err)
				require.ErrorIs(t, err, refused)
			})
		})
	}
}

// A sandbox that runs, with a daemon that does not.
func TestADeadDaemonIsReported(t *testing.T) {
	t.Parallel()
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Skip("sandboxes run on Linux only")
	}
	const started = 19 // The field after the name in parentheses.
	_, fields, _ := strings.Cut(string(stat), ") ")
	c, calls := newCluster(t, func(string, *exec.Cmd) error { return nil })
	c.Sandbox = &sandbox.Sandbox{Name: c.Name, Dir: filepath.Join(c.Dir, "sandbox")}
	write(t, filepath.Join(c.Sandbox.Dir, "sandbox.json"),
		fmt.Sprintf(`{"pid": %d, "started": %q}`, os.Getpid(), strings.Fields(fields)[started]))
	write(t, filepath.Join(c.Sandbox.Dir, "kubelet.lock"), "")
	require.NoError(t, c.MarkComplete())
	healthy, err := c.Healthy(t.Context())
	require.EqualError(t, err, "these processes have ended: kubelet")
	require.False(t, healthy)
	require.Empty(t, *calls)
}

func TestAnInterruptSaysNothingOfTheClustersHealth(t *testing.T) {
	t.Parallel()
	var c *Cluster
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	c, _ = newCluster(t, func(command string, cmd *exec.Cmd) error {
		if strings.HasPrefix(command, "ps ") {
			_, err := cmd.Stdout.Write([]byte(c.Dir))
			return err
		}
		cancel(interrupted)
		return errors.New("killed")
	})
	started(t, c)
	began := time.Now()
	healthy, err := c.Healthy(ctx)
	require.ErrorIs(t, err, interrupted)
	require.False(t, healthy)
	require.Less(t, time.Since(began), patience)
}

func TestStopRemovesWhateverIsLeft(t *testing.T) {
	t.Parallel()
	c, calls := newCluster(t, func(string, *exec.Cmd) error { return nil })
	require.NoError(t, c.Stop(t.Context()), "of a cluster that never was")
	started(t, c)
	require.NoError(t, c.Stop(t.Context()))
	require.Equal(t, []string{"kwokctl delete cluster --name dev"}, *calls)
	require.NoDirExists(t, c.Dir)
}
