package pulumihome

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// prepare returns a home whose tools are scripts that print their environment. plugins are
// those that the lab has built.
func prepare(t *testing.T, plugins ...string) Home {
	t.Helper()
	h := Home{Dir: filepath.Join(t.TempDir(), "it's a lab")}
	tools := tool.Paths{}
	for _, name := range append(plugins, "pulumi", "pulumi-language-go", "kubectl") {
		tools[name] = filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(tools[name], []byte("#!/bin/sh\necho \"$TMPDIR $*\"\n"), 0o700))
	}
	require.NoError(t, h.Prepare(tools, map[string]string{"random": "v1.2.3", "kubernetes": "v4.5.6"}))
	return h
}

func TestPulumisTemporaryFilesGoWithTheLab(t *testing.T) {
	t.Parallel()
	h := prepare(t)
	out, err := exec.CommandContext(t.Context(), h.CLI(), "up", "a b").Output()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(h.Dir, "tmp")+" up a b\n", string(out))
	require.DirExists(t, filepath.Join(h.Dir, "tmp"))
}

func TestPluginsAreWherePulumiLooks(t *testing.T) {
	t.Parallel()
	h := prepare(t, "pulumi-resource-random")
	require.FileExists(t, filepath.Join(h.Dir, "pulumi", "plugins", "resource-random-v1.2.3", "pulumi-resource-random"))
	require.NoDirExists(t, filepath.Join(h.Dir, "pulumi", "plugins", "resource-kubernetes-v4.5.6"), "pulumi has downloaded it")
}

func TestAPackageIsWherePulumiLooks(t *testing.T) {
	t.Parallel()
	h := prepare(t)
	plugin, host := filepath.Join(t.TempDir(), "plugin"), filepath.Join(t.TempDir(), "pulumi-language-yaml")
	for _, path := range []string{plugin, host} {
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700))
	}
	require.NoError(t, h.AddPackage("llm-d-sim", "v0.1.0", plugin, tool.Paths{"pulumi-language-yaml": host}))
	require.FileExists(t, filepath.Join(h.Dir, "pulumi", "plugins", "resource-llm-d-sim-v0.1.0", "pulumi-resource-llm-d-sim"))
	require.FileExists(t, filepath.Join(h.Dir, "libexec", "pulumi-language-yaml"), "beside pulumi itself")
}

func TestThePassphraseIsMadeOnce(t *testing.T) {
	t.Parallel()
	h := prepare(t)
	first, err := os.ReadFile(h.passphrase())
	require.NoError(t, err)
	require.Len(t, first, 32)
	require.NoError(t, writeNew(h.passphrase(), "another"))
	second, err := os.ReadFile(h.passphrase())
	require.NoError(t, err)
	require.Equal(t, string(first), string(second))
}

func TestALinkLeadsToTheFileBehindARelativeLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "real"), []byte("tool"), 0o600))
	installed := filepath.Join(dir, "installed")
	require.NoError(t, os.Symlink("real", installed))
	path := filepath.Join(dir, "lab", "bin", "tool")
	for range 2 { // The second replaces the first.
		require.NoError(t, link(installed, path))
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "tool", string(content))
	}
}

func TestPluginVersionsAreThoseOfTheSDKs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(content string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(content), 0o600))
	}
	write("module m\n\nrequire (\n\tgithub.com/pulumi/pulumi-kubernetes/sdk/v4 v4.27.0\n\tgithub.com/pulumi/pulumi-random/sdk/v4 v4.19.0\n)\n")
	versions, err := Plugins(dir)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"kubernetes": "v4.27.0", "random": "v4.19.0"}, versions)

	write("module m\n\nrequire github.com/pulumi/pulumi-kubernetes/sdk/v4 v4.27.0\n")
	_, err = Plugins(dir)
	require.ErrorContains(t, err, "go.mod does not require github.com/pulumi/pulumi-random/sdk/v4")
}
