package e2e

import (
	"fmt"
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
func newSDK(t *testing.T, language, examples, tool string) *sdk {
	t.Helper()
	generated := t.TempDir()
	schema, err := filepath.Abs(filepath.Join(repository, "provider", "schema.json"))
	require.NoError(t, err)
	began := time.Now()
	// With the flags that the lab has built the language host for YAML with, most is compiled already.
	generate := exec.Command("go", "run", "-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false", "-tags=disable_grpc_modules",
		"./gen-sdk", "--schema", schema, "--language", language, "--out", generated)
	generate.Dir = filepath.Join(repository, "lab", "tools", "package")
	out, err := generate.CombinedOutput()
	require.NoError(t, err, string(out))
	t.Logf("generated the SDK for %s in %s", language, time.Since(began).Round(time.Second))
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("the SDK for %s is generated, but not checked: %v", language, err)
	}
	// Not of the test: its stack is destroyed while later tests already run.
	s := &sdk{t, filepath.Join(filepath.Dir(lab.Clone), "sdk-"+language)}
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
		s.t.Skipf("the SDK is generated, but not checked any further: %s", out)
	}
	require.NoError(s.t, err, out)
}

// npm installs packages, and lets them run their scripts: that of the SDK compiles it.
func (s *sdk) npm(example string, packages ...string) {
	s.t.Helper()
	s.install(example, "npm", append([]string{"install", "--no-audit", "--no-fund", "--loglevel=error"}, packages...)...)
}

// node returns the folder of a Node.js that the SDK of Pulumi supports: that on the PATH, or one
// from npm.
func (s *sdk) node() string {
	s.t.Helper()
	const oldest = 22
	installed, err := exec.LookPath("node")
	require.NoError(s.t, err)
	version, err := exec.Command(installed, "--version").Output()
	require.NoError(s.t, err)
	var major int
	if _, err := fmt.Sscanf(string(version), "v%d", &major); err == nil && major >= oldest {
		return filepath.Dir(installed)
	}
	folder := filepath.Join(s.dir, "node")
	require.NoError(s.t, os.Mkdir(folder, 0o700))
	s.npm("node", fmt.Sprintf("node@%d.23.3", oldest))
	return filepath.Join(folder, "node_modules", ".bin")
}

// add adds a file of testdata to an example.
func (s *sdk) add(name string) {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "sdk", name))
	require.NoError(s.t, err)
	require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, "stack", name), raw, 0o600))
}

func TestExamplesInTypeScript(t *testing.T) {
	t.Parallel()
	s := newSDK(t, "nodejs", "typescript", "npm")
	for _, example := range []string{"stack", "parts"} {
		s.npm(example)
		require.NoDirExists(t, filepath.Join(s.dir, example, "sdks", "llm-d-sim", "node_modules", "@pulumi"),
			"resources of a second copy of Pulumi's SDK would be lost")
		out, err := s.run(example, "npx", "--no-install", "tsc")
		require.NoError(t, err, out)
	}
	s.add("wrong.ts")
	out, err := s.run("stack", "npx", "--no-install", "tsc", "--strict", "--noEmit", "--skipLibCheck",
		"--module", "nodenext", "--types", "node", "wrong.ts")
	require.Error(t, err)
	requireErrors(t, out, `wrong.ts\((\d+),`, map[string]string{
		"5": "not assignable to type 'number'", "6": "'replcas' does not exist", "7": `'"NOPE"' is not assignable to type 'Algorithm`,
		"8": "Property 'namespace' is missing",
	})

	e := s.example("typescript", "index.ts")
	e.stack.Setenv("PULUMI_NODEJS_TRANSPILE_ONLY", "true") // The types are checked above.
	e.stack.Setenv("PATH", s.node()+string(filepath.ListSeparator)+lab.Variable("PATH"))
	e.deploys("replicas: 2", []mistake{
		{"replicas: 0", "property decode.replicas with value '{0}' has a problem: must be 1 or more"},
		{"replicas: Number(undefined)", "property decode.replicas with value '{NaN}' has a problem: is not a number"},
		{`replicas: "two"`, "property decode.replicas with value '{two}' has a problem: must be a whole number"},
	})
}

func TestExamplesInPython(t *testing.T) {
	t.Parallel()
	s := newSDK(t, "python", "python", "python3")
	if out, err := s.run("stack", "python3", "-m", "venv", "venv"); err != nil {
		t.Skipf("the SDK is generated, but not checked: python has no venv: %s", out)
	}
	bin := filepath.Join(s.dir, "stack", "venv", "bin")
	python, mypy := filepath.Join(bin, "python"), filepath.Join(bin, "mypy")
	pip := []string{"-m", "pip", "install", "-q", "--disable-pip-version-check"}
	s.install("stack", python, append(pip, "mypy==1.18.2")...)
	for _, example := range []string{"stack", "parts"} {
		s.install(example, python, append(pip, "-r", "requirements.txt")...)
		out, err := s.run(example, mypy, "--strict", "__main__.py")
		require.NoError(t, err, out)
	}
	s.add("wrong.py")
	out, err := s.run("stack", mypy, "--strict", "wrong.py")
	require.Error(t, err)
	requireErrors(t, out, `wrong.py:(\d+): error`, map[string]string{
		"6": `expected "int | None"`, "7": `Unexpected keyword argument "replcas"`, "8": `expected "Algorithm | None"`,
		"9": `Missing named argument "namespace"`,
	})

	e := s.example("python", "__main__.py")
	if _, err := exec.LookPath("pulumi-language-python"); err != nil {
		// The lab cannot build it: its script pulumi-language-python-exec is in no package.
		t.Logf("skipped: Pulumi's language host for Python, in whose place the Automation API runs the program: %v", err)
		s.add("run.py")
		e.pulumi = func(command string) (string, error) {
			out, err := e.stack.Command(python, "run.py", e.stack.Name, command).CombinedOutput()
			return string(out), err
		}
	}
	e.deploys("replicas=2", []mistake{
		{"replicas=0", "property decode.replicas with value '{0}' has a problem: must be 1 or more"},
		{`replicas="two"`, "property decode.replicas with value '{two}' has a problem: must be a whole number"},
		{"replcas=2", "unexpected keyword argument 'replcas'"},
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
