package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/llm-d-sim/llm-d-sim/internal/stackfile"
)

// stack is a stack of the program, in a project folder of its own or in the clone.
type stack struct {
	t         *testing.T
	name, dir string
	namespace string
	env       []string
}

// newStack makes a stack in a namespace of its own and destroys it after the test.
func newStack(t *testing.T, name string, config map[string]any) *stack {
	t.Helper()
	s := &stack{t: t, name: name, dir: t.TempDir(), namespace: "ns-" + name}
	s.env = slices.DeleteFunc(slices.Clone(labEnv), func(pair string) bool {
		return strings.HasPrefix(pair, "PULUMI_OPTION_CONFIG_FILE=")
	})
	project := fmt.Sprintf("name: llm-d-sim\nruntime: {name: go, options: {binary: %s}}\n"+
		"config: {\"pulumi:disable-default-providers\": {value: [\"*\"]}}\n", binary)
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "Pulumi.yaml"), []byte(project), 0o600))
	s.must("stack", "init", name)
	s.configure(config)
	t.Cleanup(func() {
		s.must("destroy", "--yes", "--skip-preview")
		s.must("stack", "rm", "--yes", name)
	})
	return s
}

// devStack is the stack that `make up` deployed.
func devStack(t *testing.T) *stack {
	t.Helper()
	return &stack{t: t, name: "dev", dir: clone, namespace: "llm-d-sim", env: labEnv}
}

// configure replaces the stack's configuration, but for its salt.
func (s *stack) configure(config map[string]any) {
	s.t.Helper()
	file := filepath.Join(s.dir, "Pulumi."+s.name+".yaml")
	raw, err := os.ReadFile(file)
	require.NoError(s.t, err)
	var content map[string]any
	require.NoError(s.t, yaml.Unmarshal(raw, &content))
	values := map[string]any{"llm-d-sim:namespace": s.namespace}
	for key, value := range config {
		values["llm-d-sim:"+key] = value
	}
	content["config"] = values
	raw, err = yaml.Marshal(content)
	require.NoError(s.t, err)
	require.NoError(s.t, os.WriteFile(file, raw, 0o600))
}

// pulumi runs the real CLI on the stack.
func (s *stack) pulumi(args ...string) (string, error) {
	out, err := command(s.dir, s.env, "pulumi", append([]string{"--non-interactive"}, args...)...).CombinedOutput()
	return string(out), err
}

func (s *stack) must(args ...string) string {
	s.t.Helper()
	out, err := s.pulumi(args...)
	require.NoError(s.t, err, "pulumi %s\n%s", strings.Join(args, " "), out)
	return out
}

func (s *stack) set(path, value string) {
	s.t.Helper()
	s.must("config", "set", "--path", "--", path, value)
}

// up deploys, and returns the summary of what changed.
func (s *stack) up(flags ...string) string {
	s.t.Helper()
	out := s.must(append([]string{"up", "--yes", "--skip-preview", "--stack", s.name}, flags...)...)
	_, summary, _ := strings.Cut(out, "Resources:")
	return summary
}

func (s *stack) outputs() map[string]any {
	s.t.Helper()
	var outputs map[string]any
	cmd := command(s.dir, s.env, "pulumi", "stack", "output", "--json", "--stack", s.name)
	raw, err := cmd.Output()
	require.NoError(s.t, err)
	require.NoError(s.t, json.Unmarshal(raw, &outputs))
	return outputs
}

func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := command(clone, labEnv, "kubectl", args...).CombinedOutput()
	require.NoError(t, err, "kubectl %s\n%s", strings.Join(args, " "), out)
	return string(out)
}

// get returns one object of the stack's namespace.
func (s *stack) get(kind, name string) *unstructured.Unstructured {
	s.t.Helper()
	object := &unstructured.Unstructured{}
	raw := kubectl(s.t, "get", kind, name, "-n", s.namespace, "-o", "json")
	require.NoError(s.t, json.Unmarshal([]byte(raw), &object.Object))
	return object
}

// at returns the value at a path of keys and list positions.
func at(t *testing.T, object *unstructured.Unstructured, path ...any) any {
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

// kinds are those of all objects that a stack can have, as far as the cluster knows them.
func kinds(t *testing.T) string {
	t.Helper()
	known := kubectl(t, "api-resources", "--verbs=list", "--namespaced", "-o", "name")
	var list []string
	for _, kind := range []string{
		"configmaps", "services", "serviceaccounts", "deployments.apps", "roles.rbac.authorization.k8s.io",
		"rolebindings.rbac.authorization.k8s.io", "destinationrules.networking.istio.io",
		"gateways.gateway.networking.k8s.io", "httproutes.gateway.networking.k8s.io",
		"inferencepools.inference.networking.k8s.io",
	} {
		if strings.Contains(known, kind) {
			list = append(list, kind)
		}
	}
	return strings.Join(list, ",")
}

// objects returns the resourceVersion of each of the stack's objects by kind and name.
func (s *stack) objects() map[string]string {
	s.t.Helper()
	var list struct {
		Items []unstructured.Unstructured `json:"items"`
	}
	raw := kubectl(s.t, "get", kinds(s.t), "-n", s.namespace, "-l", "app.kubernetes.io/part-of=llm-d-sim", "-o", "json")
	require.NoError(s.t, json.Unmarshal([]byte(raw), &list))
	versions := map[string]string{}
	for _, o := range list.Items {
		versions[o.GetKind()+" "+o.GetName()] = o.GetResourceVersion()
	}
	return versions
}

func names(objects map[string]string) []string { return slices.Sorted(maps.Keys(objects)) }

// namespaceExists reports whether the stack's namespace is there.
func (s *stack) namespaceExists() bool {
	s.t.Helper()
	return strings.TrimSpace(kubectl(s.t, "get", "namespace", s.namespace, "--ignore-not-found", "-o", "name")) != ""
}

// sample reads a checked-in configuration, its keys without the project's name.
func sample(t *testing.T, name string) map[string]any {
	t.Helper()
	full, err := stackfile.Read(clone, name)
	require.NoError(t, err)
	config := map[string]any{}
	for key, value := range full {
		config[strings.TrimPrefix(key, "llm-d-sim:")] = value
	}
	return config
}
