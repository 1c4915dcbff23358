package traffic

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// TestNetworkPoliciesAreEnforced tries to connect from every place to every listening port.
func TestNetworkPoliciesAreEnforced(t *testing.T) {
	t.Parallel()
	withPolicies(t)
	config := lab.Sample(t, "dev")
	config["networkPolicy"] = map[string]any{"enabled": true}
	s := newStack(t, "closed", config)
	s.Up()
	const gateway, epp, prefill = llmd.StandardGatewayName, llmd.EPPName, llmd.PrefillName
	const node, outside, stranger, another = "the node", "outside the cluster", "a foreign pod in the namespace", "another stack's gateway"
	decode := s.DecodeName()
	startStranger(t, s)

	own := map[string]endpoint{}
	for _, name := range []string{gateway, epp, decode, prefill} {
		own[name] = inside(t, pods(t, s, name)[0])
	}
	sources := maps.Clone(own)
	sources[stranger] = inside(t, podNamed(t, s, strangerName))
	sources[another] = inside(t, pods(t, lab.Dev(t), gateway)[0])
	sources[node] = endpoint{pid: processesOfTheLab(t)[0]}
	sources[outside] = endpoint{}

	var targets []string
	for name, pod := range own {
		for _, port := range listening(t, pod.pid) {
			targets = append(targets, fmt.Sprintf("%s %d", name, port))
		}
	}
	// Sources that get through, by target; the node, where the kubelet is, reaches everything.
	reached := func() map[string][]string {
		got := map[string][]string{}
		for source, from := range sources {
			var addresses []string
			for _, target := range targets {
				name, port, _ := strings.Cut(target, " ")
				addresses = append(addresses, net.JoinHostPort(own[name].address, port))
			}
			for i, err := range connect(from.pid, addresses) {
				name, _, _ := strings.Cut(targets[i], " ")
				if err == nil && name != source { // What a pod sends to itself never leaves it.
					got[targets[i]] = append(got[targets[i]], source)
				}
			}
		}
		for _, sources := range got {
			slices.Sort(sources)
		}
		return got
	}
	everyone := func(but string) []string {
		return slices.DeleteFunc(slices.Sorted(maps.Keys(sources)), func(name string) bool { return name == but })
	}
	open := map[string][]string{}
	for _, target := range targets {
		open[target] = []string{node}
	}
	let := func(target string, sources ...string) {
		require.Contains(t, open, target, "the port is open")
		open[target] = append(open[target], sources...)
		slices.Sort(open[target])
		open[target] = slices.Compact(open[target])
	}
	to := func(name string, port int) string { return fmt.Sprintf("%s %d", name, port) }
	let(to(gateway, llmd.GatewayListenPort), everyone(gateway)...)
	let(to(epp, llmd.EPPGRPCPort), gateway)
	let(to(decode, llmd.SimulatorPort), gateway, epp)
	let(to(prefill, llmd.SimulatorPort), gateway, epp, decode)

	check := func(what string) {
		t.Helper()
		// The firewall learns of pods and policies after the API server.
		var got map[string][]string
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
			if got = reached(); maps.EqualFunc(got, open, slices.Equal) || time.Now().After(deadline) {
				break
			}
		}
		require.Equal(t, open, got, what)
		through := 0
		for _, sources := range got {
			through += len(sources)
		}
		fmt.Printf("%s: of %d connections, exactly the %d that are allowed succeed\n", what, (len(sources)-1)*len(targets), through)
	}
	check("network policies")

	lab.Kubectl(t, "label", "pod", "-n", s.Namespace, strangerName, "gateway.networking.k8s.io/gateway-name=any")
	for _, target := range []string{to(epp, llmd.EPPGRPCPort), to(decode, llmd.SimulatorPort), to(prefill, llmd.SimulatorPort)} {
		let(target, stranger)
	}
	check("with the gateway of a controller")

	s.Set("networkPolicy.proxyService", "true")
	s.Up()
	let(to(decode, llmd.SimulatorPort), everyone(decode)...)
	check("with the proxy Service open")
}

const strangerName = "stranger"

// startStranger starts a pod in the stack's namespace that does not belong to the stack.
func startStranger(t *testing.T, s *labtest.Stack) {
	t.Helper()
	manifest, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"name": strangerName, "namespace": s.Namespace},
		"spec":     labtest.At(t, s.Get("deployment", llmd.PrefillName), "spec", "template", "spec"),
	})
	require.NoError(t, err)
	cmd := lab.Command("kubectl", "apply", "-f", "-")
	cmd.Stdin = strings.NewReader(string(manifest))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	lab.Kubectl(t, "wait", "--for=condition=Ready", "pod/"+strangerName, "-n", s.Namespace, "--timeout=60s")
}

// endpoint is a place to connect from and to: a network namespace, identified by one of its
// processes, and its address. Without a process, it is that of this process.
type endpoint struct {
	pid     int
	address string
}

// inside returns the endpoint of a pod.
func inside(t *testing.T, p pod) endpoint {
	t.Helper()
	return endpoint{processesOf(t, p)[0], p.address}
}

// listening returns the open TCP ports in a process's network namespace, except for those
// on loopback.
func listening(t *testing.T, pid int) []int {
	t.Helper()
	var ports []int
	for _, table := range []string{"tcp", "tcp6"} {
		for line := range strings.Lines(read(fmt.Sprintf("/proc/%d/net/%s", pid, table))) {
			fields := strings.Fields(line)
			const local, state, listens = 1, 3, "0A"
			if fields[state] != listens {
				continue
			}
			address, port, _ := strings.Cut(fields[local], ":")
			ip, err := hex.DecodeString(address)
			require.NoError(t, err)
			if len(ip) == net.IPv4len && ip[3] == 127 { // The kernel writes it as a little-endian number.
				continue
			}
			number, err := strconv.ParseInt(port, 16, 32)
			require.NoError(t, err)
			ports = append(ports, int(number))
		}
	}
	slices.Sort(ports)
	require.NotEmpty(t, ports)
	return slices.Compact(ports)
}

// connect tries each address from the network namespace of a process, and returns the
// results.
func connect(pid int, addresses []string) []error {
	results := make([]error, len(addresses))
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Never unlocked: the thread is in another network namespace, and ends with this
		// function.
		runtime.LockOSThread()
		err := enter(pid)
		for i, address := range addresses {
			if results[i] = err; err != nil {
				continue
			}
			var connection net.Conn
			if connection, results[i] = net.DialTimeout("tcp", address, time.Second); results[i] == nil {
				_ = connection.Close()
			}
		}
	}()
	<-done
	return results
}

// enter moves this thread into the network namespace of a process, if there is one.
func enter(pid int) error {
	if pid == 0 {
		return nil
	}
	network, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return err
	}
	defer network.Close()
	return unix.Setns(int(network.Fd()), unix.CLONE_NEWNET)
}
