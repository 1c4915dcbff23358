package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const repository = "../.."

// offline matches what npm and pip say if they cannot reach a registry.
var offline = regexp.MustCompile(`ENOTFOUND|ETIMEDOUT|ECONNREFUSED|ECONNRESET|EAI_AGAIN|Failed to establish a new connection|Read timed out|name resolution`)

// sdk is a folder with the examples of a language and the SDK that they use.
type sdk struct {
	t   *testing.T
	dir string
}

// newSDK generates the SDK into each example. Without the language itself, the test is skipped.
func newSDK(t *testing.T, language, examples, host string) *sdk {
	t.Helper()
	generated := t.TempDir()
	schema, err := filepath.Abs(filepath.Join(repository, "provider", "schema.json"))
	require.NoError(t, err)
	began := time.Now()
	generate := exec.Command("go", "run", "./gen-sdk", "--schema", schema, "--language", language, "--out", generated)
	generate.Dir = filepath.Join(repository, "lab", "tools", "package")
	out, err := generate.CombinedOutput()
	require.NoError(t, err, string(out))
	t.Logf("generated the SDK for %s in %s", language, time.Since(began).Round(time.Second))
	if _, err := exec.LookPath(host); err != nil {
		t.Skipf("the SDK for %s is generated, but not checked: %v", language, err)
	}
	s := &sdk{t, t.TempDir()}
	require.NoError(t, os.CopyFS(s.dir, os.DirFS(filepath.Join(repository, "examples", examples))))
	for _, example := range []string{"stack", "parts"} {
		require.NoError(t, os.CopyFS(filepath.Join(s.dir, example, "sdks", "llm-d-sim"), os.DirFS(generated)))
	}
	return s
}

// run runs a command in an example, and returns its output.
func (s *sdk) run(example, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = filepath.Join(s.dir, example)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// install runs a package manager. If it cannot reach its registry, the test is skipped.
func (s *sdk) install(example, name string, args ...string) {
	s.t.Helper()
	out, err := s.run(example, name, args...)
	if err != nil && offline.MatchString(out) {
		s.t.Skipf("the SDK is generated, but not checked: %s", out)
	}
	require.NoError(s.t, err, out)
}

// wrong adds a program of testdata to an example.
func (s *sdk) wrong(name string) {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "sdk", name))
	require.NoError(s.t, err)
	require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, "stack", name), raw, 0o600))
}

func TestExamplesInTypeScriptCompile(t *testing.T) {
	t.Parallel()
	s := newSDK(t, "nodejs", "typescript", "npm")
	for _, example := range []string{"stack", "parts"} {
		s.install(example, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
		out, err := s.run(example, "npx", "--no-install", "tsc")
		require.NoError(t, err, out)
	}
	s.wrong("wrong.ts")
	out, err := s.run("stack", "npx", "--no-install", "tsc", "--strict", "--noEmit", "--skipLibCheck",
		"--module", "nodenext", "--types", "node", "wrong.ts")
	require.Error(t, err)
	requireErrors(t, out, `wrong.ts\((\d+),`, map[string]string{
		"5": "not assignable to type 'number'", "6": "'replcas' does not exist", "7": `'"NOPE"' is not assignable to type 'Algorithm`,
		"8": "Property 'namespace' is missing",
	})
}

func TestExamplesInPythonTypeCheck(t *testing.T) {
	t.Parallel()
	s := newSDK(t, "python", "python", "python3")
	if out, err := s.run("stack", "python3", "-m", "venv", "../venv"); err != nil {
		t.Skipf("the SDK is generated, but not checked: python has no venv: %s", out)
	}
	pip := []string{"-m", "pip", "install", "-q", "--disable-pip-version-check"}
	s.install("stack", "../venv/bin/python", append(pip, "mypy==1.18.2")...)
	for _, example := range []string{"stack", "parts"} {
		s.install(example, "../venv/bin/python", append(pip, "-r", "requirements.txt")...)
		out, err := s.run(example, "../venv/bin/mypy", "--strict", "__main__.py")
		require.NoError(t, err, out)
	}
	s.wrong("wrong.py")
	out, err := s.run("stack", "../venv/bin/mypy", "--strict", "wrong.py")
	require.Error(t, err)
	requireErrors(t, out, `wrong.py:(\d+): error`, map[string]string{
		"6": `expected "int | None"`, "7": `Unexpected keyword argument "replcas"`, "8": `expected "Algorithm | None"`,
		"9": `Missing named argument "namespace"`,
	})
}

// requireErrors requires one error for each of these lines, with its message, and no other.
func requireErrors(t *testing.T, out, pattern string, messages map[string]string) {
	t.Helper()
	var lines, want []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(out, -1) {
		lines = append(lines, match[1])
	}
	for line, message := range messages {
		want = append(want, line)
		require.Contains(t, out, message)
	}
	require.ElementsMatch(t, want, lines, out)
}
