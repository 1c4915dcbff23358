package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// faults are the rows of the table that TestMain prints.
var (
	faults      []string
	faultsMutex sync.Mutex
)

// recordFault adds a row for a fault after which nothing was lost.
func recordFault(fault, outcome string) {
	faultsMutex.Lock()
	defer faultsMutex.Unlock()
	faults = append(faults, fmt.Sprintf("%s\t%s\tnothing", fault, outcome))
}

// printFaults prints the table.
func printFaults() {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FAULT\tOUTCOME\tLOST")
	for _, line := range faults {
		fmt.Fprintln(table, line)
	}
	_ = table.Flush()
}

// oneOfEachKind is a configuration with a part of each kind, except for those that need
// Istio.
func oneOfEachKind() map[string]any {
	return map[string]any{
		"epp":              map[string]any{"enabled": true},
		"inferenceGateway": map[string]any{"enabled": true, "standard": map[string]any{"enabled": true}},
		"networkPolicy":    map[string]any{"enabled": true},
		"loadBalancing":    map[string]any{"enabled": true},
		"createNamespace":  false, // Deleting it takes 5 s.
	}
}

// inNamespace creates a stack in a namespace that the test has created.
func inNamespace(t *testing.T, name string) *labtest.Stack {
	t.Helper()
	lab.InstallCRDs(t)
	s := lab.NewStack(t, name, oneOfEachKind())
	s.Adopts = true
	lab.Kubectl(t, "create", "namespace", s.Namespace)
	return s
}

// TestKilledUpLosesNothing kills pulumi, its language host, the program and the providers
// at the same time, so that none can clean up.
func TestKilledUpLosesNothing(t *testing.T) {
	t.Parallel()
	s := inNamespace(t, "killed")
	began := time.Now()
	s.Up()
	whole := time.Since(began)
	want := labtest.Names(s.Objects())
	converges := func(what string) {
		t.Helper()
		s.Must("cancel", "--yes") // The lock is still held.
		s.Up()
		require.Equal(t, want, labtest.Names(s.Objects()), what)
		require.GreaterOrEqual(t, s.Outputs()["readyReplicas"], 2.0, what) // More while old pods terminate.
	}
	const moments = 10
	atWork := 0
	for i := range moments {
		s.Must("destroy", "--yes", "--skip-preview")
		require.Empty(t, s.Objects(), "no object is left that the state has lost")
		began = time.Now()
		if s.Killed(whole*time.Duration(i+1)/(moments+1), "up", "--yes", "--skip-preview") {
			atWork++
		} else {
			whole = time.Since(began) // Other tests ran alongside the first one.
		}
		converges(fmt.Sprintf("first deployment, killed at %d/%d", i+1, moments+1))
	}
	recordFault(fmt.Sprintf("first deployment killed at %d moments of %.1f s", moments, whole.Seconds()),
		fmt.Sprintf("killed %d times in progress; the next up converged", atWork))
	require.Greater(t, atWork, moments/2)

	level := func(verbosity int) {
		config := oneOfEachKind()
		config["logVerbosity"] = verbosity
		config["epp"].(map[string]any)["verbosity"] = verbosity
		s.Configure(config)
	}
	level(2)
	began = time.Now()
	s.Up()
	whole, atWork = time.Since(began), 0
	for i := range moments {
		verbosity := 3 + i%2
		level(verbosity)
		began = time.Now()
		if s.Killed(whole*time.Duration(i+1)/(moments+1), "up", "--yes", "--skip-preview") {
			atWork++
		} else {
			whole = time.Since(began) // Other tests ran alongside the first one.
		}
		converges(fmt.Sprintf("update, killed at %d/%d", i+1, moments+1))
		for _, deployment := range []string{llmd.EPPName, "ms-sim-llm-sim-decode"} {
			require.Contains(t, fmt.Sprint(labtest.At(t, s.Get("deployment", deployment), "spec", "template", "spec", "containers", 0, "args")), fmt.Sprintf("--v=%d", verbosity))
		}
	}
	recordFault(fmt.Sprintf("update killed at %d moments of %.1f s", moments, whole.Seconds()),
		fmt.Sprintf("killed %d times in progress; the next up converged", atWork))
	require.Greater(t, atWork, moments/2)
	require.NotContains(t, s.Up(), "updated")
}

