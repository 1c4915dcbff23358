package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// TestProgramInYAMLTakesAStackOverAndBack switches a stack from the program of this repository
// to the example in YAML, which scales it, and back.
func TestProgramInYAMLTakesAStackOverAndBack(t *testing.T) {
	t.Parallel()
	lab.InstallPackage(t)
	s := lab.NewStack(t, "yaml", lab.Sample(t, "dev"))
	s.Up()
	objects, outputs := s.Objects(), s.Outputs()

	program := s.Example("stack", "  sim:\n", "  sim:\n    name: llm-d-sim\n")
	s.Project(program)
	require.Regexp(t, `Resources:\n +26 unchanged`, s.Must("preview", "--expect-no-changes"))
	requireUnchanged(t, s.Up())
	require.Equal(t, objects, s.Objects())
	require.Equal(t, outputs, s.Outputs())
	began := time.Now()
	requireUnchanged(t, s.Up())
	took := time.Since(began)

	for _, mistake := range []struct{ replicas, message string }{
		{"replicas: 0", "property decode.replicas with value '{0}' has a problem: must be 1 or more"},
		{"replicas: two", "replicas: Cannot assign type 'string' to type 'integer'"},
		{"replcas: 2", "Property replcas does not exist"},
	} {
		s.Project(strings.Replace(program, "replicas: 2", mistake.replicas, 1))
		out, _ := s.UpFails()
		require.Contains(t, out, mistake.message)
		require.Equal(t, objects, s.Objects())
	}

	s.Project(strings.Replace(program, "replicas: 2", "replicas: 4", 1))
	require.Contains(t, s.Up(), "2 updated")
	require.EqualValues(t, 4, s.Outputs()["readyReplicas"])

	s.Restore()
	s.Set("decode.replicas", "4")
	objects = s.Objects()
	began = time.Now()
	requireUnchanged(t, s.Up())
	t.Logf("an up that changes nothing takes %s from YAML, and %s from Go", took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	require.Equal(t, objects, s.Objects())
}

func requireUnchanged(t *testing.T, summary string) {
	t.Helper()
	require.Contains(t, summary, "unchanged")
	require.NotRegexp(t, "created|updated|deleted|replaced", summary)
}

func TestPartsBesideOtherResourcesOfAProgram(t *testing.T) {
	t.Parallel()
	lab.InstallPackage(t)
	s := lab.NewStack(t, "parts-yaml", nil)
	s.Must("config", "rm", "namespace") // YAML would read it in place of the resource.
	s.Project(s.Example("parts"))
	require.Contains(t, s.Up(), "16 created")
	require.ElementsMatch(t, append([]string{
		"Deployment ms-sim-llm-d-modelservice-decode", "Service ms-sim-llm-d-modelservice-decode",
	}, append(labtest.EPP, labtest.StandardGateway...)...), labtest.Names(s.Objects()))
	require.EqualValues(t, 3, labtest.At(t, s.Get("deployment", "ms-sim-llm-d-modelservice-decode"), "status", "readyReplicas"))
	require.Equal(t, "infra-sim-inference-gateway."+s.Namespace+".svc.cluster.local:8080", s.Outputs()["endpoint"])
	s.Must("preview", "--expect-no-changes")
}

// TestOtherResourcesProvideValues has a namespace, an image and a kubeconfig that a program gives
// a Stack from elsewhere.
func TestOtherResourcesProvideValues(t *testing.T) {
	t.Parallel()
	lab.InstallPackage(t)
	s := lab.NewStack(t, "provided", nil)
	s.Must("config", "rm", "namespace") // YAML would read it in place of the resource.
	const image = "registry.example.com/mine@sha256:0123456789012345678901234567890123456789012345678901234567890123"
	program := strings.NewReplacer("NAMESPACE", s.Namespace, "KUBECONFIG", lab.Variable("KUBECONFIG"), "IMAGE", image).Replace(`
name: llm-d-sim
runtime: yaml
variables:
  kubeconfig: {fn::secret: {fn::readFile: KUBECONFIG}}
resources:
  namespace:
    type: kubernetes:core/v1:Namespace
    properties: {metadata: {name: NAMESPACE}}
  build:
    type: kubernetes:core/v1:ConfigMap
    properties: {metadata: {name: build, namespace: "${namespace.metadata.name}"}, data: {image: "IMAGE"}}
  sim:
    type: llm-d-sim:Stack
    properties:
      createNamespace: false
      namespace: ${namespace.metadata.name}
      kubeconfig: ${kubeconfig}
      images: {epp: "${build.data.image}"}
      epp: {enabled: true}
      decode: {enabled: true}
      inferenceGateway: {enabled: true, standard: {enabled: true}, auth: {enabled: true}}
outputs: {key: "${sim.apiKey}", status: "${sim.status}"}
`)
	s.Project(strings.Replace(program, "createNamespace: false", "createNamespace: true", 1))
	out, err := s.Pulumi("preview")
	require.Error(t, err)
	require.Contains(t, out, "property namespace with value '{"+s.Namespace+"}' has a problem: comes from another resource")

	s.Project(program)
	s.Must("preview") // The namespace does not exist yet.
	s.Up()
	require.Equal(t, image, s.Outputs()["status"].(map[string]any)["epp"].(map[string]any)["image"])
	require.Equal(t, "[secret]", s.Outputs()["key"])
	state := s.Must("stack", "export")
	require.Contains(t, state, "sim-kubernetes")
	require.NotContains(t, state, "client-key-data", "the kubeconfig stays secret")
	s.Must("preview", "--expect-no-changes")
}
