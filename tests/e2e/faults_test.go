package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// faults are the lines of the table that TestMain prints.
var faults []string

// told adds what a test has done and shown: that nothing was lost.
func told(what, happened string) {
	faults = append(faults, fmt.Sprintf("%s\t%s\tnothing", what, happened))
}

// printFaults prints the table.
func printFaults() {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHAT WENT WRONG\tWHAT HAPPENED\tLOST")
	for _, line := range faults {
		fmt.Fprintln(table, line)
	}
	_ = table.Flush()
}

// ofEachKind is a stack with each kind of part, but for those that need Istio.
func ofEachKind() map[string]any {
	return map[string]any{
		"epp":              map[string]any{"enabled": true},
		"inferenceGateway": map[string]any{"enabled": true, "standard": map[string]any{"enabled": true}},
		"networkPolicy":    map[string]any{"enabled": true},
		"loadBalancing":    map[string]any{"enabled": true},
		"createNamespace":  false, // Its end takes Kubernetes 5 s.
	}
}

// inNamespace makes a stack in a namespace that the test made.
func inNamespace(t *testing.T, name string) *labtest.Stack {
	t.Helper()
	lab.InstallCRDs(t)
	s := lab.NewStack(t, name, ofEachKind())
	s.Adopts = true
	lab.Kubectl(t, "create", "namespace", s.Namespace)
	return s
}

// TestAKilledUpLosesNothing kills pulumi, its language host, the program and the providers
// at once, so that none can clean up.
func TestAKilledUpLosesNothing(t *testing.T) {
	s := inNamespace(t, "killed")
	began := time.Now()
	s.Up()
	whole := time.Since(began)
	want := labtest.Names(s.Objects())
	converges := func(what string) {
		t.Helper()
		s.Must("cancel", "--yes") // The lock is still there, and says so.
		s.Up()
		require.Equal(t, want, labtest.Names(s.Objects()), what)
		require.GreaterOrEqual(t, s.Outputs()["readyReplicas"], 2.0, what) // More while old pods go.
	}
	const moments = 10
	atWork := 0
	for i := range moments {
		s.Must("destroy", "--yes", "--skip-preview")
		require.Empty(t, s.Objects(), "nothing that the state has lost is left")
		if s.Killed(whole*time.Duration(i+1)/(moments+1), "up", "--yes", "--skip-preview") {
			atWork++
		}
		converges(fmt.Sprintf("first deployment, killed at %d/%d", i+1, moments+1))
	}
	told(fmt.Sprintf("first deployment killed at %d moments of %.1f s", moments, whole.Seconds()),
		fmt.Sprintf("%d times at work; the next converged", atWork))
	require.Greater(t, atWork, moments/2)

	s.Set("epp.verbosity", "2")
	s.Set("logVerbosity", "2")
	began = time.Now()
	s.Up()
	whole, atWork = time.Since(began), 0
	for i := range moments {
		level := fmt.Sprint(3 + i%2)
		s.Set("epp.verbosity", level)
		s.Set("logVerbosity", level)
		if s.Killed(whole*time.Duration(i+1)/(moments+1), "up", "--yes", "--skip-preview") {
			atWork++
		}
		converges(fmt.Sprintf("update, killed at %d/%d", i+1, moments+1))
		for _, deployment := range []string{llmd.EPPName, "ms-sim-llm-sim-decode"} {
			require.Contains(t, fmt.Sprint(labtest.At(t, s.Get("deployment", deployment), "spec", "template", "spec", "containers", 0, "args")), "--v="+level)
		}
	}
	told(fmt.Sprintf("update killed at %d moments of %.1f s", moments, whole.Seconds()),
		fmt.Sprintf("%d times at work; the next converged", atWork))
	require.Greater(t, atWork, moments/2)
	require.NotContains(t, s.Up(), "updated")
}

// outcome is how an up ended.
type outcome struct {
	out string
	err error
}

// up deploys in the background.
func up(s *labtest.Stack) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		out, err := s.Pulumi("up", "--yes", "--skip-preview")
		done <- outcome{out, err}
	}()
	return done
}

