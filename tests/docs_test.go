package tests

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	linkPattern   = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codePattern   = regexp.MustCompile("(?s)```.*?\n```|`[^`\n]+`")
	testPattern   = regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+)`")
	makePattern   = regexp.MustCompile(`\bmake (?:-s )?([a-z][a-z0-9-]*)`)
	targetPattern = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
	headPattern   = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInSlug     = regexp.MustCompile(`[^\w\- ]`)
	fencePattern  = regexp.MustCompile("(?ms)^```.*?^```$")
)

// pages returns the documentation, by path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../.github/*.md"} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, path := range paths {
			raw, err := os.ReadFile(path)
			require.NoError(t, err)
			found[path] = string(raw)
		}
	}
	require.Contains(t, found, "../README.md")
	return found
}

func TestDocumentationLinksResolve(t *testing.T) {
	t.Parallel()
	texts := pages(t)
	for page, text := range texts {
		for _, match := range linkPattern.FindAllStringSubmatch(fencePattern.ReplaceAllString(text, ""), -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			path := page
			if target != "" {
				path = filepath.Join(filepath.Dir(page), target)
			}
			_, err := os.Stat(path)
			require.NoError(t, err, "%s links to %s", page, match[1])
			if anchor != "" {
				require.Contains(t, anchors(texts[path]), anchor, "%s links to %s", page, match[1])
			}
		}
	}
}

// anchors returns the names that GitHub gives to headings.
func anchors(text string) []string {
	var names []string
	for _, heading := range headPattern.FindAllStringSubmatch(fencePattern.ReplaceAllString(text, ""), -1) {
		slug := notInSlug.ReplaceAllString(strings.ToLower(heading[1]), "")
		names = append(names, strings.ReplaceAll(slug, " ", "-"))
	}
	return names
}

func TestDocumentationNamesExistingTests(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	require.NoError(t, filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(path)
		code.Write(raw)
		return err
	}))
	for page, text := range pages(t) {
		if strings.HasSuffix(page, "CONTRIBUTING.md") {
			continue // Its names are examples.
		}
		for _, match := range testPattern.FindAllStringSubmatch(text, -1) {
			require.Contains(t, code.String(), "func "+match[1]+"(", "%s names %s", page, match[1])
		}
	}
}

func TestDocumentationNamesExistingMakeTargets(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	var targets []string
	for _, match := range targetPattern.FindAllStringSubmatch(string(raw), -1) {
		targets = append(targets, match[1])
	}
	for page, text := range pages(t) {
		for _, code := range codePattern.FindAllString(text, -1) {
			for _, match := range makePattern.FindAllStringSubmatch(code, -1) {
				require.Contains(t, targets, match[1], "%s: %s", page, code)
			}
		}
	}
}
