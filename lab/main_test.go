package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// machine is one whose tools are the scripts in testdata/bin, with a clone and a cache.
type machine struct {
	t                        *testing.T
	repository, cache, stubs string
}

const (
	dev  = "config: {llm-d-sim:name: dev}\n"
	full = "config: {llm-d-sim:name: full}\n"
)

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, repository: t.TempDir(), cache: t.TempDir(), stubs: t.TempDir()}
	bin, err := filepath.Abs("testdata/bin")
	require.NoError(t, err)
	t.Setenv("XDG_CACHE_HOME", m.cache)
	t.Setenv("HOME", m.cache) // Other systems have the cache there.
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	t.Setenv("CALLS", filepath.Join(m.stubs, "calls"))
	t.Setenv("STUBS", m.stubs)
	for path, content := range map[string]string{
		"Pulumi.yaml":               "name: llm-d-sim\n",
		"Pulumi.dev.yaml":           dev,
		"examples/Pulumi.full.yaml": full,
		"go.mod": "module m\n\nrequire (\n\tgithub.com/pulumi/pulumi-kubernetes/sdk/v4 v4.27.0\n" +
			"\tgithub.com/pulumi/pulumi-random/sdk/v4 v4.19.0\n)\n",
		"lab/tools/core/go.mod":      "",
		"lab/tools/languages/go.mod": "", "lab/tools/providers/go.mod": "",
	} {
		m.write(filepath.Join(m.repository, path), content)
	}
	for path, content := range map[string]string{ // What the lab edits in dependencies.
		"pkg/utils/informer/informer.go": "metav1.InitialEventsListBlueprintAnnotationKey",
		"pkg/kwokctl/etcd/scheme.go":     "networkingv1alpha1\n",
		"go/kubernetes/yaml/v2/kinds.go": "\tcorev1 \"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1\"\n" +
			"\tcase \"v1/Pod\":\n\t\tvar res corev1.Pod\n\t\terr\n\t\treturn &res, nil\n\tdefault:\n\t\tvar res CustomResource",
	} {
		m.write(filepath.Join(m.stubs, "module", path), content)
	}
	m.git("init", "-q")
	m.git("add", "Pulumi.dev.yaml")
	t.Cleanup(func() { // What a test has left running.
		pids, _ := filepath.Glob(filepath.Join(m.cache, "llm-d-sim/lab/*/kwok/clusters/*/pids/*.pid"))
		for _, pid := range pids {
			_ = exec.Command("kill", strings.TrimSpace(m.read(pid))).Run()
		}
	})
	return m
}

