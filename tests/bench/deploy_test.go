package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// deployer deploys the dev stack in one way. Each method waits until everything is ready,
// or gone.
type deployer interface {
	deploy()
	noop()
	scale()
	image()
	destroy()
}

// otherImage makes no difference to KWOK's nodes.
const otherImage = llmd.SimulatorImage + "-other"

const rounds = 3

// TestDeploy compares ways to deploy the same objects, alternating between them.
func TestDeploy(t *testing.T) {
	objects := render(t)
	ways := []struct {
		name string
		deployer
	}{
		{"pulumi up", newPulumi(t, "bench-up", "--skip-preview")},
		{"pulumi up, with preview", newPulumi(t, "bench-preview")},
		{"kubectl apply + rollout status", newKubectl(t, objects)},
		{"helm install --wait", newHelm(t, objects)},
	}
	// The same stack as a clone has it: Pulumi's language host builds the program each time.
	clone := lab.Dev(t)
	clone.Up()
	// Lower bounds for any program: the engine, and the cost of using both providers.
	floors := map[string]*labtest.Stack{"clone": clone}
	for name, program := range map[string]string{
		"empty": labtest.EmptyProgram(t), "floor": labtest.Build(t, filepath.Join("testdata", "floor")),
	} {
		floors[name] = lab.NewStack(t, name, nil)
		floors[name].Program(program)
		floors[name].Up()
	}

	operations := []struct {
		name string
		run  func(deployer)
	}{
		{"deploy", deployer.deploy},
		{"noop", deployer.noop},
		{"scale", deployer.scale},
		{"image", deployer.image},
		{"destroy", deployer.destroy},
	}
	times := map[string][]time.Duration{}
	for range rounds {
		for _, operation := range operations {
			for _, way := range ways {
				key := operation.name + way.name
				times[key] = append(times[key], took(func() { operation.run(way.deployer) }))
			}
			for name, floor := range floors {
				times[name] = append(times[name], took(func() { floor.Up() }))
			}
		}
	}
	header := "DEV STACK, SECONDS"
	rows := make([]string, 0, len(ways)+1)
	for _, operation := range operations {
		header += "\t" + strings.ToUpper(operation.name)
	}
	for _, way := range ways {
		row := way.name
		for _, operation := range operations {
			row += fmt.Sprintf("\t%.2f", best(times[operation.name+way.name]))
		}
		rows = append(rows, row)
	}
	empty, floor := best(times["empty"]), best(times["floor"])
	printTable(header, append(rows,
		fmt.Sprintf("pulumi up, in a clone\t\t%.2f", best(times["clone"])),
		fmt.Sprintf("pulumi up, an object of each provider\t\t%.2f", floor), fmt.Sprintf("pulumi up, empty program\t\t%.2f", empty)))

	ratio := func(operation string, way int) float64 {
		return best(times[operation+ways[0].name]) / best(times[operation+ways[way].name])
	}
	recordAtMost("deploy.up_vs_kubectl", "time of pulumi up, relative to kubectl apply and rollout status", ratio("deploy", 2), 2)
	recordAtMost("deploy.up_vs_helm", "time of pulumi up, relative to helm install --wait", ratio("deploy", 3), 1)
	noop := best(times["noop"+ways[0].name])
	recordAtMost("noop.clone_seconds", "seconds that an up that changes nothing takes longer in a clone, where Pulumi builds the program",
		best(times["clone"])-noop, 0.1)
	recordAtMost("noop.vs_empty", "time of an up that changes nothing, relative to an empty program", noop/empty, 1.3)
	record("noop.floor_vs_empty", "the same for a program with one object of each provider", floor/empty)
	record("noop.vs_floor", "time of an up that changes nothing, relative to a program with one object of each provider", noop/floor)
	for _, operation := range []string{"noop", "scale", "image", "destroy"} {
		record(operation+".vs_kubectl", "time of pulumi, relative to kubectl", ratio(operation, 2))
		record(operation+".vs_helm", "time of pulumi, relative to helm", ratio(operation, 3))
	}
}

// TestScaleSends counts the requests that scaling sends to the API server.
func TestScaleSends(t *testing.T) {
	lab.Settle(t)
	s := lab.NewStack(t, "scale", lab.Sample(t, "dev"))
	s.Up()
	generation := func() float64 {
		return labtest.At(t, s.Get("deployment", llmd.DecodeName), "metadata", "generation").(float64)
	}
	before, old := requests(t), generation()
	s.Set("decode.replicas", "4")
	s.Up()
	sent := requests(t).since(before)
	printTable("REQUESTS SENT BY SCALING", sent.rows())
	recordAtMost("scale.changes", "changes of the Deployment by scaling", generation()-old, 1)
	// Before each update, the provider sends a patch of the object's managed fields, which
	// usually changes nothing.
	recordAtMost("scale.patches", "patches that scaling sends, including the provider's patches of managed fields", float64(sent.writes("deployments")), 1)
}

// pulumiDeployer is this program.
type pulumiDeployer struct {
	stack *labtest.Stack
	up    []string
}

func newPulumi(t *testing.T, name string, flags ...string) deployer {
	t.Helper()
	return &pulumiDeployer{lab.NewStack(t, name, lab.Sample(t, "dev")), append([]string{"up", "--yes"}, flags...)}
}

