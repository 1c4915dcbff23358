package tool

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/lock"
)

var example = Tool{Name: "x", Module: "m", Package: "example.com/x", Source: "example.com/x"}

// newBuilder returns a builder for one pinned module, whose compiler is a counter.
func newBuilder(t *testing.T) (b *Builder, out *bytes.Buffer, built *[]string) {
	t.Helper()
	tools := t.TempDir()
	write(t, filepath.Join(tools, "m", "go.mod"), "module m\n\ngo 1.26\n\nrequire example.com/x v1.2.3\n\nreplace example.com/x => ./x\n")
	write(t, filepath.Join(tools, "m", "x", "go.mod"), "module example.com/x\n\ngo 1.26\n")
	out, built = &bytes.Buffer{}, &[]string{}
	var mu sync.Mutex
	b = &Builder{Pins: tools, Cache: filepath.Join(t.TempDir(), "tools"), Out: out}
	b.compile = func(_ context.Context, tool Tool, version, output string) error {
		mu.Lock()
		defer mu.Unlock()
		*built = append(*built, tool.Name+" "+version)
		return os.WriteFile(output, []byte("executable"), 0o700)
	}
	return b, out, built
}

func write(t *testing.T, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

func TestAToolIsBuiltOnceForItsPins(t *testing.T) {
	t.Parallel()
	b, out, built := newBuilder(t)
	first, err := b.Ensure(t.Context(), []Tool{example})
	require.NoError(t, err)
	require.FileExists(t, first["x"])
	require.Contains(t, out.String(), "[1/1] x v1.2.3 ...")
	require.Contains(t, out.String(), "all tools are built, in")

	out.Reset()
	again, err := b.Ensure(t.Context(), []Tool{example})
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, []string{"x v1.2.3"}, *built)
	require.Empty(t, out.String(), "there is nothing to report")

	write(t, filepath.Join(b.Pins, "m", "go.sum"), "another pin")
	other, err := b.Ensure(t.Context(), []Tool{example})
	require.NoError(t, err)
	require.NotEqual(t, first, other)
	require.Len(t, *built, 2)
	require.FileExists(t, first["x"], "a clone with the other pin finds its tool")
}

func TestOnlyVersionsThatNobodyUsesAreRemoved(t *testing.T) {
	t.Parallel()
	b, _, _ := newBuilder(t)
	old := time.Now().Add(-2 * maxAge)
	first, err := b.Ensure(t.Context(), []Tool{example})
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(filepath.Dir(first["x"]), old, old))
	unused := filepath.Join(b.Cache, "x@0123456789ab")
	write(t, filepath.Join(unused, "x"), "executable")
	require.NoError(t, os.Chtimes(unused, old, old))

	other := example
	other.Name = "y"
	_, err = b.Ensure(t.Context(), []Tool{example, other})
	require.NoError(t, err)
	require.FileExists(t, first["x"], "it is used again")
	require.NoDirExists(t, unused)
}

func TestAWaitForAnotherBuildCanBeInterrupted(t *testing.T) {
	t.Parallel()
	b, out, _ := newBuilder(t)
	unlock, err := lock.Take(t.Context(), filepath.Join(b.Cache, "lock"), nil)
	require.NoError(t, err)
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = b.Ensure(ctx, []Tool{example})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Contains(t, out.String(), "waiting for another lab command")
}

func TestAnotherWayToBuildIsAnotherTool(t *testing.T) {
	t.Parallel()
	b, _, built := newBuilder(t)
	stamped := example
	stamped.Stamp = []string{"example.com/x.version"}
	for _, tool := range []Tool{example, stamped} {
		_, err := b.Ensure(t.Context(), []Tool{tool})
		require.NoError(t, err)
	}
	require.Len(t, *built, 2)
}

func TestAFailedBuildLeavesNothing(t *testing.T) {
	t.Parallel()
	b, _, _ := newBuilder(t)
	compile := b.compile
	b.compile = func(_ context.Context, _ Tool, _, output string) error {
		return errors.Join(os.WriteFile(output, []byte("half"), 0o600), errors.New("no memory"))
	}
	_, err := b.Ensure(t.Context(), []Tool{example})
	require.EqualError(t, err, "building x: no memory")
	entries, err := os.ReadDir(b.Cache)
	require.NoError(t, err)
	require.Len(t, entries, 1, "the lock alone")

	b.compile = compile
	paths, err := b.Ensure(t.Context(), []Tool{example})
	require.NoError(t, err)
	require.FileExists(t, paths["x"])
}

func TestTwoAtATimeBuildOnce(t *testing.T) {
	t.Parallel()
	b, _, built := newBuilder(t)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			other := *b
			other.Out = &bytes.Buffer{}
			_, err := other.Ensure(t.Context(), []Tool{example})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.Len(t, *built, 1)
}

func TestEveryToolIsPinned(t *testing.T) {
	t.Parallel()
	b := &Builder{Pins: "../..", Cache: t.TempDir()}
	seen := map[string]bool{}
	all := slices.Concat(Engine(), Plugins(), ControlPlane(), Node(), []Tool{Kubectl(), Firewall()})
	for _, tool := range all {
		path, err := b.path(tool)
		require.NoError(t, err)
		require.False(t, seen[path])
		seen[path] = true
		pins, err := os.ReadFile(filepath.Join(b.Pins, tool.Module, "go.mod"))
		require.NoError(t, err)
		require.Contains(t, string(pins), tool.Source+" v", tool.Name)
	}
}
