package tests

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/internal/configgen"
	"github.com/llm-d-sim/llm-d-sim/internal/recorder"
	"github.com/llm-d-sim/llm-d-sim/internal/stackfile"
	"github.com/llm-d-sim/llm-d-sim/stacks"
	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// load reads a configuration.
func load(values map[string]string) (*config.Spec, error) {
	full := map[string]string{}
	for key, value := range values {
		full["llm-d-sim:"+key] = value
	}
	loaded, err := config.Load(config.Namespace, full, nil)
	if err != nil {
		return nil, err
	}
	return loaded.Spec, nil
}

func planOf(t *testing.T, spec *config.Spec) (p plan.Plan) {
	t.Helper()
	require.NoError(t, pulumi.RunErr(func(ctx *pulumi.Context) (err error) {
		p, err = stacks.Plan(ctx, &stacks.StackArgs{Spec: spec})
		return err
	}, pulumi.WithMocks("llm-d-sim", "test", recorder.New())))
	return p
}

// objects lists the objects of a plan, and registered those that a program has registered.
func objects(p plan.Plan) []string {
	var list []string
	for _, o := range p.Objects() {
		list = append(list, o.Kind+" "+o.Name)
	}
	return list
}

func registered(r *recorder.Recorder) []string {
	var list []string
	for _, reg := range r.Registrations() {
		if reg.Object() != "" {
			list = append(list, fmt.Sprint(reg.Inputs["kind"], " ", reg.Object()))
		}
	}
	return list
}

// plainKeys removes the project's name from the keys of a configuration.
func plainKeys(t *testing.T, values map[string]any) map[string]string {
	t.Helper()
	encoded, err := stackfile.Encode(values)
	require.NoError(t, err)
	return encoded
}

func TestExamplePlansMatchRegistrations(t *testing.T) {
	t.Parallel()
	for _, name := range stackfile.Names {
		values := map[string]string{}
		for key, value := range stackFile(t, name) {
			values[key[len("llm-d-sim:"):]] = value
		}
		spec, err := load(values)
		require.NoError(t, err, name)
		p := planOf(t, spec)
		r := run(t, values, fullCluster())
		require.NoError(t, r.err, name)
		require.ElementsMatch(t, objects(p), registered(r.Recorder), name)
	}
}

func TestGeneratedPlansMatchRegistrations(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			plansOf(t, rand.New(rand.NewPCG(13, seed))) // Reproducible.
		})
	}
}

// plansOf compares 250 plans with what is registered.
func plansOf(t *testing.T, random *rand.Rand) {
	t.Helper()
	const most = 250
	refused := 0
	parts := map[string]int{}
	for checked := 0; checked < most; {
		values := plainKeys(t, configgen.Generate(random, nil))
		spec, err := load(values)
		if err != nil {
			continue
		}
		checked++
		p := planOf(t, spec)
		if len(p.Check()) > 0 {
			refused++
			continue
		}
		r := recorder.New()
		require.NoError(t, pulumi.RunErr(func(ctx *pulumi.Context) error {
			_, err := stacks.NewStack(ctx, "any", &stacks.StackArgs{Spec: spec})
			return err
		}, pulumi.WithMocks("other", "test", r)), "%v", values)
		require.Empty(t, r.Errors(), "%v", values)
		require.ElementsMatch(t, objects(p), registered(r), "%v", values)
		for _, part := range p.Parts {
			parts[part.Name]++
		}
	}
	t.Logf("%d configurations, %d of them refused by their plan; parts: %v", most, refused, parts)
	require.Len(t, parts, 23, "every part, the namespace and those of a further model included, is planned at least once")
}

func TestNameClashesAreRefused(t *testing.T) {
	t.Parallel()
	gateway := `{"enabled":true,"standard":{"enabled":true}}`
	for name, test := range map[string]struct {
		values map[string]string
		want   []string
	}{
		"the Gateway's overlays and the standard gateway's bootstrap": {
			map[string]string{"inferenceGateway": gateway, "gateway": `{"enabled":true}`},
			[]string{
				`gateway.routeName = "infra-sim-inference-gateway": clashes with inferenceGateway.standard.enabled: ` +
					"both need the ConfigMap infra-sim-inference-gateway",
				"fix: pulumi config set --path gateway.routeName llm-d-sim",
			},
		},
		"the Gateway's overlays and the EPP's configuration": {
			map[string]string{"epp": `{"enabled":true}`, "gateway": `{"enabled":true,"routeName":"gaie-sim-epp"}`},
			[]string{"clashes with epp.enabled: both need the ConfigMap gaie-sim-epp", "gateway.routeName llm-d-sim"},
		},
		"the proxy Service and what istiod creates": {
			map[string]string{"gateway": `{"enabled":true}`, "service": `{"name":"infra-sim-inference-gateway-istio"}`},
			[]string{"both need the Service infra-sim-inference-gateway-istio", "gateway.routeName llm-d-sim"},
		},
		"the proxy Service and the EPP's": {
			map[string]string{"epp": `{"enabled":true}`, "service": `{"name":"gaie-sim-epp"}`},
			[]string{
				`service.name = "gaie-sim-epp": clashes with epp.enabled: both need the Service gaie-sim-epp`,
				"fix: pulumi config set --path service.name gaie-inference-scheduling-proxy",
			},
		},
		"a name too long for the Service that istiod creates": {
			map[string]string{"gateway": `{"enabled":true,"routeName":"a12345678901234567890123456789012345678901234567890123456789"}`},
			[]string{"-istio invalid: must be no more than 63 characters", "gateway.routeName llm-d-sim"},
		},
	} {
		r := run(t, test.values, fullCluster())
		require.Empty(t, r.Registrations(), name)
		for _, want := range test.want {
			require.ErrorContains(t, r.err, want, name)
		}
	}
}

func TestModeChangeKeepsDecodeDeployment(t *testing.T) {
	t.Parallel()
	urn := func(values map[string]string) string {
		r := run(t, values, bareCluster())
		require.NoError(t, r.err)
		d, found := r.Find("kubernetes:apps/v1:Deployment", llmd.DecodeName)
		require.True(t, found)
		return d.Parent + " " + d.Name
	}
	require.Equal(t,
		urn(map[string]string{"name": "llm-d-modelservice"}),
		urn(map[string]string{"name": "llm-d-modelservice", "decode": `{"enabled":true}`}))
}

func TestLoadBalancingAcceptsLongServiceName(t *testing.T) {
	t.Parallel()
	const name = "a12345678901234567890123456789012345678901234567890123456789012" // 63 characters.
	r := run(t, map[string]string{"service": `{"name":"` + name + `"}`, "loadBalancing": `{"enabled":true}`}, fullCluster())
	require.NoError(t, r.err)
	_, found := r.Find("kubernetes:networking.istio.io/v1:DestinationRule", name+"-lb")
	require.True(t, found)
}
