package workspace

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// newWorkspace returns a stack whose pulumi is a script that records its calls.
func newWorkspace(t *testing.T, script string) (w *Workspace, calls func() []string) {
	t.Helper()
	repository, dir := t.TempDir(), t.TempDir()
	write(t, filepath.Join(repository, "Pulumi.yaml"), "name: x\n")
	write(t, filepath.Join(repository, "Pulumi.dev.yaml"), "config: {a: 1}\n")
	log, pulumi := filepath.Join(dir, "calls"), filepath.Join(dir, "pulumi")
	require.NoError(t, os.WriteFile(pulumi, []byte("#!/bin/sh\necho \"$@\" >> "+log+"\n"+script+"\n"), 0o700))
	w = &Workspace{
		CLI: CLI{Path: pulumi, Repository: repository, Stack: "dev"},
		Dir: filepath.Join(dir, "stacks"), State: filepath.Join(dir, "state"),
	}
	return w, func() []string {
		raw, err := os.ReadFile(log)
		require.NoError(t, err)
		return strings.Split(strings.TrimSpace(string(raw)), "\n")
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(raw)
}

func TestTheWorkingCopyFollowsItsSource(t *testing.T) {
	t.Parallel()
	w, calls := newWorkspace(t, "")
	replaced, err := w.Init(t.Context())
	require.NoError(t, err)
	require.False(t, replaced)
	require.Equal(t, []string{"stack init dev --no-select", "stack select --stack dev"}, calls())
	require.Equal(t, "config: {a: 1}\n", read(t, w.Config()))

	write(t, w.Config(), "config: {a: 2}\n") // What `pulumi config set` does.
	replaced, err = w.Init(t.Context())
	require.NoError(t, err)
	require.False(t, replaced)
	require.Equal(t, "config: {a: 2}\n", read(t, w.Config()), "what the user set stays")

	write(t, filepath.Join(w.Repository, "Pulumi.dev.yaml"), "config: {a: 3}\n")
	replaced, err = w.Init(t.Context())
	require.NoError(t, err)
	require.True(t, replaced)
	require.Equal(t, "config: {a: 3}\n", read(t, w.Config()))

	write(t, filepath.Join(w.Repository, "Pulumi.dev.yaml"), "encryptionsalt: v1:x\nconfig: {a: 3}\n")
	replaced, err = w.Init(t.Context())
	require.NoError(t, err)
	require.False(t, replaced, "the salt of another backend is no change")
	require.Len(t, calls(), 2, "the stack is created once")
	entries, err := os.ReadDir(w.Repository)
	require.NoError(t, err)
	require.Len(t, entries, 2, "nothing is written into the clone")
}

func TestAFailedInitIsReported(t *testing.T) {
	t.Parallel()
	w, _ := newWorkspace(t, "echo no passphrase; exit 1")
	_, err := w.Init(t.Context())
	require.ErrorContains(t, err, "pulumi stack init dev")
	require.ErrorContains(t, err, "no passphrase")

	w, calls := newWorkspace(t, `case "$2" in init) echo "stack 'dev' already exists"; exit 1;; esac`)
	_, err = w.Init(t.Context())
	require.NoError(t, err, "an existing stack is used")
	require.Len(t, calls(), 2)
}

func TestAStaleLockIsRemoved(t *testing.T) {
	t.Parallel()
	ended := exec.Command("true")
	require.NoError(t, ended.Run())
	for name, test := range map[string]struct {
		pid  int
		want []string
	}{
		"stale": {ended.Process.Pid, []string{"cancel --yes --stack dev", "up --stack dev"}},
		"held":  {os.Getpid(), []string{"up --stack dev"}},
	} {
		w, calls := newWorkspace(t, "")
		write(t, filepath.Join(w.State, ".pulumi", "locks", "organization", "x", "dev", "1.json"), fmt.Sprintf(`{"pid":%d}`, test.pid))
		require.NoError(t, w.Run(t.Context(), "up"))
		require.Equal(t, test.want, calls(), name)
	}
}
