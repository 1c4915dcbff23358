package labtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// InstallPackage lets stacks have programs in other languages that use the package llm-d-sim, unless an
// earlier test has done so.
func (l *Lab) InstallPackage(t *testing.T) {
	t.Helper()
	require.NoError(t, l.installPackage())
}

// Project replaces the stack's program with another project of the same name.
func (s *Stack) Project(content string) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(filepath.Join(s.Dir, "Pulumi.yaml"), []byte(content), 0o600))
}

// Move makes another folder the stack's project.
func (s *Stack) Move(folder string) {
	s.t.Helper()
	config := s.file()
	s.Dir = folder
	require.NoError(s.t, os.Rename(config, s.file()))
	s.Setenv("PULUMI_STACK", s.Name) // What is selected, pulumi remembers by the folder.
}

// Restore makes the stack's program that of the clone again.
func (s *Stack) Restore() {
	s.t.Helper()
	s.Program(s.lab.program)
}

// Example returns the program of an example in YAML as one of the stack's project and namespace,
// with some lines replaced.
func (s *Stack) Example(folder string, replace ...string) string {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.lab.Clone, "examples", "yaml", folder, "Pulumi.yaml"))
	require.NoError(s.t, err)
	name, rest, found := strings.Cut(string(raw), "\n")
	require.True(s.t, found)
	for i := 0; i < len(replace); i += 2 {
		require.Contains(s.t, rest, replace[i])
	}
	replace = append(replace, strings.TrimPrefix(name, "name: "), s.Namespace)
	return "name: llm-d-sim\n" + strings.NewReplacer(replace...).Replace(rest)
}
