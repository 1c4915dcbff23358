package node

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/cluster"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/sandbox"
)

func TestConfigurationFilesAreFilledIn(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("nodes run on Linux only")
	}
	n := &Node{
		Cluster: &cluster.Cluster{Name: "dev", Dir: "/lab/dev", Sandbox: &sandbox.Sandbox{Name: "dev", Dir: "/lab/dev/sandbox"}},
		Pause:   "registry.example.com/pause:1", CoreDNS: "registry.example.com/coredns:v1",
	}
	for file, want := range map[string][]string{
		"kubelet.yaml":    {"/llm-d-sim-dev", "198.18.4.10", "/lab/dev/kwok/clusters/dev/pki/ca.crt"},
		"containerd.toml": {"registry.example.com/pause:1", "/lab/dev/sandbox"},
		"kube-proxy.yaml": {"/lab/dev/kubeconfig"},
		"coredns.yaml":    {"registry.example.com/coredns:v1", "198.18.4.10"},
		"10-lab.conflist": {"198.18.8.0/21"},
	} {
		content, err := n.render(file)
		require.NoError(t, err, file)
		require.NotContains(t, string(content), "<no value>", file)
		for _, text := range want {
			require.Contains(t, string(content), text, file)
		}
	}
}