func (p *pulumiDeployer) deploy() { p.stack.Must(p.up...) }
func (p *pulumiDeployer) noop()   { p.stack.Must(p.up...) }
func (p *pulumiDeployer) scale()  { p.change("decode.replicas", "4") }
func (p *pulumiDeployer) image()  { p.change("decode.image", otherImage) }
func (p *pulumiDeployer) destroy() {
	p.stack.Must("destroy", "--yes", "--skip-preview")
	p.stack.Must("config", "rm", "--path", "decode.image")
	p.stack.Set("decode.replicas", "2")
}

// change includes the command that sets the value, as a user has to type it too.
func (p *pulumiDeployer) change(path, value string) {
	p.stack.Set(path, value)
	p.stack.Must(p.up...)
}

// manifest holds the objects of the stack, for other tools to deploy.
type manifest []map[string]any

// render takes the objects from the state of a deployed stack.
func render(t *testing.T) manifest {
	t.Helper()
	s := lab.NewStack(t, "render", lab.Sample(t, "dev"))
	s.Up()
	objects := labtest.Rendered(t, []byte(s.Must("stack", "export")))
	require.Len(t, objects, 15)
	return objects
}

// in returns the manifest for another namespace, as text: JSON documents, which are YAML.
func (m manifest) in(namespace string, change func(object map[string]any)) []byte {
	var out bytes.Buffer
	for _, object := range m {
		raw, _ := json.Marshal(object) // It came from JSON.
		raw = bytes.ReplaceAll(raw, []byte("ns-render"), []byte(namespace))
		var own map[string]any
		_ = json.Unmarshal(raw, &own)
		if change != nil {
			change(own)
		}
		if len(own) > 0 {
			raw, _ = json.Marshal(own)
			out.WriteString("---\n" + string(raw) + "\n")
		}
	}
	return out.Bytes()
}

// changes are the edits that a user would make to the manifest.
type changes struct {
	replicas int
	image    string
}

func (c changes) apply(object map[string]any) {
	metadata := object["metadata"].(map[string]any)
	if object["kind"] != "Deployment" || metadata["name"] != llmd.DecodeName {
		return
	}
	spec := object["spec"].(map[string]any)
	if c.replicas > 0 {
		spec["replicas"] = c.replicas
	}
	if c.image != "" {
		pod := spec["template"].(map[string]any)["spec"].(map[string]any)
		pod["containers"].([]any)[0].(map[string]any)["image"] = c.image
	}
}

// kubectlDeployer applies the manifest, and waits for its Deployments.
type kubectlDeployer struct {
	t       *testing.T
	objects manifest
	file    string
	changes changes
}

func newKubectl(t *testing.T, objects manifest) deployer {
	t.Helper()
	return &kubectlDeployer{t: t, objects: objects, file: filepath.Join(t.TempDir(), "objects.yaml")}
}

const kubectlNamespace = "ns-kubectl"

func (k *kubectlDeployer) apply() {
	require.NoError(k.t, os.WriteFile(k.file, k.objects.in(kubectlNamespace, k.changes.apply), 0o600))
	lab.Kubectl(k.t, "apply", "--server-side", "-f", k.file)
	for _, deployment := range []string{llmd.EPPName, llmd.StandardGatewayName, llmd.PrefillName, llmd.DecodeName} {
		lab.Kubectl(k.t, "rollout", "status", "deployment", deployment, "-n", kubectlNamespace)
	}
}

func (k *kubectlDeployer) deploy() { k.changes = changes{}; k.apply() }
func (k *kubectlDeployer) noop()   { k.apply() }
func (k *kubectlDeployer) scale()  { k.changes.replicas = 4; k.apply() }
func (k *kubectlDeployer) image()  { k.changes.image = otherImage; k.apply() }
func (k *kubectlDeployer) destroy() {
	lab.Kubectl(k.t, "delete", "-f", k.file)
}

// helmDeployer installs the manifest as a chart.
type helmDeployer struct {
	t       *testing.T
	objects manifest
	chart   string
	changes changes
}

// helmVariable names the executable that `make bench` built.
const helmVariable = "LLM_D_SIM_HELM"

func newHelm(t *testing.T, objects manifest) deployer {
	t.Helper()
	chart := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(chart, "templates"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(chart, "Chart.yaml"),
		[]byte("apiVersion: v2\nname: dev\nversion: 1.0.0\n"), 0o600))
	return &helmDeployer{t: t, objects: objects, chart: chart}
}

func (h *helmDeployer) helm(args ...string) {
	const namespace = "ns-helm"
	templates := h.objects.in(namespace, func(object map[string]any) {
		if object["kind"] == "Namespace" {
			clear(object) // Helm creates it itself.
			return
		}
		h.changes.apply(object)
	})
	require.NotContains(h.t, string(templates), "{{")
	require.NoError(h.t, os.WriteFile(filepath.Join(h.chart, "templates", "objects.yaml"), templates, 0o600))
	out, err := lab.Command(os.Getenv(helmVariable), append(args, "--namespace", namespace, "--wait")...).CombinedOutput()
	require.NoError(h.t, err, string(out))
}

func (h *helmDeployer) deploy() {
	h.changes = changes{}
	h.helm("install", "dev", h.chart, "--create-namespace")
}
func (h *helmDeployer) upgrade() { h.helm("upgrade", "dev", h.chart) }
func (h *helmDeployer) noop()    { h.upgrade() }
func (h *helmDeployer) scale()   { h.changes.replicas = 4; h.upgrade() }
func (h *helmDeployer) image()   { h.changes.image = otherImage; h.upgrade() }
func (h *helmDeployer) destroy() {
	h.helm("uninstall", "dev")
	lab.Kubectl(h.t, "delete", "namespace", "ns-helm")
}
