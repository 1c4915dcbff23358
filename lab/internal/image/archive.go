package image

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// user is the numeric user of upstream's images.
const user = "65532"

// Archives returns an archive for each image, as `ctr images import` takes it, and
// writes those that are missing. executables are the images' tools.
func Archives(ctx context.Context, b *tool.Builder, executables tool.Paths, images []Image) ([]string, error) {
	var archives []string
	for _, image := range images {
		version, err := b.Version(image.Tool)
		if err != nil {
			return nil, err
		}
		files, err := image.contents(b, executables)
		if err != nil {
			return nil, err
		}
		archive := image.archive(executables[image.Tool.Name], version, files)
		archives = append(archives, archive)
		if _, err := os.Stat(archive); err == nil {
			continue
		}
		if err := image.write(ctx, files, version, archive); err != nil {
			return nil, fmt.Errorf("image of %s: %w", image.Tool.Name, err)
		}
		if image.StandsFor != "" {
			fmt.Fprintf(b.Out, "the image of %s %s stands for %s\n", image.Tool.Name, version, image.StandsFor)
		}
	}
	return archives, nil
}

// contents are the image's files by their path in it, without the libraries that
// executables load.
func (i Image) contents(b *tool.Builder, executables tool.Paths) (map[string]string, error) {
	files := map[string]string{i.Path: executables[i.Tool.Name]}
	for target, other := range i.With {
		files[target] = executables[other.Name]
	}
	if len(i.Files) == 0 {
		return files, nil
	}
	source, err := tool.Folder(filepath.Join(b.Pins, i.Tool.Module), i.Tool.Source)
	if err != nil {
		return nil, err
	}
	for target, file := range i.Files {
		files[target] = filepath.Join(source, file)
	}
	return files, nil
}

// archive is the path of the image's archive: beside its executable, so that both are
// removed together, under a hash of everything else in it.
func (i Image) archive(executable, version string, files map[string]string) string {
	sum := sha256.New()
	fmt.Fprintln(sum, i, i.names(version), files) // Maps are printed in order.
	return filepath.Join(filepath.Dir(executable), hex.EncodeToString(sum.Sum(nil)[:6])+".tar")
}

// write makes the archive of the image, with these files in it.
func (i Image) write(ctx context.Context, files map[string]string, version, archive string) error {
	content, err := layer(ctx, files)
	if err != nil {
		return err
	}
	base, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	})
	if err != nil {
		return err
	}
	img, err := mutate.AppendLayers(empty.Image, base)
	if err != nil {
		return err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config = v1.Config{Entrypoint: []string{i.Path}, User: user, Labels: i.labels(version)}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return err
	}
	images := map[name.Tag]v1.Image{}
	for _, reference := range i.names(version) {
		tag, err := name.NewTag(reference)
		if err != nil {
			return err
		}
		images[tag] = img
	}
	// A rename is atomic: an archive at this path is complete.
	temporary := archive + ".part"
	if err := tarball.MultiWriteToFile(temporary, images); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return os.Rename(temporary, archive)
}

func (i Image) labels(version string) map[string]string {
	labels := map[string]string{
		"org.opencontainers.image.title":   i.Tool.Name,
		"org.opencontainers.image.version": version,
	}
	if i.StandsFor != "" {
		labels["org.opencontainers.image.description"] = "stands for " + i.StandsFor
	}
	return labels
}

// library is a line of ldd: a file, with or without the name that was looked up.
var library = regexp.MustCompile(`(?m)(?:=> |^\s+)(/\S+) \(0x`)

// neededFiles returns the libraries that an executable loads, and their loader, by
// their path. A static one needs none.
func neededFiles(ctx context.Context, executable string) (map[string]string, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "ldd", executable)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	files := map[string]string{}
	if err != nil {
		if bytes.Contains(stderr.Bytes(), []byte("not a dynamic executable")) {
			return files, nil
		}
		return nil, fmt.Errorf("ldd %s: %w: %s", executable, err, stderr.Bytes())
	}
	for _, match := range library.FindAllSubmatch(out, -1) {
		files[string(match[1])] = string(match[1])
	}
	return files, nil
}

// layer is a tar of files by their path in the image, with the libraries that they load,
// the same for the same content.
func layer(ctx context.Context, files map[string]string) ([]byte, error) {
	all := maps.Clone(files)
	for _, file := range files {
		libraries, err := neededFiles(ctx, file)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, libraries)
	}
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	add := func(header *tar.Header, data []byte) error {
		header.Size, header.ModTime, header.Format = int64(len(data)), time.Unix(0, 0), tar.FormatPAX
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		_, err := w.Write(data)
		return err
	}
	err := errors.Join(
		add(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}, nil),
		add(&tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644}, []byte(
			"root:x:0:0:root:/:/sbin/nologin\nnonroot:x:"+user+":"+user+":nonroot:/:/sbin/nologin\n")))
	for _, target := range slices.Sorted(maps.Keys(all)) {
		data, readErr := os.ReadFile(all[target])
		err = errors.Join(err, readErr, add(&tar.Header{
			Typeflag: tar.TypeReg, Name: path.Clean(target)[1:], Mode: 0o755,
		}, data))
	}
	return content.Bytes(), errors.Join(err, w.Close())
}
