package labtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// project is the name of the Pulumi project, which prefixes every key.
const project = "llm-d-sim"

// Stack is a stack of the program, in a project folder of its own or in the clone.
type Stack struct {
	// Name of the stack, and Dir of its project.
	Name, Dir string
	// Namespace of the stack's objects.
	Namespace string
	// Adopts is set for a namespace that the stack does not own.
	Adopts bool

	t         *testing.T
	lab       *Lab
	env       []string
	destroyed bool
}

// NewStack creates a stack in a namespace of its own. It is destroyed while later tests
// already run, since pods take time to stop.
func (l *Lab) NewStack(t *testing.T, name string, config map[string]any) *Stack {
	t.Helper()
	s := &Stack{t: t, lab: l, Name: name, Dir: filepath.Join(filepath.Dir(l.Clone), name), Namespace: "ns-" + name}
	require.NoError(t, os.Mkdir(s.Dir, 0o700), "each stack has its own name")
	s.env = slices.DeleteFunc(slices.Clone(l.env), func(pair string) bool {
		return strings.HasPrefix(pair, configVariable+"=")
	})
	s.Program(l.program)
	s.Must("stack", "init", name)
	s.Configure(config)
	t.Cleanup(func() {
		if !s.destroyed {
			l.destroying.Go(s.destroy)
		}
	})
	return s
}

// Twin returns a stack of the same name and configuration whose state is in a backend of
// its own, as another person's is. The test has to destroy it.
func (s *Stack) Twin() *Stack {
	s.t.Helper()
	twin := &Stack{t: s.t, lab: s.lab, Name: s.Name, Dir: s.t.TempDir(), Namespace: s.Namespace, env: slices.Clone(s.env)}
	twin.Setenv("PULUMI_BACKEND_URL", "file://"+s.t.TempDir())
	twin.Program(s.lab.program)
	twin.Must("stack", "init", twin.Name)
	config := map[string]any{}
	for key, value := range s.read()["config"].(map[string]any) {
		config[strings.TrimPrefix(key, project+":")] = value
	}
	twin.Configure(config)
	return twin
}

// Program replaces the stack's program with another executable.
func (s *Stack) Program(executable string) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(filepath.Join(s.Dir, "Pulumi.yaml"), fmt.Appendf(nil,
		"name: %s\nruntime: {name: go, options: {binary: %s}}\n"+
			"config: {\"pulumi:disable-default-providers\": {value: [\"*\"]}}\n", project, executable), 0o600))
}

// Destroy destroys the stack now.
func (s *Stack) Destroy() {
	s.t.Helper()
	s.destroyed = true
	require.NoError(s.t, s.destroy())
}

// destroy destroys the stack, and checks that its namespace is gone with everything in it.
// A namespace that existed before is for the test to delete.
func (s *Stack) destroy() error {
	for _, args := range [][]string{{"destroy", "--yes", "--skip-preview"}, {"stack", "rm", "--yes", s.Name}} {
		if out, err := s.Pulumi(args...); err != nil {
			return fmt.Errorf("stack %s: pulumi %s: %w\n%s", s.Name, args[0], err, out)
		}
	}
	left, err := s.lab.Command("kubectl", "get", "namespace", s.Namespace, "--ignore-not-found").CombinedOutput()
	if err != nil {
		return fmt.Errorf("looking for namespace %s: %w\n%s", s.Namespace, err, left)
	}
	if len(left) > 0 && !s.Adopts {
		return fmt.Errorf("stack %s is destroyed, but its namespace is left:\n%s", s.Name, left)
	}
	return nil
}

// Dev returns the stack that `make up` deployed.
func (l *Lab) Dev(t *testing.T) *Stack {
	t.Helper()
	return &Stack{t: t, lab: l, Name: "dev", Dir: l.Clone, Namespace: "llm-d-sim", env: l.env}
}

