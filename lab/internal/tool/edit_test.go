package tool

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// newDependency serves example.com/dep v1.0.0 from a folder, and returns an edit of it for the
// module in the other folder.
func newDependency(t *testing.T) (Edit, string) {
	t.Helper()
	proxy, module := t.TempDir(), t.TempDir()
	versions := filepath.Join(proxy, "example.com", "dep", "@v")
	write(t, filepath.Join(versions, "v1.0.0.info"), `{"Version": "v1.0.0"}`)
	write(t, filepath.Join(versions, "v1.0.0.mod"), "module example.com/dep\n")
	file, err := os.Create(filepath.Join(versions, "v1.0.0.zip"))
	require.NoError(t, err)
	archive := zip.NewWriter(file)
	for name, content := range map[string]string{
		"go.mod": "module example.com/dep\n", "kinds/kinds.go": "package kinds\n\nconst all = 167\n", "other.go": "package dep\n",
	} {
		entry, err := archive.Create("example.com/dep@v1.0.0/" + name)
		require.NoError(t, err)
		_, err = entry.Write([]byte(content))
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	require.NoError(t, file.Close())
	write(t, filepath.Join(module, "go.mod"), "module m\n")
	t.Setenv("GONOSUMDB", "example.com/dep") // Of its go.mod.
	t.Setenv("GOPROXY", "file://"+proxy)
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Cleanup(func() { require.NoError(t, exec.Command("go", "clean", "-modcache").Run()) }) // It is read-only.
	return Edit{
		Dependency: "example.com/dep", Version: "v1.0.0", Folder: "dep",
		Sum:   "h1:GywLSArv9MMNeynMmMmk1172GufP+HGExCuLzT/8AyY=",
		Files: map[string]Changes{"kinds/kinds.go": {{Old: regexp.MustCompile(`= \d+`), New: "= 1"}}},
	}, module
}

//nolint:paralleltest // newDependency sets the environment.
func TestAnEditedDependencyKeepsItsOtherFiles(t *testing.T) {
	edit, module := newDependency(t)
	files, err := edit.overlay(module, t.TempDir())
	require.NoError(t, err)
	require.Len(t, files, 2, "the module's own folder holds go.mod")
	content, err := os.ReadFile(files[filepath.Join(module, "dep", "kinds", "kinds.go")])
	require.NoError(t, err)
	require.Equal(t, "package kinds\n\nconst all = 1\n", string(content))
	content, err = os.ReadFile(files[filepath.Join(module, "dep", "other.go")])
	require.NoError(t, err)
	require.Equal(t, "package dep\n", string(content))
}

//nolint:paralleltest // newDependency sets the environment.
func TestALimitedFolderLosesItsOtherFiles(t *testing.T) {
	edit, module := newDependency(t)
	edit.Files, edit.Only = nil, map[string]*regexp.Regexp{".": regexp.MustCompile(`^more\.go$`)}
	files, err := edit.overlay(module, t.TempDir())
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.Contains(t, files, filepath.Join(module, "dep", "kinds", "kinds.go"), "folders below are not limited")
}

//nolint:paralleltest // newDependency sets the environment.
func TestAnotherDependencyIsNotEdited(t *testing.T) {
	edit, module := newDependency(t)
	edit.Sum = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	_, err := edit.overlay(module, t.TempDir())
	require.ErrorContains(t, err, "does NOT match")
}

//nolint:paralleltest // newDependency sets the environment.
func TestAnEditThatFindsNothingFails(t *testing.T) {
	edit, module := newDependency(t)
	edit.Files["kinds/kinds.go"] = Changes{{Old: regexp.MustCompile("gone")}}
	_, err := edit.overlay(module, t.TempDir())
	require.ErrorContains(t, err, "kinds.go has nothing like gone")
}

//nolint:paralleltest // newDependency sets the environment.
func TestAToolMayBeCalledLikeAnEditedDependency(t *testing.T) {
	edit, _ := newDependency(t)
	pins := t.TempDir()
	write(t, filepath.Join(pins, "m", "go.mod"), "module m\n\ngo 1.26\n\n"+
		"require example.com/dep v1.0.0\n\nreplace example.com/dep => ./dep\n")
	write(t, filepath.Join(pins, "m", "dep", "go.mod"), "module example.com/dep\n")
	write(t, filepath.Join(pins, "m", "main.go"), "package main\n\nimport _ \"example.com/dep/kinds\"\n\nfunc main() {}\n")
	b := &Builder{Pins: pins, Cache: t.TempDir(), Out: io.Discard}
	built, err := b.Ensure(t.Context(), []Tool{{Name: "dep", Module: "m", Package: ".", Edits: []Edit{edit}}})
	require.NoError(t, err)
	require.NoError(t, exec.Command(built["dep"]).Run())
}
