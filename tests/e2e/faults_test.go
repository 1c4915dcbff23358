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

// faults are the lines of the table that TestMain prints.
var (
	faults      []string
	faultsMutex sync.Mutex
)

// told adds what a test has done and shown: that nothing was lost.
func told(what, happened string) {
	faultsMutex.Lock()
	defer faultsMutex.Unlock()
	faults = append(faults, fmt.Sprintf("%s\t%s\tnothing", what, happened))
}

// printFaults prints the table.
func printFaults() {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHAT WENT WRONG\tWHAT HAPPENED\tLOST")
	for _, line := range faults {
		fmt.Fprintln(table, line)
	}
	_ = table.Flush()
}

// ofEachKind is a stack with each kind of part, but for those that need Istio.
func ofEachKind() map[string]any {
	return map[string]any{
		"epp":              map[string]any{"enabled": true},
		"inferenceGateway": map[string]any{"enabled": true, "standard": map[string]any{"enabled": true}},
		"networkPolicy":    map[string]any{"enabled": true},
		"loadBalancing":    map[string]any{"enabled": true},
		"createNamespace":  false, // Its end takes Kubernetes 5 s.
	}
}

// inNamespace makes a stack in a namespace that the test made.
func inNamespace(t *testing.T, name string) *labtest.Stack {
	t.Helper()
	lab.InstallCRDs(t)
	s := lab.NewStack(t, name, ofEachKind())
	s.Adopts = true
	lab.Kubectl(t, "create", "namespace", s.Namespace)
	return s
}

// TestAKilledUpLosesNothing kills pulumi, its language host, the program and the providers
// at once, so that none can clean up.
func TestAKilledUpLosesNothing(t *testing.T) {
	t.Parallel()
	s := inNamespace(t, "killed")
	began := time.Now()
	s.Up()
	whole := time.Since(began)
	want := labtest.Names(s.Objects())
	converges := func(what string) {
		t.Helper()
		s.Must("cancel", "--yes") // The lock is still there, and says so.
		s.Up()
		require.Equal(t, want, labtest.Names(s.Objects()), what)
		require.GreaterOrEqual(t, s.Outputs()["readyReplicas"], 2.0, what) // More while old pods go.
	}
	const moments = 10
	atWork := 0
	for i := range moments {
		s.Must("destroy", "--yes", "--skip-preview")
		require.Empty(t, s.Objects(), "nothing that the state has lost is left")
		began = time.Now()
		if s.Killed(whole*time.Duration(i+1)/(moments+1), "up", "--yes", "--skip-preview") {
			atWork++
		} else {
			whole = time.Since(began) // The first had other tests beside it.
		}
		converges(fmt.Sprintf("first deployment, killed at %d/%d", i+1, moments+1))
	}
	told(fmt.Sprintf("first deployment killed at %d moments of %.1f s", moments, whole.Seconds()),
		fmt.Sprintf("%d times at work; the next converged", atWork))
	require.Greater(t, atWork, moments/2)

	level := func(verbosity int) {
		config := ofEachKind()
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
			whole = time.Since(began) // The first had other tests beside it.
		}
		converges(fmt.Sprintf("update, killed at %d/%d", i+1, moments+1))
		for _, deployment := range []string{llmd.EPPName, "ms-sim-llm-sim-decode"} {
			require.Contains(t, fmt.Sprint(labtest.At(t, s.Get("deployment", deployment), "spec", "template", "spec", "containers", 0, "args")), fmt.Sprintf("--v=%d", verbosity))
		}
	}
	told(fmt.Sprintf("update killed at %d moments of %.1f s", moments, whole.Seconds()),
		fmt.Sprintf("%d times at work; the next converged", atWork))
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

func TestOfTwoUpsOneIsRefused(t *testing.T) {
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
	told("two ups at once", "one was refused: the stack is locked")
}

// TestTheClusterFailsDuringAnUp has an update under way when something breaks.
func TestTheClusterFailsDuringAnUp(t *testing.T) {
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
		// The first is the program's, which looks at the cluster; then the provider is at work.
		for relayed.connections.Load() < connections+2 {
			time.Sleep(time.Millisecond)
		}
		test.fail()
		first := <-under
		result := "it went on"
		if first.err != nil {
			require.Contains(t, first.out, "error: ", "it says why")
			result = "it failed and said why; the next converged"
		}
		took := time.Since(began)
		s.Up()
		require.EqualValues(t, replicas, s.Outputs()["readyReplicas"])
		require.NotContains(t, s.Up(), "updated")
		told("during an up: "+test.name, fmt.Sprintf("%s, after %.0f s", result, took.Seconds()))
	}
	require.Positive(t, relayed.cuts.Load(), "there were connections to cut")
}

// component finds the process of a part of the control plane, and the file that holds its
// number.
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

// restart kills a part of the control plane, and runs it anew after a while.
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
	go func() { _ = again.Wait() }() // The lab stops it by its number.
	require.NoError(t, os.WriteFile(file, fmt.Append(nil, again.Process.Pid), 0o600))
}

// TestAPodThatNeverGetsReadyIsTold asks for more memory than a node has: KWOK's pods are
// ready as soon as they have a place. Pulumi names the Deployment then, and of pods that
// have a place the reason too; tests/traffic has these.
func TestAPodThatNeverGetsReadyIsTold(t *testing.T) {
	t.Parallel()
	s := inNamespace(t, "stuck")
	s.Up()
	s.Set("readyTimeout", "5s")
	s.Set("resources.requests.memory", "4Ti")
	out, took := s.UpFails()
	require.Contains(t, out, "ms-sim-llm-sim-decode")
	require.Contains(t, out, "timed out waiting to be Ready")
	require.Less(t, took, 15*time.Second)
	require.EqualValues(t, 2, labtest.At(t, s.Get("deployment", "ms-sim-llm-sim-decode"), "status", "readyReplicas"), "the old pods serve on")
	told("a pod that never gets ready", fmt.Sprintf("told after %.1f s, readyTimeout 5s; the old pods served", took.Seconds()))

	s.Set("resources.requests.memory", "64Mi")
	s.Up()
	require.EqualValues(t, 2, s.Outputs()["readyReplicas"])
}
