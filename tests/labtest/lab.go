// Package labtest deploys stacks on a lab of the tests' own, with the commands that a user
// would type.
package labtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/llm-d-sim/llm-d-sim/internal/stackfile"
)

// Lab is a local cluster to which `make up` deployed the dev stack.
type Lab struct {
	// Name distinguishes it from the user's own labs.
	Name string
	// Clone is a fresh copy of the repository, in which `make up` ran.
	Clone string
	// Ups holds the output of each `make up`.
	Ups []string

	command string            // The lab command.
	program string            // The program, built once.
	env     []string          // The environment of pulumi and kubectl on the cluster.
	images  map[string]string // Images that the lab runs in place of the defaults, by path.

	installCRDs    func() error   // Runs once.
	installPackage func() error   // Runs once.
	destroying     errgroup.Group // The stacks of finished tests.
}

// Start makes a fresh clone of repository, and runs `make up` in it ups times, with these
// variables. It first removes a lab of that name that an earlier run has left.
func Start(repository, name string, ups int, variables ...string) (*Lab, error) {
	repository, err := filepath.Abs(repository)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "llm-d-sim-"+name+"-")
	if err != nil {
		return nil, err
	}
	l := &Lab{
		Name: name, Clone: filepath.Join(dir, "llm-d-sim"), program: filepath.Join(dir, "program"),
		command: os.Getenv(commandVariable),
	}
	l.installCRDs = sync.OnceValue(func() error {
		return run(l.Clone, l.command, "start", "--name", l.Name, "--crds", "all")
	})
	l.installPackage = sync.OnceValue(func() error {
		began := time.Now()
		defer func() { fmt.Printf("make package: %.1f s\n", time.Since(began).Seconds()) }()
		return run(l.Clone, l.command, "package", "--name", l.Name)
	})
	if err := l.start(repository, ups, variables); err != nil {
		return nil, errors.Join(err, l.Stop())
	}
	return l, nil
}

func (l *Lab) start(repository string, ups int, variables []string) error {
	// The files that git tracks, or would track, as they are now.
	script := `mkdir "$1" && git ls-files -co --exclude-standard -z | tar --null -T - -cf - | tar -xf - -C "$1" &&
		cd "$1" && git init -q && git add -A && git -c user.name=e2e -c user.email=e2e@localhost commit -qm clone`
	if err := run(repository, "bash", "-c", script, "bash", l.Clone); err != nil {
		return err
	}
	if err := run(l.Clone, l.command, "stop", "--name", l.Name); err != nil {
		return err
	}
	variables = append([]string{"up", "NAME=" + l.Name}, variables...)
	for range ups {
		began := time.Now()
		out, err := command(l.Clone, nil, "make", variables...).CombinedOutput()
		l.Ups = append(l.Ups, string(out))
		if err != nil {
			return fmt.Errorf("make %s: %w\n%s", strings.Join(variables, " "), err, out)
		}
		fmt.Printf("make %s: %.1f s\n", strings.Join(variables, " "), time.Since(began).Seconds())
	}
	out, err := command(l.Clone, nil, "make", "-s", "env", "NAME="+l.Name).Output()
	if err != nil {
		return fmt.Errorf("make env: %w", err)
	}
	if l.env, err = parseEnv(out); err != nil {
		return err
	}
	if l.images, err = substitutes(l.Variable(configVariable)); err != nil {
		return err
	}
	return run(repository, "go", "build", "-o", l.program, ".")
}

// Build builds the program in a folder, and returns its executable.
func Build(t *testing.T, folder string) string {
	t.Helper()
	executable := filepath.Join(t.TempDir(), filepath.Base(folder))
	require.NoError(t, run(folder, "go", "build", "-o", executable, "."))
	return executable
}

// EmptyProgram returns the executable of a program that registers nothing: it shows what
// the engine itself costs.
func EmptyProgram(t *testing.T) string {
	t.Helper()
	return Build(t, filepath.Join("..", "labtest", "testdata", "empty"))
}

// Settle waits until the stacks of earlier tests are gone, for a test that measures.
func (l *Lab) Settle(t *testing.T) {
	t.Helper()
	require.NoError(t, l.destroying.Wait())
}

