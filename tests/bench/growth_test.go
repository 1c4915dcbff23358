package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// measure is the cost of deploying a number of stages.
type measure struct {
	seconds                  float64
	calls                    int
	program, provider, state int64 // Bytes.
}

// TestGrowth deploys programs with more and more stages, through the Automation API.
func TestGrowth(t *testing.T) {
	program := labtest.Build(t, filepath.Join("testdata", "stages"))
	of := map[int]measure{}
	var rows []string
	for _, n := range []int{1, 10, 50, 100, 200} {
		m := deployStages(t, program, "stages", n)
		of[n] = m
		each := func(total float64) float64 { return total / float64(n) }
		rows = append(rows, fmt.Sprintf("%d\t%.1f\t%.3f\t%d\t%.1f\t%d\t%d\t%d\t%.1f", n, m.seconds, each(m.seconds),
			m.calls, each(float64(m.calls)), m.program>>20, m.provider>>20, m.state>>10, each(float64(m.state)/1024)))
	}
	printTable("STAGES\tSECONDS\tPER STAGE\tAPI CALLS\tPER STAGE\tPROGRAM MIB\tPROVIDER MIB\tSTATE KIB\tPER STAGE", rows)
	// The engine writes its whole state to one file after each step; this shows the cost of
	// that.
	once := map[int]measure{}
	for _, n := range []int{10, 200} {
		once[n] = deployStages(t, program, "once", n, "PULUMI_SKIP_CHECKPOINTS=true")
	}
	fmt.Printf("with a state that is written once, at the end: 10 stages %.1f s, 200 stages %.1f s\n", once[10].seconds, once[200].seconds)

	perStage := func(of map[int]measure) float64 { return of[200].seconds / 200 / (of[10].seconds / 10) }
	recordAtMost("growth.time_per_stage_200_vs_10", "time per stage of 200 stages, relative to 10", perStage(of), 1.2)
	recordAtMost("growth.time_per_stage_200_vs_10_state_once", "the same with the state written once, at the end", perStage(once), 1.2)
	memory := func(from, to int) float64 {
		return float64(of[to].program+of[to].provider-of[from].program-of[from].provider) / float64(to-from)
	}
	record("growth.bytes_per_stage", "peak memory of program and provider that a stage adds, between 10 and 200", memory(10, 200))
	record("growth.added_bytes_200_vs_100", "memory that a stage adds between 100 and 200 stages, relative to between 10 and 100", memory(100, 200)/memory(10, 100))
	record("growth.state_bytes_per_stage", "bytes that a stage adds to the state", float64(of[200].state-of[10].state)/190)
	record("growth.calls_per_stage_200_vs_10", "API calls per stage of 200 stages, relative to 10",
		float64(of[200].calls)/200/(float64(of[10].calls)/10))
}

// deployStages deploys and destroys a stack of n stages.
func deployStages(t *testing.T, program, name string, n int, env ...string) measure {
	t.Helper()
	s := lab.NewStack(t, fmt.Sprintf("%s-%d", name, n), map[string]any{"count": n})
	s.Program(program)
	for _, pair := range env {
		variable, value, _ := strings.Cut(pair, "=")
		s.Setenv(variable, value)
	}
	automation := s.Automation()
	before, watch := requests(t), watchMemory("stages", "pulumi-resource-kubernetes")
	began := time.Now()
	_, err := automation.Up(t.Context())
	require.NoError(t, err)
	m := measure{seconds: time.Since(began).Seconds()}
	peaks := watch()
	m.calls, m.program, m.provider = requests(t).since(before).total(), peaks["stages"], peaks["pulumi-resource-kubernetes"]
	file, err := os.Stat(s.StateFile())
	require.NoError(t, err)
	m.state = file.Size()
	s.Setenv("PULUMI_SKIP_CHECKPOINTS", "true") // Its destruction is not measured.
	s.Destroy()
	return m
}

// watchMemory samples processes by the names of their executables until peaks is called,
// which returns the peak memory of one process of each, in bytes.
func watchMemory(names ...string) (peaks func() map[string]int64) {
	most := map[string]int64{}
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			for _, process := range processes(names...) {
				most[process.name] = max(most[process.name], process.peak)
			}
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	return func() map[string]int64 {
		close(stop)
		group.Wait()
		return most
	}
}

// process is a running process, with its peak memory.
type process struct {
	name string
	pid  int
	peak int64
}

// processes finds those whose executables have one of the names.
func processes(names ...string) []process {
	var list []process
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		line, err := os.ReadFile(filepath.Join(folder, "cmdline"))
		if err != nil {
			continue // It has ended.
		}
		executable, _, _ := bytes.Cut(line, []byte{0})
		for _, name := range names {
			if filepath.Base(string(executable)) != name {
				continue
			}
			pid, _ := strconv.Atoi(filepath.Base(folder))
			status, _ := os.ReadFile(filepath.Join(folder, "status"))
			_, rest, _ := strings.Cut(string(status), "VmHWM:")
			var kilobytes int64
			_, _ = fmt.Sscan(rest, &kilobytes)
			list = append(list, process{name, pid, kilobytes << 10})
		}
	}
	return list
}

// TestScaleToThousandReplicas scales the decode stage far up, and back.
func TestScaleToThousandReplicas(t *testing.T) {
	for node := range strings.FieldsSeq(lab.Kubectl(t, "get", "nodes", "-o", "name")) {
		lab.Kubectl(t, "patch", node, "--subresource=status", "--type=merge", "-p",
			`{"status":{"allocatable":{"pods":"2000","cpu":"1000"},"capacity":{"pods":"2000","cpu":"1000"}}}`)
	}
	s := lab.NewStack(t, "thousand", lab.Sample(t, "dev"))
	s.Up()
	before := requests(t)
	s.Set("decode.replicas", "1000")
	up := took(func() { s.Up() })
	sent := requests(t).since(before)
	require.EqualValues(t, 1000, s.Outputs()["readyReplicas"])
	fmt.Printf("decode scaled from 2 to 1000 pods: %.1f s, %d writes of Deployments\n", up.Seconds(), sent.writes("deployments"))
	record("growth.thousand_replicas_seconds", "scaling decode from 2 to 1000 pods", up.Seconds())
}
