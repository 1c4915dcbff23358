package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// drift is a change behind Pulumi's back.
type drift struct {
	name, object string
	// kubectl is the command that makes the change.
	kubectl []string
	// repaired is a path in the object that `up --refresh` restores.
	repaired []any
}

// anotherPort is the one drift that fails a preview, which shows it nevertheless.
const anotherPort = "Service port changed"

// TestEveryDriftIsShownAndRepaired makes several changes at a time, to different objects.
func TestEveryDriftIsShownAndRepaired(t *testing.T) {
	t.Parallel()
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
			// A preview deletes nothing, so both ports end up in the API server's validation.
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
	recordFault(fmt.Sprintf("%d drifts by hand", n), "each was shown by a preview and repaired")
	require.GreaterOrEqual(t, n, 20)
}

// shown lists the objects that a preview's diff mentions, by kind and name.
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
