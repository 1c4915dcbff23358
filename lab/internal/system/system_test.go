package system

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMetRequirementsInstallNothing(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "here")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	var out bytes.Buffer
	require.NoError(t, Ensure(t.Context(), &out, File(file, "p"), Command("go", "golang")))
	require.Empty(t, out.String())
}

func TestMissingPackagesAreListed(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // And so there is no apt-get.
	err := Check(Command("runc", "runc"), Library("libzmq", "libzmq3-dev"), Command("ctr", "containerd"), Command("containerd", "containerd"))
	require.EqualError(t, err, "install these Debian packages, or their equivalents: runc libzmq3-dev containerd")
}
