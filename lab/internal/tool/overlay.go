package tool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
)

const overlayFile = "overlay.json"

// overlay writes the file from which `go build` learns where files really are: those that a
// package embeds, and those of edited dependencies.
func overlay(t Tool, module, dir string) (string, error) {
	replace := map[string]string{}
	if len(t.Embed) > 0 {
		source, err := Folder(module, t.Source)
		if err != nil {
			return "", err
		}
		for embedded, original := range t.Embed {
			replace[filepath.Join(module, embedded)] = filepath.Join(source, original)
		}
	}
	for _, edit := range t.Edits {
		files, err := edit.overlay(module, dir)
		if err != nil {
			return "", fmt.Errorf("editing %s: %w", edit.Dependency, err)
		}
		maps.Copy(replace, files)
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, overlayFile)
	return path, os.WriteFile(path, raw, 0o600)
}

// overlay downloads the dependency, writes its edited files into dir, and returns where each
// file that the module finds in Folder really is.
func (e Edit) overlay(module, dir string) (map[string]string, error) {
	pin := filepath.Join(dir, filepath.Base(e.Folder))
	upstream, err := e.Download(pin)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	err = filepath.WalkDir(upstream, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(upstream, path)
		if err == nil && relative != "go.mod" && e.keeps(relative) {
			files[filepath.Join(module, e.Folder, relative)] = path
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for file, changes := range e.Files {
		edited, err := changes.apply(filepath.Join(upstream, file), filepath.Join(pin, file))
		if err != nil {
			return nil, err
		}
		files[filepath.Join(module, e.Folder, file)] = edited
	}
	return files, nil
}

// keeps reports whether a file of the dependency takes part in the build.
func (e Edit) keeps(file string) bool {
	only, limited := e.Only[filepath.Dir(file)]
	return !limited || only.MatchString(filepath.Base(file))
}

// Download returns the dependency's folder in the module cache. The module in the folder pin, which
// it writes, has the checksum that Go holds the dependency to.
func (e Edit) Download(pin string) (string, error) {
	if err := os.MkdirAll(pin, 0o700); err != nil {
		return "", err
	}
	err := errors.Join(
		os.WriteFile(filepath.Join(pin, "go.mod"), []byte("module pin\n"), 0o600),
		os.WriteFile(filepath.Join(pin, "go.sum"), fmt.Appendf(nil, "%s %s %s\n", e.Dependency, e.Version, e.Sum), 0o600),
	)
	if err != nil {
		return "", err
	}
	return Folder(pin, e.Dependency+"@"+e.Version)
}

// apply writes an edited copy of a file, and returns its path.
func (c Changes) apply(original, edited string) (string, error) {
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	for _, change := range c {
		if !change.Old.Match(text) {
			return "", fmt.Errorf("%s has nothing like %s", original, change.Old)
		}
		text = change.Old.ReplaceAll(text, []byte(change.New))
	}
	if err := os.MkdirAll(filepath.Dir(edited), 0o700); err != nil {
		return "", err
	}
	return edited, os.WriteFile(edited, text, 0o600)
}
