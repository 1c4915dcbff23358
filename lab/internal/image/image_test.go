package image

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

func TestAnArchiveIsTheSameForTheSameExecutable(t *testing.T) {
	t.Parallel()
	image := Image{
		Tool: tool.Tool{Name: "x"}, Path: "/app/x", Repositories: []string{"example.com/x"},
		References: []string{"docker.io/library/x:local"}, StandsFor: "another",
	}
	executable := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(executable, []byte("#!/bin/sh\n"), 0o700))
	var digests []string
	for range 2 {
		archive := filepath.Join(t.TempDir(), "x.tar")
		require.NoError(t, image.write(t.Context(), map[string]string{"/app/x": executable}, "v1.2.3", archive))
		for _, reference := range []string{"example.com/x:v1.2.3", "x:local"} {
			tag, err := name.NewTag(reference)
			require.NoError(t, err)
			img, err := tarball.ImageFromPath(archive, &tag)
			require.NoError(t, err)
			digest, err := img.Digest()
			require.NoError(t, err)
			digests = append(digests, digest.String())
			config, err := img.ConfigFile()
			require.NoError(t, err)
			require.Equal(t, []string{"/app/x"}, config.Config.Entrypoint)
			require.Equal(t, "65532", config.Config.User)
			require.Equal(t, "stands for another", config.Config.Labels["org.opencontainers.image.description"])
		}
	}
	for _, digest := range digests {
		require.Equal(t, digests[0], digest)
	}
}

func TestALayerHoldsWhatADynamicExecutableLoads(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ldd"); err != nil {
		t.Skip("there is no ldd here")
	}
	shell, err := exec.LookPath("sh")
	require.NoError(t, err)
	shell, err = filepath.EvalSymlinks(shell)
	require.NoError(t, err)
	files, err := neededFiles(t.Context(), shell)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	content, err := layer(t.Context(), map[string]string{"/bin/sh": shell})
	require.NoError(t, err)
	r, found := tar.NewReader(bytes.NewReader(content)), map[string]int64{}
	for {
		header, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		found["/"+header.Name] = header.Size
	}
	files["/bin/sh"] = shell
	for path := range files {
		require.Positive(t, found[path], path)
	}
	require.Contains(t, found, "/etc/passwd")

	script := filepath.Join(t.TempDir(), "static")
	require.NoError(t, os.WriteFile(script, []byte("no ELF file"), 0o700))
	files, err = neededFiles(t.Context(), script)
	require.NoError(t, err)
	require.Empty(t, files)
}

func TestEveryImageIsPinnedAndNamed(t *testing.T) {
	t.Parallel()
	b := &tool.Builder{Pins: "../.."}
	seen := map[string]bool{}
	for _, image := range slices.Concat(All(), LLMD(V07), LLMD(V04), Istio()) {
		version, err := b.Version(image.Tool)
		require.NoError(t, err)
		names := image.names(version)
		require.NotEmpty(t, names)
		for _, reference := range names {
			require.False(t, seen[reference], reference)
			seen[reference] = true
			_, err := name.NewTag(reference, name.StrictValidation)
			require.NoError(t, err)
		}
	}
	// What the program deploys by default, and the release of llm-d that comes closest.
	for _, reference := range []string{
		"ghcr.io/llm-d/llm-d-inference-sim:v0.10.2", "ghcr.io/llm-d/llm-d-inference-scheduler:v0.7.1",
		"ghcr.io/llm-d/llm-d-routing-sidecar:v0.7.1", Pause,
		"cr.kgateway.dev/kgateway-dev/envoy-wrapper:v2.1.1", "docker.io/istio/proxyv2:1.28.1",
	} {
		require.True(t, seen[reference], reference)
	}
}