// Stop removes the lab and the clone.
func (l *Lab) Stop() error {
	return errors.Join(
		run(l.Clone, l.command, "stop", "--name", l.Name),
		os.RemoveAll(filepath.Dir(l.Clone)))
}

const commandVariable = "LLM_D_SIM_LAB"

// Run runs a package's tests on a lab, and returns its exit code. LLM_D_SIM_LAB is the path
// of the lab command, as set by `make test`; without it, the tests are skipped.
func Run(m *testing.M, start func() (*Lab, error)) int {
	if os.Getenv(commandVariable) == "" {
		fmt.Println("skipped: the tests on a cluster need the lab; run them by `make test`")
		return 0
	}
	// A shell that evaluated `make env` has set it: the configuration of the user's own stack.
	if err := os.Unsetenv(configVariable); err != nil {
		fmt.Println(err)
		return 1
	}
	l, err := start()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	code := m.Run()
	if err := errors.Join(l.destroying.Wait(), l.Stop()); err != nil {
		fmt.Println(err)
		return 1
	}
	return code
}

// Path returns the path of the lab command.
func (l *Lab) Path() string { return l.command }

// Dir returns the folder of the lab's cluster.
func (l *Lab) Dir() string { return filepath.Dir(l.Variable("KUBECONFIG")) }

// InstallCRDs installs all custom resource definitions, unless an earlier test has done so.
func (l *Lab) InstallCRDs(t *testing.T) {
	t.Helper()
	require.NoError(t, l.installCRDs())
}

// Kubectl runs kubectl on the cluster, and returns its standard output.
func (l *Lab) Kubectl(t *testing.T, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := l.Command("kubectl", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "kubectl %s\n%s%s", strings.Join(args, " "), out, &stderr)
	return string(out)
}

// Client returns a client of the cluster's API server without client-side throttling.
func (l *Lab) Client(t *testing.T) kubernetes.Interface {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", l.Variable("KUBECONFIG"))
	require.NoError(t, err)
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	return client
}

// Command returns a command in the clone, with the lab's environment.
func (l *Lab) Command(name string, args ...string) *exec.Cmd {
	return command(l.Clone, l.env, name, args...)
}

// Sample reads a checked-in configuration, its keys without the project's name.
func (l *Lab) Sample(t *testing.T, name string) map[string]any {
	t.Helper()
	full, err := stackfile.Read(l.Clone, name)
	require.NoError(t, err)
	config := map[string]any{}
	for key, value := range full {
		config[strings.TrimPrefix(key, project+":")] = value
	}
	return config
}

// Variable returns a variable of the lab's environment, empty if it is not set.
func (l *Lab) Variable(name string) string {
	for _, pair := range l.env {
		if value, is := strings.CutPrefix(pair, name+"="); is {
			return value
		}
	}
	return ""
}

// configVariable holds the path of the configuration of the stack that `make up` deployed,
// which `pulumi config set` changes.
const configVariable = "PULUMI_OPTION_CONFIG_FILE"

// parseEnv lets a shell evaluate the output of `make env`, as a user does.
func parseEnv(exports []byte) ([]string, error) {
	out, err := exec.Command("bash", "-c", string(exports)+"\nenv -0").Output()
	if err != nil {
		return nil, fmt.Errorf("evaluating make env: %w", err)
	}
	var env []string
	scanner := bufio.NewScanner(bytes.NewReader(out))
	scanner.Split(func(data []byte, _ bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, 0); i >= 0 {
			return i + 1, data[:i], nil
		}
		return 0, nil, nil
	})
	for scanner.Scan() {
		env = append(env, scanner.Text())
	}
	return env, scanner.Err()
}

func command(dir string, env []string, name string, args ...string) *exec.Cmd {
	// Look the program up in the environment's PATH, not in that of this process.
	for _, pair := range env {
		if path, is := strings.CutPrefix(pair, "PATH="); is {
			for _, folder := range filepath.SplitList(path) {
				if _, err := os.Stat(filepath.Join(folder, name)); err == nil && !strings.Contains(name, "/") {
					name = filepath.Join(folder, name)
				}
			}
		}
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, env
	return cmd
}

func run(dir, name string, args ...string) error {
	if out, err := command(dir, nil, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
