package tool

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/lock"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/system"
)

// Builder builds tools into a cache.
type Builder struct {
	// Pins is the folder lab of the repository.
	Pins string
	// Cache is the folder to keep the executables in.
	Cache string
	// Out receives a line for each build, with the time that it took.
	Out io.Writer

	// compile is the build itself; tests replace it.
	compile func(ctx context.Context, t Tool, version, output string) error
}

// Paths are the executables by their tool's name.
type Paths map[string]string

// maxAge is how long the cache keeps a version of a tool that nobody uses. Clones with
// other pins, or a branch that is checked out again, find theirs until then.
const maxAge = 30 * 24 * time.Hour

// Ensure returns the executables of the tools and builds those that are missing. Of two
// processes one builds and the other waits.
func (b *Builder) Ensure(ctx context.Context, tools []Tool) (Paths, error) {
	paths := Paths{}
	var missing []Tool
	for _, t := range tools {
		path, err := b.path(t)
		if err != nil {
			return nil, err
		}
		paths[t.Name] = path
		if !inUse(path) {
			missing = append(missing, t)
		}
	}
	if len(missing) == 0 {
		return paths, nil
	}
	unlock, err := lock.Take(ctx, filepath.Join(b.Cache, "lock"), func() {
		fmt.Fprintln(b.Out, "waiting for another lab command, which builds tools ...")
	})
	if err != nil {
		return nil, err
	}
	defer unlock()
	var requirements []system.Requirement
	for _, t := range missing {
		requirements = append(requirements, t.Requirements()...)
	}
	if err := system.Ensure(ctx, b.Out, requirements...); err != nil {
		return nil, err
	}
	estimate := newEstimate(missing)
	fmt.Fprintf(b.Out, "building %d tools, once for all clones%s\n", len(missing), estimate.left())
	for i, t := range missing {
		if err := b.build(ctx, t, paths[t.Name], fmt.Sprintf("[%d/%d]", i+1, len(missing)), estimate.left()); err != nil {
			return nil, err
		}
		estimate.done(t)
	}
	fmt.Fprintf(b.Out, "all tools are built, in %s\n", time.Since(estimate.began).Round(time.Second))
	return paths, b.prune()
}

// inUse reports whether an executable is there, and notes that it is used.
func inUse(path string) bool {
	now := time.Now()
	// A cache that cannot be written to is used all the same.
	_ = os.Chtimes(filepath.Dir(path), now, now)
	return isFile(path)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// prune removes the versions that have not been used for long. Processes that still run
// keep their files.
func (b *Builder) prune() error {
	entries, err := os.ReadDir(b.Cache)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if entry.IsDir() && time.Since(info.ModTime()) > maxAge {
			if err := os.RemoveAll(filepath.Join(b.Cache, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Builder) build(ctx context.Context, t Tool, path, progress, left string) error {
	if inUse(path) {
		return nil // Another process built it while this one waited for the lock.
	}
	version, err := b.Version(t)
	if err != nil {
		return err
	}
	fmt.Fprintf(b.Out, "%s %s %s ...%s\n", progress, t.Name, version, left)
	began := time.Now()
	compile := b.compile
	switch {
	case compile != nil:
	case t.Wheel != "":
		compile = b.unpackWheel
	default:
		compile = b.goBuild
	}
	// A rename is atomic: an interrupted build leaves nothing half done.
	dir, err := os.MkdirTemp(b.Cache, ".building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	output := filepath.Join(dir, t.Name)
	if err := compile(ctx, t, version, output); err != nil {
		return fmt.Errorf("building %s: %w", t.Name, err)
	}
	if !isFile(output) {
		return fmt.Errorf("building %s: there is no executable", t.Name)
	}
	if err := leaveOnly(dir, t.Name); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Dir(path)); err != nil { // Something that is no executable.
		return err
	}
	if err := os.Rename(dir, filepath.Dir(path)); err != nil {
		return err
	}
	fmt.Fprintf(b.Out, "%s %s built in %s\n", progress, t.Name, time.Since(began).Round(time.Second))
	return nil
}

func (b *Builder) goBuild(ctx context.Context, t Tool, version, output string) error {
	module := filepath.Join(b.Pins, t.Module)
	args := append(compileFlags(t), "-ldflags", t.ldflags(version), "-o", output)
	if len(t.Embed)+len(t.Edits) > 0 {
		// In a folder of its own: an edited dependency may be called like the executable.
		dir := output + "-overlay"
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		overlay, err := overlay(t, module, dir)
		if err != nil {
			return err
		}
		args = append(args, "-overlay", overlay)
	}
	env, err := b.link(ctx, t, module, filepath.Dir(output))
	if err != nil {
		return err
	}
	args = append(append([]string{"build"}, args...), t.Package)
	return run(ctx, module, append(env, "GOWORK=off", "GOFLAGS="), "go", args...)
}

// compileFlags are those of the compiler. The executables are stripped, so debugging
// information, which costs an eighth of the time, is not even made.
func compileFlags(t Tool) []string {
	flags := []string{"-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false"}
	if len(t.Tags) > 0 {
		flags = append(flags, "-tags", strings.Join(t.Tags, ","))
	}
	return flags
}

// run runs a command of a build. If it fails, the error holds the end of its log.
func run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, tail(log.String(), 20))
	}
	return nil
}

// leaveOnly removes everything from a build's folder but the executable.
func leaveOnly(dir, name string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() != name {
			if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// path is where the executable lies, under a hash of everything that goes into it.
func (b *Builder) path(t Tool) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtime.GOOS, runtime.GOARCH, t, compileFlags(t))
	module := filepath.Join(b.Pins, t.Module)
	err := filepath.WalkDir(module, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		fmt.Fprintln(sum, strings.TrimPrefix(path, module), len(content))
		sum.Write(content)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("reading the pins of %s: %w", t.Name, err)
	}
	return filepath.Join(b.Cache, t.Name+"@"+hex.EncodeToString(sum.Sum(nil)[:6]), t.Name), nil
}

// Version is the version that a tool is pinned to, empty for this repository's own.
func (b *Builder) Version(t Tool) (string, error) {
	module := filepath.Join(b.Pins, t.Module)
	switch {
	case t.Release != "":
		return t.Release, nil
	case t.Wheel != "":
		return wheelVersion(module)
	case t.Source == "":
		return "", nil
	}
	return moduleVersion(module, t.Source)
}

// moduleVersion returns the version of a dependency in a module's go.mod.
func moduleVersion(module, dependency string) (string, error) {
	return goOutput(module, "list", "-m", "-f", "{{.Version}}", dependency)
}

// Folder downloads a dependency of a module, if need be, and returns where its files are.
func Folder(module, dependency string) (string, error) {
	raw, err := goOutput(module, "mod", "download", "-json", dependency)
	if err != nil {
		return "", err
	}
	var download struct{ Dir string }
	return download.Dir, json.Unmarshal([]byte(raw), &download)
}

func goOutput(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, tail(stderr.String(), 5))
	}
	return strings.TrimSpace(string(out)), nil
}

// tail returns the last lines of a log.
func tail(log string, lines int) string {
	all := strings.Split(strings.TrimSpace(log), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