func (m *machine) write(path, content string) {
	m.t.Helper()
	require.NoError(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(m.t, os.WriteFile(path, []byte(content), 0o600))
}

func (m *machine) read(path string) string {
	m.t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(m.t, err)
	return string(raw)
}

func (m *machine) git(args ...string) {
	m.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = m.repository
	out, err := cmd.CombinedOutput()
	require.NoError(m.t, err, string(out))
}

// config is a stack's configuration in the clone.
func (m *machine) config(stack string) string {
	m.t.Helper()
	return m.read(filepath.Join(m.repository, "Pulumi."+stack+".yaml"))
}

// let makes the tools behave in a way of testdata/bin/tool.
func (m *machine) let(behaviour string) { m.write(filepath.Join(m.stubs, behaviour), "") }

func (m *machine) lab(name string) string { return filepath.Join(m.cache, "llm-d-sim", "lab", name) }

// run runs a lab command, and returns the calls of tools that begin with a word.
func (m *machine) run(of string, args ...string) ([]string, error) {
	m.t.Helper()
	calls := filepath.Join(m.stubs, "calls")
	m.write(calls, "")
	err := run(m.t.Context(), append(args, "--repository", m.repository))
	all := strings.Split(strings.TrimSpace(m.read(calls)), "\n")
	return slices.DeleteFunc(all, func(call string) bool { return !strings.HasPrefix(call, of+" ") }), err
}

func (m *machine) must(of string, args ...string) []string {
	m.t.Helper()
	calls, err := m.run(of, args...)
	require.NoError(m.t, err)
	return calls
}

//nolint:paralleltest // The environment is the process's.
func TestBadArgumentsAreRefusedBeforeAnythingRuns(t *testing.T) {
	m := newMachine(t)
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"a command's typo", []string{"upp"}, `unknown command "upp" for "lab"`},
		{"CRDs", []string{"start", "--crds", "istoi"}, `unknown CRDs "istoi": known are all, none, gateway, inference, istio`},
		{"CRDs of up", []string{"up", "--crds", "istoi"}, `unknown CRDs "istoi"`},
		{"stack", []string{"up", "--stack", "ful"}, "neither Pulumi.ful.yaml nor examples/Pulumi.ful.yaml"},
		{"stack that is a path", []string{"env", "--stack", "../dev"}, `invalid stack name "../dev"`},
		{"node", []string{"up", "--node", "kwik"}, `unknown node "kwik": known are auto, real, kwok`},
		{"node of tools", []string{"tools", "--node", "kwik"}, `unknown node "kwik"`},
		{"cluster of up", []string{"up", "--cluster", "mine"}, `unknown cluster "mine": known are lab, current`},
		{"cluster of preview", []string{"preview", "--cluster", "mine"}, `unknown cluster "mine"`},
		{"cluster of status", []string{"status", "--cluster", "mine"}, `unknown cluster "mine"`},
		{"cluster of smoke", []string{"smoke", "--cluster", "mine"}, `unknown cluster "mine"`},
		{"cluster of down", []string{"down", "--cluster", "mine"}, `unknown cluster "mine"`},
		{"a further argument", []string{"down", "lab"}, `unknown command "lab" for "lab down"`},
		{"a flag of another command", []string{"down", "--crds", "all"}, "unknown flag: --crds"},
		{"an empty name", []string{"up", "--name=", "--node", "kwok"}, `invalid lab name ""`},
		{"a name that swallowed a flag", []string{"up", "--name", "--node", "kwok"}, `unknown command "kwok" for "lab up"`},
		{"a name with capitals", []string{"stop", "--name", "Dev"}, `invalid lab name "Dev"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := *m
			m.t = t
			_, err := m.run("", test.args...)
			require.ErrorContains(t, err, test.want)
			require.NoDirExists(t, m.lab(""))
		})
	}
}

//nolint:paralleltest // The environment is the process's.
func TestANameThatIsAPathRemovesNothing(t *testing.T) {
	m := newMachine(t)
	others := []string{filepath.Join(m.lab("other"), "state"), filepath.Join(m.cache, "llm-d-sim/tools/x"), filepath.Join(m.cache, "elsewhere")}
	for _, file := range others {
		m.write(file, "")
	}
	for _, command := range []string{"down", "stop"} {
		for _, name := range []string{"..", ".", "../..", "a/../.."} {
			_, err := m.run("", command, "--name", name)
			require.ErrorContains(t, err, "invalid lab name")
			for _, file := range others {
				require.FileExists(t, file, "%s --name %s", command, name)
			}
		}
	}
}

func TestHelpIsNoError(t *testing.T) {
	t.Parallel()
	require.NoError(t, run(t.Context(), []string{"--help"}))
	require.NoError(t, run(t.Context(), []string{"up", "--help"}))
}

//nolint:paralleltest // The environment is the process's.
func TestALabGoesUpTwiceAndDown(t *testing.T) {
	m := newMachine(t)
	require.Equal(t, []string{
		"pulumi stack init dev --no-select", "pulumi stack select --stack dev", "pulumi up --yes --skip-preview --stack dev",
	}, m.must("pulumi", "up", "--node", "kwok", "--crds", "none"))
	require.Equal(t, []string{"pulumi up --yes --skip-preview --stack dev"}, m.must("pulumi", "up", "--crds", "none"))
	require.Equal(t, []string{"pulumi preview --diff --stack dev"}, m.must("pulumi", "preview"))
	require.Contains(t, m.must("pulumi", "status"), "pulumi preview --refresh --diff --stack dev")
	_, err := m.run("", "smoke")
	require.ErrorContains(t, err, "KWOK fakes the pods of this lab")
	require.Equal(t, dev, m.config("dev"))
	require.Equal(t, []string{"pulumi destroy --yes --skip-preview --stack dev"}, m.must("pulumi", "down"))
	require.NoDirExists(t, m.lab("dev"))
}

//nolint:paralleltest // The environment is the process's.
func TestALabOfTheOtherNodeIsRefused(t *testing.T) {
	m := newMachine(t)
	m.must("", "up", "--node", "kwok", "--crds", "none", "--name", "a")
	_, err := m.run("", "up", "--node", "real", "--name", "a")
	require.EqualError(t, err, "lab a has NODE=kwok already: run make down NAME=a first")
}

//nolint:paralleltest // The environment is the process's.
func TestASlowAPIServerIsNoDeadLab(t *testing.T) {
	m := newMachine(t)
	m.must("", "up", "--node", "kwok", "--crds", "none")
	m.let("slow")
	require.Empty(t, m.must("kwokctl", "up", "--node", "kwok", "--crds", "none"), "it is neither deleted nor created")
}

//nolint:paralleltest // The environment is the process's.
func TestADeadAPIServerIsReportedAndNothingRemoved(t *testing.T) {
	if testing.Short() {
		t.Skip("waits half a minute for the API server")
	}
	m := newMachine(t)
	m.must("", "up", "--node", "kwok", "--crds", "none")
	m.let("dead")
	calls, err := m.run("kwokctl", "up", "--node", "kwok", "--crds", "none")
	require.ErrorContains(t, err, "lab dev runs but is not healthy")
	require.ErrorContains(t, err, "make down")
	require.Empty(t, calls)
	require.Equal(t, []string{"kwokctl delete cluster --name dev"}, m.must("kwokctl", "down"), "to remove it is what down is for")
}

//nolint:paralleltest // The environment is the process's.
func TestTheLogsOfAFailedStartAreKept(t *testing.T) {
	m := newMachine(t)
	m.let("create-fails")
	_, err := m.run("", "start", "--node", "kwok", "--crds", "none")
	require.ErrorContains(t, err, "make logs")
	require.NoDirExists(t, m.lab("dev"))
	kept := filepath.Join(m.cache, "llm-d-sim", "logs", "dev", "etcd.log")
	require.Equal(t, "etcd is here\n", m.read(kept))
	m.must("", "down")
	require.NoFileExists(t, kept)
}

//nolint:paralleltest // The environment is the process's.
func TestEveryCommandGoesToTheClusterThatIsAskedFor(t *testing.T) {
	m := newMachine(t)
	m.must("", "up", "--node", "kwok", "--crds", "none")
	current := func(args ...string) []string {
		return m.must("pulumi", append(args, "--cluster", "current")...)
	}
	selected := "pulumi stack select --create --stack dev"
	require.Equal(t, []string{selected, "pulumi up --stack dev"}, current("up"))
	require.Equal(t, []string{selected, "pulumi up --yes --stack dev"}, current("up", "--yes"))
	require.Equal(t, []string{selected, "pulumi preview --diff --stack dev"}, current("preview"))
	outputs := "pulumi stack output --json --show-secrets --stack dev"
	require.Equal(t, []string{outputs, "pulumi preview --refresh --diff --stack dev"}, current("status"))
	require.Equal(t, []string{outputs}, current("smoke"))
	require.Equal(t, []string{"pulumi destroy --stack dev"}, current("down"))
	require.DirExists(t, m.lab("dev"), "the lab is another cluster")
}

//nolint:paralleltest // The environment is the process's.
func TestTheUsersClusterHasOneConfigurationPerStack(t *testing.T) {
	m := newMachine(t)
	m.must("", "up", "--cluster", "current", "--stack", "full")
	require.Equal(t, full+"encryptionsalt: v1:x\n", m.config("full"), "what pulumi reads by hand, whole")
	require.Equal(t, full, m.read(filepath.Join(m.repository, "examples", "Pulumi.full.yaml")))

	m.write(filepath.Join(m.repository, "Pulumi.full.yaml"), "config: {llm-d-sim:name: mine}\n")
	m.must("", "up", "--cluster", "current", "--stack", "full")
	require.Contains(t, m.config("full"), "mine", "a change by hand stays")
}

//nolint:paralleltest // The environment is the process's.
func TestACheckedInConfigurationStaysAsItIs(t *testing.T) {
	m := newMachine(t)
	m.must("", "up", "--cluster", "current")
	require.Equal(t, dev, m.config("dev"))
	m.let("up-fails")
	_, err := m.run("", "up", "--cluster", "current")
	require.ErrorContains(t, err, "pulumi up failed")
	require.Equal(t, dev, m.config("dev"))
}

//nolint:paralleltest // The environment is the process's.
func TestLabsAreListed(t *testing.T) {
	m := newMachine(t)
	for _, name := range []string{"b", "a"} {
		m.write(filepath.Join(m.lab(name), "state"), "")
	}
	m.write(m.lab(".a.lock"), "")
	root := newRoot()
	var out strings.Builder
	root.SetOut(&out)
	root.SetArgs([]string{"list"})
	require.NoError(t, root.Execute())
	require.Equal(t, "a\nb\n", out.String())
}
