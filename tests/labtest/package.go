package labtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// InstallPackage lets stacks have programs in YAML that use the package llm-d-sim, unless an
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

// Restore makes the stack's program that of the clone again.
func (s *Stack) Restore() {
	s.t.Helper()
	s.Program(s.lab.program)
}