func TestOfTwoUpsOneIsRefused(t *testing.T) {
	s := inNamespace(t, "twice")
	first, second := up(s), up(s)
	refused, went := <-first, <-second
	if refused.err == nil {
		refused, went = went, refused
	}
	require.NoError(t, went.err, went.out)
	require.Error(t, refused.err)
	require.Contains(t, refused.out, "the stack is currently locked")
	require.NotContains(t, s.Up(), "created")
	told("two ups at once", "one was refused: the stack is locked")
}

// TestTheClusterFailsDuringAnUp has an update under way when something breaks.
func TestTheClusterFailsDuringAnUp(t *testing.T) {
	s := inNamespace(t, "failing")
	s.Up()
	before := s.Objects()
	relayed := newRelay(t, s)
	require.NotContains(t, s.Up(), "replaced", "the same cluster by another address")
	require.Equal(t, before, s.Objects())
	for i, test := range []struct {
		name string
		fail func()
	}{
		{"API server stopped for 20 s", func() { stopFor(t, "kube-apiserver", 20*time.Second) }},
		{"etcd killed, started after 3 s", func() { restart(t, "etcd", 3*time.Second) }},
		{"connections cut four times", func() {
			for range 4 {
				time.Sleep(100 * time.Millisecond)
				relayed.cut()
			}
		}},
	} {
		replicas := 3 + i
		s.Set("replicas", fmt.Sprint(replicas))
		s.Set("epp.verbosity", fmt.Sprint(replicas))
		began, connections := time.Now(), relayed.connections.Load()
		under := up(s)
		// The first is the program's, which looks at the cluster; then the provider is at work.
		for relayed.connections.Load() < connections+2 {
			time.Sleep(time.Millisecond)
		}
		test.fail()
		first := <-under
		result := "it went on"
		if first.err != nil {
			require.Contains(t, first.out, "error: ", "it says why")
			result = "it failed and said why; the next converged"
		}
		took := time.Since(began)
		s.Up()
		require.EqualValues(t, replicas, s.Outputs()["readyReplicas"])
		require.NotContains(t, s.Up(), "updated")
		told("during an up: "+test.name, fmt.Sprintf("%s, after %.0f s", result, took.Seconds()))
	}
	require.Positive(t, relayed.cuts.Load(), "there were connections to cut")
}

// component finds the process of a part of the control plane, and the file that holds its
// number.
func component(t *testing.T, name string) (pid int, file string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(lab.Dir(), "kwok", "clusters", "*", "pids", name+".pid"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	raw, err := os.ReadFile(files[0])
	require.NoError(t, err)
	pid, err = strconv.Atoi(strings.TrimSpace(string(raw)))
	require.NoError(t, err)
	return pid, files[0]
}

func stopFor(t *testing.T, name string, long time.Duration) {
	t.Helper()
	pid, _ := component(t, name)
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	time.Sleep(long)
	require.NoError(t, syscall.Kill(pid, syscall.SIGCONT))
}

// restart kills a part of the control plane, and runs it anew after a while.
func restart(t *testing.T, name string, after time.Duration) {
	t.Helper()
	pid, file := component(t, name)
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	require.NoError(t, err)
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	time.Sleep(after)
	args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	again := exec.Command(args[0], args[1:]...)
	again.Dir, again.SysProcAttr = dir, &syscall.SysProcAttr{Setsid: true}
	require.NoError(t, again.Start())
	go func() { _ = again.Wait() }() // The lab stops it by its number.
	require.NoError(t, os.WriteFile(file, fmt.Append(nil, again.Process.Pid), 0o600))
}

// relay stands between a stack and the API server.
type relay struct {
	listener net.Listener
	server   string
	// How many connections there have been, and how many were cut.
	connections, cuts atomic.Int64

	mu   sync.Mutex
	open []net.Conn
}

// newRelay puts a relay before the cluster of a stack.
func newRelay(t *testing.T, s *labtest.Stack) *relay {
	t.Helper()
	kubeconfig, err := os.ReadFile(lab.Variable("KUBECONFIG"))
	require.NoError(t, err)
	server := regexp.MustCompile(`https://(127\.0\.0\.1:\d+)`).FindSubmatch(kubeconfig)
	require.NotNil(t, server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	r := &relay{listener: listener, server: string(server[1])}
	go r.run()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	kubeconfig = bytes.ReplaceAll(kubeconfig, server[1], []byte(listener.Addr().String()))
	require.NoError(t, os.WriteFile(file, kubeconfig, 0o600))
	s.Setenv("KUBECONFIG", file)
	t.Cleanup(func() {
		s.Setenv("KUBECONFIG", lab.Variable("KUBECONFIG"))
		s.Up() // The state has its path.
	})
	return r
}

func (r *relay) run() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		r.connections.Add(1)
		r.mu.Lock()
		r.open = append(r.open, client, server)
		r.mu.Unlock()
		for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
			go func() {
				_, _ = io.Copy(pair[0], pair[1])
				_ = pair[0].Close()
			}()
		}
	}
}