// StateFile returns the path of the stack's state.
func (s *Stack) StateFile() string {
	s.t.Helper()
	backend, err := url.Parse(s.lab.Variable("PULUMI_BACKEND_URL"))
	require.NoError(s.t, err)
	return filepath.Join(backend.Path, ".pulumi", "stacks", project, s.Name+".json")
}

// Configure replaces the stack's configuration, but for its salt. The lab's images run in
// place of the default ones.
func (s *Stack) Configure(config map[string]any) {
	s.t.Helper()
	content := s.read()
	values := map[string]any{project + ":namespace": s.Namespace}
	for key, value := range s.lab.withImages(s.t, config) {
		values[project+":"+key] = value
	}
	content["config"] = values
	raw, err := yaml.Marshal(content)
	require.NoError(s.t, err)
	require.NoError(s.t, os.WriteFile(s.file(), raw, 0o600))
}

// Salt returns the salt of the encryption of the stack's secrets.
func (s *Stack) Salt() string {
	s.t.Helper()
	return s.read()["encryptionsalt"].(string)
}

// file returns the path of the stack's configuration, and read its content.
func (s *Stack) file() string { return filepath.Join(s.Dir, "Pulumi."+s.Name+".yaml") }

func (s *Stack) read() (content map[string]any) {
	s.t.Helper()
	raw, err := os.ReadFile(s.file())
	require.NoError(s.t, err)
	require.NoError(s.t, yaml.Unmarshal(raw, &content))
	return content
}

// Setenv sets a variable of pulumi's environment.
func (s *Stack) Setenv(name, value string) {
	s.env = append(slices.DeleteFunc(slices.Clone(s.env), func(pair string) bool {
		return strings.HasPrefix(pair, name+"=")
	}), name+"="+value)
}

// Pulumi runs the real CLI on the stack.
func (s *Stack) Pulumi(args ...string) (string, error) {
	out, err := s.Command("pulumi", append([]string{"--non-interactive"}, args...)...).CombinedOutput()
	return string(out), err
}

// Command returns a command in the stack's folder, with its environment.
func (s *Stack) Command(name string, args ...string) *exec.Cmd {
	return command(s.Dir, s.env, name, args...)
}

