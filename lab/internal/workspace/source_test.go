package workspace

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheTopLevelConfigurationComesBeforeTheExample(t *testing.T) {
	t.Parallel()
	repository := t.TempDir()
	example := filepath.Join(repository, "examples", "Pulumi.full.yaml")
	write(t, example, "")
	path, err := Source(repository, "full")
	require.NoError(t, err)
	require.Equal(t, example, path)
	write(t, Config(repository, "full"), "")
	path, err = Source(repository, "full")
	require.NoError(t, err)
	require.Equal(t, Config(repository, "full"), path)
	_, err = Source(repository, "ful")
	require.EqualError(t, err, "stack ful: there is neither Pulumi.ful.yaml nor examples/Pulumi.ful.yaml")
}

func TestAStackNameIsNoPath(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"dev", "prefill-decode", "a.b_C1"} {
		require.NoError(t, CheckName(name), name)
	}
	for _, name := range []string{"", "..", ".", "../dev", "a/b", "--yes", "a b"} {
		require.Error(t, CheckName(name), name)
	}
}

func TestEncryptionSettingsAreLeftOut(t *testing.T) {
	t.Parallel()
	const config = "# A comment: kept.\nsecretsprovider: passphrase\nconfig:\n  llm-d-sim:name: x\nencryptionsalt: v1:x=:y\nencryptedkey: z\n"
	require.Equal(t, "# A comment: kept.\nconfig:\n  llm-d-sim:name: x\n", WithoutEncryption(config))
}