// cut ends all connections; new ones pass.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, connection := range r.open {
		if connection.Close() == nil {
			r.cuts.Add(1)
		}
	}
	r.open = nil
}

// TestAPodThatNeverGetsReadyIsTold asks for more memory than a node has: KWOK's pods are
// ready as soon as they have a place. Pulumi names the Deployment then, and of pods that
// have a place the reason too; tests/traffic has these.
func TestAPodThatNeverGetsReadyIsTold(t *testing.T) {
	s := inNamespace(t, "stuck")
	s.Up()
	s.Set("readyTimeout", "5s")
	s.Set("resources.requests.memory", "4Ti")
	began := time.Now()
	out, err := s.Pulumi("up", "--yes", "--skip-preview")
	took := time.Since(began)
	require.Error(t, err)
	require.Contains(t, out, "ms-sim-llm-sim-decode")
	require.Contains(t, out, "timed out waiting to be Ready")
	require.Less(t, took, 15*time.Second)
	require.EqualValues(t, 2, labtest.At(t, s.Get("deployment", "ms-sim-llm-sim-decode"), "status", "readyReplicas"), "the old pods serve on")
	told("a pod that never gets ready", fmt.Sprintf("told after %.1f s, readyTimeout 5s; the old pods served", took.Seconds()))

	s.Set("resources.requests.memory", "64Mi")
	s.Up()
	require.EqualValues(t, 2, s.Outputs()["readyReplicas"])
}

// drift is a change behind Pulumi's back.
type drift struct {
	name, object string
	// kubectl is what somebody typed.
	kubectl []string
	// repaired is a path in the object that `up --refresh` sets back.
	repaired []any
}

// anotherPort is the one drift that a preview cannot get past, though it shows it.
const anotherPort = "Service port changed"

