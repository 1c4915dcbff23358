package tool

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// install puts a program that prints its version on a PATH of its own.
func install(t *testing.T, versions map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, version := range versions {
		script := "#!/bin/sh\necho " + version + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700))
	}
	t.Setenv("PATH", dir)
}

//nolint:paralleltest // The PATH is the process's.
func TestInstalledToolsAreUsedIfTheyFit(t *testing.T) {
	for name, test := range map[string]struct {
		versions        map[string]string
		engine, kubectl bool
	}{
		"none":             {},
		"both":             {map[string]string{"pulumi": "v3.260.1", "pulumi-language-go": "", "kubectl": "Client Version: v1.34.0"}, true, true},
		"old":              {map[string]string{"pulumi": "v3.224.9", "pulumi-language-go": "", "kubectl": "Client Version: v1.29.9"}, false, false},
		"next major":       {map[string]string{"pulumi": "v4.0.0", "pulumi-language-go": ""}, false, false},
		"no language host": {map[string]string{"pulumi": "v3.260.1"}, false, false},
		"says nothing":     {map[string]string{"pulumi": "", "pulumi-language-go": "", "kubectl": "dev"}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			install(t, test.versions)
			require.Equal(t, test.engine, InstalledEngine(t.Context()) != nil)
			require.Equal(t, test.kubectl, InstalledKubectl(t.Context()) != nil)
		})
	}
}
