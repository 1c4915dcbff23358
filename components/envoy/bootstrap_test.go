package envoy

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// combinations returns every bootstrap that the configuration can produce.
func combinations() map[string]Bootstrap {
	all := map[string]Bootstrap{}
	for _, algorithm := range []string{"ROUND_ROBIN", "LEAST_REQUEST", "RANDOM", "LEAST_CONN"} {
		for _, epp := range []*Upstream{nil, {Host: "gaie-sim-epp", Port: 8100}} {
			for _, keys := range [][]string{nil, {"new", "old"}} {
				name := fmt.Sprintf("%s-epp-%t-auth-%t", strings.ToLower(algorithm), epp != nil, keys != nil)
				all[name] = Bootstrap{
					Namespace: "sim", Backend: Upstream{Host: "decode", Port: 8200},
					EPP: epp, Algorithm: algorithm, Keys: keys, MaxRequestMiB: 4,
				}
			}
		}
	}
	secure := all["random-epp-true-auth-false"]
	secure.EPPSecure = true
	all["random-epp-secure"] = secure
	older := all["random-epp-true-auth-false"]
	older.SinglePrompts = true
	all["random-epp-single-prompts"] = older
	anonymous := all["random-epp-true-auth-false"]
	anonymous.StripFairness = true
	all["random-epp-strip-fairness"] = anonymous
	for _, epp := range []string{"false", "true"} {
		several := all["random-epp-"+epp+"-auth-true"]
		several.Names = []string{"base"}
		several.Models = []Model{{Name: "other", Names: []string{"org/other", "adapter"}}, {Name: "third", Names: []string{"third"}}}
		all["random-epp-"+epp+"-models"] = several
	}
	for _, epp := range []string{"false", "true"} {
		traced := all["random-epp-"+epp+"-auth-false"]
		traced.Tracing = &Tracing{Collector: Upstream{Host: "otel-collector.monitoring", Port: 4317}, Sampling: 0.1}
		all["random-epp-"+epp+"-tracing"] = traced
	}
	elsewhere := all["random-epp-true-auth-false"]
	elsewhere.ClusterDomain = "corp.example"
	all["random-epp-other-domain"] = elsewhere
	return all
}

func TestBuildMatchesGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, bootstrap := range combinations() {
		got, err := Build(bootstrap)
		require.NoError(t, err)
		file := filepath.Join("testdata", name+".yaml")
		if *update {
			require.NoError(t, os.MkdirAll("testdata", 0o755))
			require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), got, "rewrite with: go test ./components/envoy -update")
		require.NotContains(t, got, "{{", "the image's entry point would take it for a template")
	}
}

func TestBuildIsDeterministic(t *testing.T) {
	t.Parallel()
	bootstrap := combinations()["round_robin-epp-true-auth-true"]
	first, err := Build(bootstrap)
	require.NoError(t, err)
	for range 50 {
		again, err := Build(bootstrap)
		require.NoError(t, err)
		require.Equal(t, first, again)
	}
}

func TestBuildRejectsInvalidBootstraps(t *testing.T) {
	t.Parallel()
	const sim = "sim"
	good := Upstream{Host: "decode", Port: 8200}
	for name, test := range map[string]struct {
		bootstrap Bootstrap
		want      string
	}{
		"unknown algorithm": {Bootstrap{Namespace: sim, Backend: good, Algorithm: "FASTEST"}, `got "FASTEST"`},
		"no host":           {Bootstrap{Namespace: sim, Algorithm: "RANDOM", Backend: Upstream{Port: 1}}, "SocketAddress.Address"},
		"bad port":          {Bootstrap{Namespace: sim, Algorithm: "RANDOM", Backend: Upstream{Host: "h", Port: 65536}}, "less than or equal to 65535"},
		"bad key":           {Bootstrap{Namespace: sim, Algorithm: "RANDOM", Backend: good, Keys: []string{"a|b"}}, "letters and digits"},
		"no namespace":      {Bootstrap{Algorithm: "RANDOM", Backend: good}, "namespace is required"},
		"model twice":       {Bootstrap{Namespace: sim, Algorithm: "RANDOM", Backend: good, Names: []string{"a"}, Models: []Model{{Name: "b", Names: []string{"a"}}}}, `two models are called "a"`},
		"no own names":      {Bootstrap{Namespace: sim, Algorithm: "RANDOM", Backend: good, Models: []Model{{Name: "b", Names: []string{"b"}}}}, "the gateway's own are required"},
		"nameless model":    {Bootstrap{Namespace: sim, Algorithm: "RANDOM", Backend: good, Names: []string{"a"}, Models: []Model{{Name: "b"}}}, "a further model needs a name"},
		"bad collector":     {Bootstrap{Namespace: sim, Algorithm: "RANDOM", Backend: good, Tracing: &Tracing{}}, "SocketAddress.Address"},
		"bad EPP":           {Bootstrap{Namespace: sim, Algorithm: "RANDOM", Backend: good, EPP: &Upstream{}}, "SocketAddress.Address"},
	} {
		_, err := Build(test.bootstrap)
		require.ErrorContains(t, err, test.want, name)
	}
}

func TestValidationDescendsIntoAny(t *testing.T) {
	t.Parallel()
	p := &packer{}
	p.any(&clusterv3.Cluster{ConnectTimeout: nil, Name: ""})
	require.NotEmpty(t, p.errs, "a broken message must not hide in an Any")
}