// TestEveryDriftIsShownAndRepaired makes several at a time, of different objects.
func TestEveryDriftIsShownAndRepaired(t *testing.T) {
	s := inNamespace(t, "drift")
	s.Up()
	const decode, gateway, proxy = "ms-sim-llm-sim-decode", llmd.StandardGatewayName, llmd.ProxyServiceName
	patch := func(object, patch string) []string { return []string{"patch", object, "--type=json", "-p", patch} }
	container := []any{"spec", "template", "spec", "containers", 0}
	drifts := [][]drift{
		{
			{"scaled", "deployment/" + decode, []string{"scale", "deployment/" + decode, "--replicas=5"}, []any{"spec", "replicas"}},
			{"image changed", "deployment/" + llmd.EPPName, []string{"set", "image", "deployment/" + llmd.EPPName, "epp=other:v1"}, append(container, "image")},
			{"arguments changed", "deployment/" + gateway, patch("deployment/"+gateway, `[{"op":"replace","path":"/spec/template/spec/containers/0/args/0","value":"--other"}]`), append(container, "args", 0)},
			{"Service target changed", "service/" + proxy, patch("service/"+proxy, `[{"op":"replace","path":"/spec/ports/0/targetPort","value":9999}]`), []any{"spec", "ports", 0, "targetPort"}},
			{"selector changed", "service/" + gateway, patch("service/"+gateway, `[{"op":"replace","path":"/spec/selector/app.kubernetes.io~1name","value":"other"}]`), []any{"spec", "selector"}},
			{"ConfigMap edited", "configmap/" + gateway, patch("configmap/"+gateway, `[{"op":"replace","path":"/data/envoy.yaml","value":"admin: {}"}]`), []any{"data"}},
			{"RBAC rule widened", "role/" + llmd.EPPName, patch("role/"+llmd.EPPName, `[{"op":"add","path":"/rules/0/verbs/-","value":"delete"}]`), []any{"rules", 0, "verbs"}},
			{"DestinationRule deleted", "destinationrule/" + proxy + "-lb", []string{"delete", "destinationrule/" + proxy + "-lb"}, []any{"spec", "host"}},
			{"peer added", "networkpolicy/" + llmd.EPPName, patch("networkpolicy/"+llmd.EPPName, `[{"op":"add","path":"/spec/ingress/0/from/-","value":{"podSelector":{}}}]`), []any{"spec", "ingress", 0, "from"}},
			{"NetworkPolicy opened", "networkpolicy/" + decode, patch("networkpolicy/"+decode, `[{"op":"remove","path":"/spec/ingress/0/from"}]`), []any{"spec", "ingress", 0, "from"}},
			{"account's token mounted", "serviceaccount/" + llmd.EPPName, patch("serviceaccount/"+llmd.EPPName, `[{"op":"replace","path":"/automountServiceAccountToken","value":true}]`), []any{"automountServiceAccountToken"}},
			{"binding deleted", "rolebinding/" + llmd.EPPName, []string{"delete", "rolebinding/" + llmd.EPPName}, []any{"subjects", 0, "name"}},
		},
		{
			{"Deployment deleted", "deployment/" + decode, []string{"delete", "deployment/" + decode}, []any{"spec", "replicas"}},
			{"requests changed", "deployment/" + llmd.EPPName, []string{"set", "resources", "deployment/" + llmd.EPPName, "--requests=cpu=7"}, append(container, "resources", "requests", "cpu")},
			{"probe changed", "deployment/" + gateway, patch("deployment/"+gateway, `[{"op":"replace","path":"/spec/template/spec/containers/0/readinessProbe/periodSeconds","value":99}]`), append(container, "readinessProbe", "periodSeconds")},
			{"Service deleted", "service/" + proxy, []string{"delete", "service/" + proxy}, []any{"spec", "ports", 0, "port"}},
			{"label changed", "service/" + gateway, []string{"label", "--overwrite", "service/" + gateway, "app.kubernetes.io/instance=other"}, []any{"metadata", "labels", "app.kubernetes.io/instance"}},
			{"ConfigMap deleted", "configmap/" + gateway, []string{"delete", "configmap/" + gateway}, []any{"data"}},
			{"Role deleted", "role/" + llmd.EPPName, []string{"delete", "role/" + llmd.EPPName}, []any{"rules"}},
			{"algorithm changed", "destinationrule/" + proxy + "-lb", patch("destinationrule/"+proxy+"-lb", `[{"op":"replace","path":"/spec/trafficPolicy/loadBalancer/simple","value":"RANDOM"}]`), []any{"spec", "trafficPolicy", "loadBalancer", "simple"}},
			{"NetworkPolicy deleted", "networkpolicy/" + decode, []string{"delete", "networkpolicy/" + decode}, []any{"spec", "ingress"}},
			{anotherPort, "service/" + llmd.EPPName, patch("service/"+llmd.EPPName, `[{"op":"replace","path":"/spec/ports/0/port","value":9999}]`), []any{"spec", "ports", 0, "port"}},
			{"annotation changed", "configmap/" + llmd.EPPName, []string{"annotate", "--overwrite", "configmap/" + llmd.EPPName, "pulumi.com/patchForce=false"}, []any{"metadata", "annotations", "pulumi.com/patchForce"}},
		},
	}
	split := func(object string) (string, string) { kind, name, _ := strings.Cut(object, "/"); return kind, name }
	n := 0
	for _, round := range drifts {
		want := map[string]any{}
		for _, d := range round {
			kind, name := split(d.object)
			want[d.name] = labtest.At(t, s.Get(kind, name), d.repaired...)
			lab.Kubectl(t, append(d.kubectl, "-n", s.Namespace)...)
		}
		out, err := s.Pulumi("preview", "--refresh", "--diff")
		if slices.ContainsFunc(round, func(d drift) bool { return d.name == anotherPort }) {
			// A preview deletes nothing, so that both ports meet in the API server's check.
			require.Contains(t, out, "spec.ports[1].name: Duplicate value")
		} else {
			require.NoError(t, err, out)
		}
		s.Up("--refresh")
		for _, d := range round {
			kind, name := split(d.object)
			require.Contains(t, shown(out), d.object, "the preview shows: %s", d.name)
			require.Equal(t, want[d.name], labtest.At(t, s.Get(kind, name), d.repaired...), d.name)
			n++
		}
		require.NotContains(t, s.Up("--refresh"), "updated")
	}
	told(fmt.Sprintf("%d drifts by hand", n), "each was shown by a preview and repaired")
	require.GreaterOrEqual(t, n, 20)
}