// outcome is how an up ended.
type outcome struct {
	out string
	err error
}

// up deploys in the background.
func up(s *labtest.Stack) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		out, err := s.Pulumi("up", "--yes", "--skip-preview")
		done <- outcome{out, err}
	}()
	return done
}

func TestConcurrentUpIsRefused(t *testing.T) {
	t.Parallel()
	s := inNamespace(t, "twice")
	first, second := up(s), up(s)
	refused, went := <-first, <-second
	if refused.err == nil {
		refused, went = went, refused
	}
	require.NoError(t, went.err, went.out)
	require.Error(t, refused.err)
	require.Contains(t, refused.out, "the stack is currently locked")
	require.NotContains(t, s.Up(), "created")
	recordFault("two ups at once", "one was refused: the stack is locked")
}

// TestUpRecoversFromClusterFailures breaks the cluster while an update is in progress.
func TestUpRecoversFromClusterFailures(t *testing.T) {
	s := inNamespace(t, "failing")
	s.Up()
	before := s.Objects()
	relayed := newRelay(t, s)
	require.NotContains(t, s.Up(), "replaced", "the same cluster by another address")
	require.Equal(t, before, s.Objects())
	for i, test := range []struct {
		name string
		fail func()
	}{
		{"API server stopped for 20 s", func() { stopFor(t, "kube-apiserver", 20*time.Second) }},
		{"etcd killed, started after 3 s", func() { restart(t, "etcd", 3*time.Second) }},
		{"connections cut four times", func() {
			for range 4 {
				time.Sleep(100 * time.Millisecond)
				relayed.cut()
			}
		}},
	} {
		replicas := 3 + i
		s.Set("replicas", fmt.Sprint(replicas))
		s.Set("epp.verbosity", fmt.Sprint(replicas))
		began, connections := time.Now(), relayed.connections.Load()
		under := up(s)
		// The first connection is the program's, which checks the cluster; then the provider
		// works.
		for relayed.connections.Load() < connections+2 {
			time.Sleep(time.Millisecond)
		}
		test.fail()
		first := <-under
		result := "it went on"
		if first.err != nil {
			require.Contains(t, first.out, "error: ", "it says why")
			result = "it failed with the reason; the next up converged"
		}
		took := time.Since(began)
		s.Up()
		require.EqualValues(t, replicas, s.Outputs()["readyReplicas"])
		require.NotContains(t, s.Up(), "updated")
		recordFault("during an up: "+test.name, fmt.Sprintf("%s, after %.0f s", result, took.Seconds()))
	}
	require.Positive(t, relayed.cuts.Load(), "there were connections to cut")
}

// component finds the process of a control-plane component, and its PID file.
func component(t *testing.T, name string) (pid int, file string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(lab.Dir(), "kwok", "clusters", "*", "pids", name+".pid"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	raw, err := os.ReadFile(files[0])
	require.NoError(t, err)
	pid, err = strconv.Atoi(strings.TrimSpace(string(raw)))
	require.NoError(t, err)
	return pid, files[0]
}

func stopFor(t *testing.T, name string, long time.Duration) {
	t.Helper()
	pid, _ := component(t, name)
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	time.Sleep(long)
	require.NoError(t, syscall.Kill(pid, syscall.SIGCONT))
}

// restart kills a control-plane component, and starts it again after a while.
func restart(t *testing.T, name string, after time.Duration) {
	t.Helper()
	pid, file := component(t, name)
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	require.NoError(t, err)
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	time.Sleep(after)
	args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	again := exec.Command(args[0], args[1:]...)
	again.Dir, again.SysProcAttr = dir, &syscall.SysProcAttr{Setsid: true}
	require.NoError(t, again.Start())
	go func() { _ = again.Wait() }() // The lab stops it by its PID.
	require.NoError(t, os.WriteFile(file, fmt.Append(nil, again.Process.Pid), 0o600))
}
