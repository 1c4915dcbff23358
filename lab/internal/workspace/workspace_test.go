package stack

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// newStack returns a stack whose pulumi writes down what it is called with.
func newStack(t *testing.T, script string) (s *Stack, calls func() []string) {
	t.Helper()
	repository, dir := t.TempDir(), t.TempDir()
	write(t, filepath.Join(repository, "Pulumi.yaml"), "name: x\n")
	write(t, filepath.Join(repository, "Pulumi.dev.yaml"), "config: {a: 1}\n")
	log, pulumi := filepath.Join(dir, "calls"), filepath.Join(dir, "pulumi")
	require.NoError(t, os.WriteFile(pulumi, []byte("#!/bin/sh\necho \"$@\" >> "+log+"\n"+script+"\n"), 0o700))
	s = &Stack{Name: "dev", Repository: repository, Dir: filepath.Join(dir, "stacks"), Env: os.Environ(), Pulumi: pulumi}
	return s, func() []string {
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
	s, calls := newStack(t, "")
	replaced, err := s.Init(t.Context())
	require.NoError(t, err)
	require.False(t, replaced)
	require.Equal(t, []string{"stack init dev --no-select", "stack select dev"}, calls())
	require.Equal(t, "config: {a: 1}\n", read(t, s.Config()))

	write(t, s.Config(), "config: {a: 2}\n") // What `pulumi config set` does.
	replaced, err = s.Init(t.Context())
	require.NoError(t, err)
	require.False(t, replaced)
	require.Equal(t, "config: {a: 2}\n", read(t, s.Config()), "what the user set stays")

	write(t, filepath.Join(s.Repository, "Pulumi.dev.yaml"), "config: {a: 3}\n")
	replaced, err = s.Init(t.Context())
	require.NoError(t, err)
	require.True(t, replaced)
	require.Equal(t, "config: {a: 3}\n", read(t, s.Config()))
	require.Len(t, calls(), 2, "the stack itself is made once")
	entries, err := os.ReadDir(s.Repository)
	require.NoError(t, err)
	require.Len(t, entries, 2, "nothing is written into the clone")
}

func TestAStackThatCannotBeMadeIsTold(t *testing.T) {
	t.Parallel()
	s, _ := newStack(t, "echo no passphrase; exit 1")
	_, err := s.Init(t.Context())
	require.ErrorContains(t, err, "pulumi stack init dev")
	require.ErrorContains(t, err, "no passphrase")

	s, calls := newStack(t, `case "$2" in init) echo "stack 'dev' already exists"; exit 1;; esac`)
	_, err = s.Init(t.Context())
	require.NoError(t, err, "a stack that is left from before is taken up")
	require.Len(t, calls(), 2)
}

func TestTheLockOfAPulumiThatIsNoMoreIsDropped(t *testing.T) {
	t.Parallel()
	ended := exec.Command("true")
	require.NoError(t, ended.Run())
	for name, test := range map[string]struct {
		pid  int
		want []string
	}{
		"no more": {ended.Process.Pid, []string{"cancel --yes --stack dev", "up --stack dev"}},
		"at work": {os.Getpid(), []string{"up --stack dev"}},
	} {
		s, calls := newStack(t, "")
		s.State = t.TempDir()
		write(t, filepath.Join(s.State, ".pulumi", "locks", "organization", "x", "dev", "1.json"), fmt.Sprintf(`{"pid":%d}`, test.pid))
		require.NoError(t, s.Run(t.Context(), "up"))
		require.Equal(t, test.want, calls(), name)
	}
}

func TestSource(t *testing.T) {
	t.Parallel()
	s, _ := newStack(t, "")
	write(t, filepath.Join(s.Repository, "examples", "Pulumi.full.yaml"), "")
	path, err := Source(s.Repository, "full")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(s.Repository, "examples", "Pulumi.full.yaml"), path)
	_, err = Source(s.Repository, "ful")
	require.EqualError(t, err, "stack ful: there is neither Pulumi.ful.yaml nor examples/Pulumi.ful.yaml")
}