// shown lists the objects of which the diff of a preview has something to say, by kind and
// name.
func shown(diff string) map[string]bool {
	objects := map[string]bool{}
	kind := ""
	for line := range strings.Lines(diff) {
		if _, rest, is := strings.Cut(line, "kubernetes:"); is && strings.Contains(line, ": (") && !strings.Contains(line, "[") {
			typ, _, _ := strings.Cut(rest, ": (")
			kind = strings.ToLower(typ[strings.LastIndex(typ, ":")+1:])
		}
		if _, id, is := strings.Cut(line, "[id="); is && kind != "" {
			id = strings.TrimSuffix(strings.TrimSpace(id), "]")
			objects[kind+"/"+id[strings.LastIndex(id, "/")+1:]] = true
		}
	}
	return objects
}

// TestAStackOfAnEarlierVersionIsTakenOver has the states that an earlier version of the
// program left, and their objects. None may be replaced: names and types are a promise.
func TestAStackOfAnEarlierVersionIsTakenOver(t *testing.T) {
	lab.InstallCRDs(t)
	acceptedClass(t, llmd.IstioClassName)
	for _, sample := range []string{"dev", "full"} {
		s := lab.NewStack(t, "earlier-"+sample, lab.Sample(t, sample))
		state := recorded(t, s, "state-"+sample+".json.gz")
		objects, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": labtest.Rendered(t, state)})
		require.NoError(t, err)
		apply := lab.Command("kubectl", "apply", "--server-side", "-f", "-")
		apply.Stdin = bytes.NewReader(objects)
		out, err := apply.CombinedOutput()
		require.NoError(t, err, string(out))
		file := filepath.Join(t.TempDir(), "state.json")
		require.NoError(t, os.WriteFile(file, state, 0o600))
		s.Must("stack", "import", "--file", file)

		var preview struct {
			ChangeSummary map[string]int `json:"changeSummary"`
		}
		require.NoError(t, json.Unmarshal([]byte(s.Must("preview", "--json")), &preview))
		require.NotZero(t, preview.ChangeSummary["same"])
		for operation := range preview.ChangeSummary {
			require.Contains(t, []string{"same", "update", "create"}, operation, sample)
		}
		told("a "+sample+" stack of an earlier version", fmt.Sprintf("taken over: %v, none replaced", preview.ChangeSummary))
		if sample == "dev" { // The other's Gateway would wait for a controller.
			s.Up()
			s.Holds(labtest.EPP, labtest.Stages, labtest.StandardGateway, []string{labtest.Proxy})
		}
	}
}

// recorded reads a recorded state as this stack's own: with its salt for what is secret,
// and for this cluster.
func recorded(t *testing.T, s *labtest.Stack, name string) []byte {
	t.Helper()
	packed, err := os.Open(filepath.Join("testdata", name))
	require.NoError(t, err)
	defer packed.Close()
	reader, err := gzip.NewReader(packed)
	require.NoError(t, err)
	var state map[string]any
	require.NoError(t, json.NewDecoder(reader).Decode(&state))
	state["deployment"].(map[string]any)["secrets_providers"] = map[string]any{
		"type": "passphrase", "state": map[string]any{"salt": s.Salt()},
	}
	raw, err := json.Marshal(state)
	require.NoError(t, err)
	return bytes.ReplaceAll(raw, []byte("KUBECONFIG"), []byte(lab.Variable("KUBECONFIG")))
}
