package config

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/stackfile"
)

// load reads values as `pulumi config set` stores them.
func load(values map[string]string) (*Spec, error) {
	full := map[string]string{}
	for key, value := range values {
		full[Namespace+":"+key] = value
	}
	loaded, err := Load(Namespace, full, nil)
	if err != nil {
		return nil, err
	}
	return loaded.Spec, nil
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	s, err := load(nil)
	require.NoError(t, err)

	require.Equal(t, "llm-sim", s.Name)
	require.Equal(t, "llm-d-sim", s.Namespace)
	require.True(t, s.CreateNamespace)
	require.Equal(t, 5*time.Minute, s.ReadyTimeout.Duration)
	require.EqualValues(t, 2, s.Replicas)
	require.Equal(t, "ghcr.io/llm-d/llm-d-inference-sim:v0.10.2", s.Image)
	require.Empty(t, s.ImagePullPolicy)
	require.Empty(t, s.ImagePullSecrets)
	require.EqualValues(t, 5, s.LogVerbosity)
	require.Equal(t, "100m", s.Resources.Requests.Cpu().String())
	require.Equal(t, "256Mi", s.Resources.Requests.Memory().String())
	require.Empty(t, s.Resources.Limits)
	require.Equal(t, Service{"gaie-inference-scheduling-proxy", 8200, "ClusterIP"}, s.Service)
	require.Equal(t, Gateway{false, "istio", "infra-sim-inference-gateway"}, s.Gateway)
	require.Equal(t, LoadBalancing{Algorithm: "ROUND_ROBIN"}, s.LoadBalancing)
	require.False(t, s.Pool())

	require.False(t, s.EPP.Enabled)
	require.EqualValues(t, 1, s.EPP.Replicas)
	require.Equal(t, "ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.10.0", s.EPP.Image)
	require.EqualValues(t, 8100, s.EPP.Port)
	require.EqualValues(t, 1, s.EPP.Verbosity)

	require.False(t, s.InferenceGateway.Enabled)
	require.Equal(t, "cr.kgateway.dev/kgateway-dev/envoy-wrapper:v2.1.1", s.InferenceGateway.Standard.Image)
	require.Equal(t, "docker.io/istio/proxyv2:1.28.1", s.InferenceGateway.Istio.Image)
	for _, g := range []GatewayInstance{s.InferenceGateway.Standard, s.InferenceGateway.Istio} {
		require.False(t, g.Enabled)
		require.EqualValues(t, 1, g.Replicas)
		require.EqualValues(t, 8080, g.Port)
	}
	for _, stage := range []Stage{s.Prefill, s.Decode.Stage} {
		require.Equal(t, Stage{Replicas: 2, Port: 8200, LogVerbosity: 5, Autoscaling: Autoscaling{
			Scaler: "keda", MinReplicas: 2, MaxReplicas: 6, RequestsPerPod: 4,
			ScaleDownAfter: metav1.Duration{Duration: 5 * time.Minute}, KEDANamespace: "keda",
		}}, stage)
	}
	require.True(t, s.Decode.RoutingSidecar.Enabled)
	require.Equal(t, "ghcr.io/llm-d/llm-d-router-disagg-sidecar:v0.10.0", s.Decode.RoutingSidecar.Image)
	require.Equal(t, Simulator{
		Model: "random", MaxModelLen: 1024, MaxRequestMiB: 4, MaxLoRAs: 1, KVCache: KVCache{BlockSize: 16},
	}, s.Simulator)
	all := s.DecodeStage().Simulator
	require.EqualValues(t, 5, *all.MaxNumSeqs)
	require.InDelta(t, 1, *all.TimeFactorUnderLoad, 0)
	require.False(t, *all.KVCache.Enabled)
	require.EqualValues(t, 1024, *all.KVCache.Blocks)
	require.Zero(t, *all.Failures.Rate)
	require.Zero(t, all.TimeToFirstToken.Duration+all.PrefillOverhead.Duration+all.InterTokenLatency.Duration)
}

func TestStagesInheritTopLevelKeys(t *testing.T) {
	t.Parallel()
	s, err := load(map[string]string{
		"image":     "example.com/sim:v1",
		"resources": `{"requests":{"cpu":"1"}}`,
		"prefill":   `{"enabled":true}`,
		"decode":    `{"enabled":true,"image":"example.com/decode:v2","resources":{"limits":{"cpu":2}}}`,
	})
	require.NoError(t, err)
	prefill, decode := s.PrefillStage(), s.DecodeStage()
	require.Equal(t, "example.com/sim:v1", prefill.Image)
	require.Equal(t, "1", prefill.Resources.Requests.Cpu().String())
	require.Equal(t, "example.com/decode:v2", decode.Image)
	require.Empty(t, decode.Resources.Requests, "resources replace the inherited ones whole")
	require.Equal(t, "2", decode.Resources.Limits.Cpu().String())
}

