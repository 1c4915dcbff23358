package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestStart measures the time before anything is deployed.
func TestStart(t *testing.T) {
	for i, up := range lab.Ups {
		fmt.Printf("make up, the %s time, by phase:\n", []string{"first", "second"}[i])
		for line := range strings.Lines(up) {
			if strings.Contains(line, " after ") || strings.Contains(line, "Duration:") {
				fmt.Print("  ", line)
			}
		}
	}

	source := filepath.Join(lab.Clone, "main.go")
	original, err := os.ReadFile(source)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.WriteFile(source, original, 0o600)) })
	require.NoError(t, os.WriteFile(source, append(original, "\nvar _ = 1\n"...), 0o600))
	compile := took(func() {
		build := exec.Command("go", "build", "-o", filepath.Join(t.TempDir(), "program"), ".")
		build.Dir = lab.Clone
		out, err := build.CombinedOutput()
		require.NoError(t, err, string(out))
	})
	record("start.compile_seconds", "building the program after a change, with a warm build cache", compile.Seconds())

	s := lab.NewStack(t, "start", lab.Sample(t, "dev"))
	var until []time.Duration
	for range rounds {
		log, err := s.Pulumi("preview", "--logtostderr", "-v=7")
		require.NoError(t, err)
		began := at(t, log, `langhost\[go\]\.Run\(.* executing`)
		registered := at(t, log, `RegisterResource received: t=pulumi:providers:kubernetes`)
		until = append(until, registered.Sub(began))
	}
	record("start.first_registration_seconds", "from the program's start to the first resource that it registers", best(until))
}

// at returns the time of the first line in the CLI's log that matches a pattern.
func at(t *testing.T, log, pattern string) time.Time {
	t.Helper()
	expression := regexp.MustCompile(pattern)
	for line := range strings.Lines(log) {
		var entry struct {
			Time time.Time `json:"time"`
			Msg  string    `json:"msg"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil && expression.MatchString(entry.Msg) {
			return entry.Time
		}
	}
	require.Fail(t, "the log has no such line", pattern)
	return time.Time{}
}
