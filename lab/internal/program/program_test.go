package program

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheMakefileBuildsWithTheSameSettings(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../../../Makefile")
	require.NoError(t, err)
	for _, pair := range Env() {
		require.Contains(t, strings.Split(string(makefile), "\n"), "export "+pair[0]+" = "+pair[1])
	}
}

func TestBothProgramsAreBuilt(t *testing.T) {
	t.Parallel()
	repository := t.TempDir()
	for file, content := range map[string]string{
		"go.mod":              "module example.com/llm-d-sim\n",
		"main.go":             "package main\n\nfunc main() {}\n",
		"tests/smoke/main.go": "package main\n\nfunc main() {}\n",
	} {
		path := filepath.Join(repository, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	require.NoError(t, Build(t.Context(), repository))
	require.FileExists(t, filepath.Join(repository, "bin", "llm-d-sim"))
	smoke, err := BuildSmoke(t.Context(), repository)
	require.NoError(t, err)
	require.FileExists(t, smoke)

	require.NoError(t, os.WriteFile(filepath.Join(repository, "main.go"), []byte("package main\n\nfunc main() { x }\n"), 0o600))
	require.ErrorContains(t, Build(t.Context(), repository), "undefined: x")
}