func TestSingleModeUsesTopLevelKeys(t *testing.T) {
	t.Parallel()
	s, err := load(map[string]string{"name": "mine", "replicas": "7", "logVerbosity": "2", "service": `{"port":8300}`})
	require.NoError(t, err)
	require.True(t, s.SingleMode())
	require.Equal(t, "ms-sim-mine-decode", s.DecodeName())
	stage := s.DecodeStage()
	require.EqualValues(t, 7, stage.Replicas)
	require.EqualValues(t, 8300, stage.Port)
	require.EqualValues(t, 2, stage.LogVerbosity)

	s, err = load(map[string]string{"decode": `{"enabled":true}`})
	require.NoError(t, err)
	require.False(t, s.SingleMode())
	require.Equal(t, llmd.DecodeName, s.DecodeName())
}

func TestSidecarNeedsEPPAndBothStages(t *testing.T) {
	t.Parallel()
	on := `{"enabled":true}`
	for name, test := range map[string]struct {
		values map[string]string
		want   bool
	}{
		"all":         {map[string]string{"epp": on, "prefill": on, "decode": on}, true},
		"no EPP":      {map[string]string{"prefill": on, "decode": on}, false},
		"no prefill":  {map[string]string{"epp": on, "decode": on}, false},
		"single mode": {map[string]string{"epp": on}, false},
		"switched off": {map[string]string{
			"epp": on, "prefill": on, "decode": `{"enabled":true,"routingSidecar":{"enabled":false}}`,
		}, false},
	} {
		s, err := load(test.values)
		require.NoError(t, err, name)
		require.Equal(t, test.want, s.Sidecar(), name)
	}
}

func TestLoadOverlaysTheDefaults(t *testing.T) {
	t.Parallel()
	s, err := load(map[string]string{
		"epp":           `{"enabled":true,"args":["--a","--b"]}`,
		"loadBalancing": `{"enabled":true,"connectionPool":{"http1MaxPendingRequests":7}}`,
		"simulator":     `{"seed":9007199254740993,"timeToFirstToken":"150ms"}`,
		"resources":     `null`,
	})
	require.NoError(t, err)
	require.True(t, s.EPP.Enabled)
	require.EqualValues(t, 8100, s.EPP.Port, "what is not set keeps its default")
	require.Equal(t, []string{"--a", "--b"}, s.EPP.Args)
	require.EqualValues(t, 7, *s.LoadBalancing.ConnectionPool.HTTP1MaxPendingRequests)
	require.Nil(t, s.LoadBalancing.ConnectionPool.MaxRequestsPerConnection)
	require.EqualValues(t, 9007199254740993, *s.Simulator.Seed, "a seed is not rounded")
	require.Equal(t, 150*time.Millisecond, s.Simulator.TimeToFirstToken.Duration)
	require.Equal(t, "100m", s.Resources.Requests.Cpu().String(), "null is not set")
}

func TestSecretsAreRefused(t *testing.T) {
	t.Parallel()
	_, err := Load(Namespace, map[string]string{"llm-d-sim:epp": `{"args":["hush"]}`}, []string{"llm-d-sim:epp"})
	require.ErrorContains(t, err, "epp")
	require.ErrorContains(t, err, "encrypted")
	require.NotContains(t, err.Error(), "hush")

	_, err = load(map[string]string{"inferenceGateway": `{"auth":{"apiKey":"hush"}}`})
	require.ErrorContains(t, err, "inferenceGateway.auth")
	_, err = load(map[string]string{"epp": `{"apiKey":"hush"}`})
	require.ErrorContains(t, err, "a secret does not belong in an object")
	require.NotContains(t, err.Error(), "hush")
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := load(map[string]string{
		"replicas": "0",
		"decode":   `{"enabled":true,"replcas":3,"port":65536}`,
		"epp":      `{"enabled":"yes","verbosity":11}`,
		"nmae":     "x",
	})
	var all *Error
	require.ErrorAs(t, err, &all)
	var paths []string
	for _, p := range all.Problems {
		paths = append(paths, p.Path)
		require.NotEmpty(t, p.Detail)
		require.Contains(t, p.Fix, "pulumi config")
	}
	require.Equal(t, []string{"decode.port", "decode.replcas", "epp.enabled", "epp.verbosity", "nmae", "replicas"}, paths)
}

func TestPullPolicy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ image, configured, want string }{
		{"sim:local", "", "IfNotPresent"},
		{"sim:local", "Always", "Always"},
		{"sim:v1", "", ""},
		{"sim:v1", "Never", "Never"},
	} {
		got := PullPolicy(test.image, corev1.PullPolicy(test.configured))
		require.EqualValues(t, test.want, got, test.image)
	}
}

func TestCheckedInConfigurationsLoadWithoutWarnings(t *testing.T) {
	t.Parallel()
	for _, name := range stackfile.Names {
		values, err := stackfile.Values("..", name)
		require.NoError(t, err)
		loaded, err := Load(Namespace, values, nil)
		require.NoError(t, err, name)
		require.Empty(t, loaded.Warnings, name)
	}
}

func TestPackageDoesNotImportPulumi(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	for dep := range strings.SplitSeq(string(out), "\n") {
		require.NotContains(t, dep, "github.com/pulumi/")
	}
}