// Killed runs the real CLI, kills it after a time with everything that it started, and
// reports whether it was still running.
func (s *Stack) Killed(after time.Duration, args ...string) bool {
	s.t.Helper()
	cmd := s.Command("pulumi", append([]string{"--non-interactive"}, args...)...)
	require.NoError(s.t, cmd.Start())
	kill := time.AfterFunc(after, func() {
		// Its plugins are in process groups of their own.
		for _, pid := range append(Descendants(cmd.Process.Pid), cmd.Process.Pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	err := cmd.Wait()
	return !kill.Stop() && err != nil
}

// Must runs a pulumi command that must succeed.
func (s *Stack) Must(args ...string) string {
	s.t.Helper()
	out, err := s.Pulumi(args...)
	require.NoError(s.t, err, "pulumi %s\n%s", strings.Join(args, " "), out)
	return out
}

// Set sets a value of the configuration.
func (s *Stack) Set(path, value string) {
	s.t.Helper()
	s.Must("config", "set", "--path", "--", path, value)
}

// SetAll sets values of the configuration by their paths.
func (s *Stack) SetAll(values map[string]string) {
	s.t.Helper()
	for path, value := range values {
		s.Set(path, value)
	}
}

// Up deploys, and returns the summary of the changes.
func (s *Stack) Up(flags ...string) string {
	s.t.Helper()
	out := s.Must(append([]string{"up", "--yes", "--skip-preview", "--stack", s.Name}, flags...)...)
	_, summary, _ := strings.Cut(out, "Resources:")
	return summary
}

// UpUntil starts an up, and returns once its output has a text, or the up has ended. wait waits
// for its end, and returns the whole output.
func (s *Stack) UpUntil(text string) (said bool, wait func() (string, error)) {
	s.t.Helper()
	cmd := s.Command("pulumi", "--non-interactive", "up", "--yes", "--skip-preview")
	pipe, err := cmd.StdoutPipe()
	require.NoError(s.t, err)
	require.NoError(s.t, cmd.Start())
	var out strings.Builder
	lines := bufio.NewScanner(pipe)
	for !said && lines.Scan() {
		fmt.Fprintln(&out, lines.Text())
		said = strings.Contains(lines.Text(), text)
	}
	return said, func() (string, error) {
		for lines.Scan() {
			fmt.Fprintln(&out, lines.Text())
		}
		return out.String(), cmd.Wait()
	}
}

// UpFails runs an up that must fail, and returns its output and duration.
func (s *Stack) UpFails() (out string, took time.Duration) {
	s.t.Helper()
	began := time.Now()
	out, err := s.Pulumi("up", "--yes", "--skip-preview")
	took = time.Since(began)
	require.Error(s.t, err, out)
	return out, took
}

// Outputs returns the stack's outputs.
func (s *Stack) Outputs() map[string]any {
	s.t.Helper()
	var outputs map[string]any
	raw, err := s.Command("pulumi", "stack", "output", "--json", "--stack", s.Name).Output()
	require.NoError(s.t, err)
	require.NoError(s.t, json.Unmarshal(raw, &outputs))
	return outputs
}

// Get returns one object of the stack's namespace.
func (s *Stack) Get(kind, name string) *unstructured.Unstructured {
	s.t.Helper()
	object := &unstructured.Unstructured{}
	raw := s.lab.Kubectl(s.t, "get", kind, name, "-n", s.Namespace, "-o", "json")
	require.NoError(s.t, json.Unmarshal([]byte(raw), &object.Object))
	return object
}

// Rendered returns the Kubernetes objects of an exported state as the program requested
// them, the namespace first.
func Rendered(t *testing.T, state []byte) []map[string]any {
	t.Helper()
	var export struct {
		Deployment struct {
			Resources []struct {
				Type   string         `json:"type"`
				Custom bool           `json:"custom"`
				Inputs map[string]any `json:"inputs"`
			} `json:"resources"`
		} `json:"deployment"`
	}
	require.NoError(t, json.Unmarshal(state, &export))
	var objects []map[string]any
	for _, r := range export.Deployment.Resources {
		switch {
		case !r.Custom || !strings.HasPrefix(r.Type, "kubernetes:"):
		case r.Inputs["kind"] == "Namespace":
			objects = slices.Insert(objects, 0, r.Inputs)
		default:
			objects = append(objects, r.Inputs)
		}
	}
	return objects
}

// At returns the value at a path of keys and list positions.
func At(t *testing.T, object *unstructured.Unstructured, path ...any) any {
	t.Helper()
	var value any = object.Object
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, is := value.(map[string]any)
			require.True(t, is, "%v of %s", path, object.GetName())
			value = m[step]
		case int:
			list, is := value.([]any)
			require.True(t, is && step < len(list), "%v of %s", path, object.GetName())
			value = list[step]
		}
	}
	return value
}

// kinds returns the kinds of all objects that a stack can have and the cluster serves.
func (s *Stack) kinds() string {
	s.t.Helper()
	known := s.lab.Kubectl(s.t, "api-resources", "--verbs=list", "--namespaced", "-o", "name")
	var list []string
	for _, kind := range []string{
		"configmaps", "secrets", "services", "serviceaccounts", "networkpolicies.networking.k8s.io", "deployments.apps", "roles.rbac.authorization.k8s.io",
		"rolebindings.rbac.authorization.k8s.io", "destinationrules.networking.istio.io",
		"envoyfilters.networking.istio.io",
		"gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io",
		"inferencepools.inference.networking.k8s.io",
		"scaledobjects.keda.sh", "servicemonitors.monitoring.coreos.com", "podmonitors.monitoring.coreos.com", "prometheusrules.monitoring.coreos.com",
	} {
		if strings.Contains(known, kind) {
			list = append(list, kind)
		}
	}
	return strings.Join(list, ",")
}

// Objects returns the resourceVersion of each of the stack's objects by kind and name.
func (s *Stack) Objects() map[string]string {
	s.t.Helper()
	var list struct {
		Items []unstructured.Unstructured `json:"items"`
	}
	raw := s.lab.Kubectl(s.t, "get", s.kinds(), "-n", s.Namespace, "-l", "app.kubernetes.io/part-of=llm-d-sim", "-o", "json")
	require.NoError(s.t, json.Unmarshal([]byte(raw), &list))
	versions := map[string]string{}
	for _, o := range list.Items {
		if len(o.GetOwnerReferences()) > 0 {
			continue // A controller's, which copies our labels to its objects.
		}
		versions[o.GetKind()+" "+o.GetName()] = o.GetResourceVersion()
	}
	return versions
}

// Names lists the objects that Objects returned.
func Names(objects map[string]string) []string { return slices.Sorted(maps.Keys(objects)) }

// NamespaceExists reports whether the stack's namespace exists.
func (s *Stack) NamespaceExists() bool {
	s.t.Helper()
	return strings.TrimSpace(s.lab.Kubectl(s.t, "get", "namespace", s.Namespace, "--ignore-not-found", "-o", "name")) != ""
}

// DecodeName returns the name of the Deployment whose pods answer: the decode stage, or in
// single mode the Deployment that takes the place of all stages.
func (s *Stack) DecodeName() string {
	s.t.Helper()
	for name := range s.Objects() {
		if deployment, is := strings.CutPrefix(name, "Deployment "); is && strings.HasSuffix(deployment, "-decode") {
			return deployment
		}
	}
	require.Fail(s.t, "the stack has no decode pods")
	return ""
}

// The objects of a stack's parts, for RequireObjects.
var (
	EPP = []string{
		"ConfigMap gaie-sim-epp", "Deployment gaie-sim-epp", "Role gaie-sim-epp", "RoleBinding gaie-sim-epp",
		"Service gaie-sim-epp", "ServiceAccount gaie-sim-epp",
	}
	Stages = []string{
		"Deployment ms-sim-llm-d-modelservice-decode", "Service ms-sim-llm-d-modelservice-decode",
		"Deployment ms-sim-llm-d-modelservice-prefill", "Service ms-sim-llm-d-modelservice-prefill",
	}
	StandardGateway = []string{
		"ConfigMap infra-sim-inference-gateway", "Deployment infra-sim-inference-gateway", "Service infra-sim-inference-gateway",
	}
	IstioGateway = []string{
		"Deployment infra-sim-inference-gateway-istio", "Service infra-sim-inference-gateway-istio",
		"ServiceAccount infra-sim-inference-gateway-istio",
		"Gateway infra-sim-inference-gateway-istio", "HTTPRoute infra-sim-inference-gateway-istio",
		"EnvoyFilter infra-sim-inference-gateway-istio",
	}
)

// Single objects, for RequireObjects.
const (
	Proxy           = "Service gaie-inference-scheduling-proxy"
	DestinationRule = "DestinationRule gaie-inference-scheduling-proxy-lb"
)

// RequireObjects requires that the stack has exactly these objects, that its outputs report
// everything as ready, and that another `up` changes nothing.
func (s *Stack) RequireObjects(parts ...[]string) {
	s.t.Helper()
	require.ElementsMatch(s.t, slices.Concat(parts...), Names(s.Objects()))
	outputs := s.Outputs()
	require.Equal(s.t, outputs["replicas"], outputs["readyReplicas"])
	for _, c := range outputs["conditions"].([]any) {
		require.Equal(s.t, "True", c.(map[string]any)["status"], "%v", c)
	}
	summary := s.Up()
	require.Contains(s.t, summary, "unchanged")
	require.NotRegexp(s.t, "created|updated|deleted|replaced", summary)
}
