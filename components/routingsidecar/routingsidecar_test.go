package routingsidecar

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/release"
)

func TestArgs(t *testing.T) {
	t.Parallel()
	for version, want := range map[string][]string{
		"v0.4.0":  {"--port=8200", "--vllm-port=8201", "--connector=nixlv2", "--secure-proxy=false"},
		"v0.7.1":  {"--port=8200", "--vllm-port=8201", "--kv-connector=nixlv2", "--secure-proxy=false"},
		"v0.9.0":  {"--port=8200", "--vllm-port=8201", "--kv-connector=nixlv2", "--secure-proxy=false", "--tracing=true"},
		"v0.11.0": {"--port=8200", "--model-server-port=8201", "--kv-connector=nixlv2", "--secure-proxy=false", "--tracing=true"},
	} {
		facts, err := release.SidecarOf("sidecar:"+version, "")
		require.NoError(t, err)
		require.Equal(t, want, Args(Options{
			Release: facts, Port: 8200, ModelServerPort: 8201, Tracing: facts.TracingFlag,
		}), version)
	}
}
