package config

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// bad returns configurations with problems of every kind.
func bad() []map[string]string {
	return []map[string]string{
		// Conflicts.
		{"prefill": `{"enabled":true}`},
		{"inferencePool": `{"enabled":true}`},
		{"inferenceGateway": `{"enabled":true}`},
		{"inferenceGateway": `{"auth":{"enabled":true}}`},
		{"inferenceGateway": `{"enabled":true,"standard":{"enabled":true},"istio":{"enabled":true},"auth":{"enabled":true}}`},
		{"inferenceGateway": `{"enabled":true,"standard":{"enabled":true},"auth":{"enabled":true}}`, "gateway": `{"enabled":true}`},
		{"inferenceGateway": `{"enabled":true,"istio":{"enabled":true}}`, "gateway": `{"enabled":true}`},
		{"epp": `{"enabled":true}`, "prefill": `{"enabled":true,"port":8300}`, "decode": `{"enabled":true}`},
		{"epp": `{"enabled":true}`, "prefill": `{"enabled":true}`, "decode": `{"enabled":true,"port":65535}`},
		{"service": `{"name":"gaie-sim-epp"}`},
		{"service": `{"name":"ms-sim-llm-sim-decode"}`},
		// Resources.
		{"resources": `{"requests":{"nvidia.com/gpu":1}}`},
		{"resources": `{"requests":{"nvidia.com/gpu":1},"limits":{"nvidia.com/gpu":"2"}}`},
		{"resources": `{"limits":{"nvidia.com/gpu":"500m"}}`},
		{"resources": `{"limits":{"requests.nvidia.com/gpu":1}}`},
		{"resources": `{"limits":{"cpus":"1","a \"b\" ; c.d":"1","":"1","$(x)'[0]":1}}`},
		{"resources": `{"requests":{"hugepages-2Mi":"64Mi","cpu":"1"}}`},
		{"resources": `{"requests":{"hugepages-2Mi":"32Mi","cpu":"1"},"limits":{"hugepages-2Mi":"64Mi"}}`},
		{"resources": `{"limits":{"hugepages-2Mi":"64Mi"}}`},
		{"resources": `{"limits":{"hugepages-2Mi":"3Mi","cpu":"1"}}`},
		{"resources": `{"limits":{"hugepages-foo":"64Mi"}}`},
		{"resources": `{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}`},
		{"decode": `{"resources":{"requests":{"nvidia.com/gpu":"lots","memory":"-1Mi"}}}`},
		// Lists.
		{"imagePullSecrets": `[{"name":"regcred"},{"name":5},{"a":1,"name":"b"},null,"a","a"]`},
		{"imagePullSecrets": "regcred"},
		{"imagePullSecrets": `["x","a","a","UPPER","a"]`},
		{"decode": `{"args":["--port=1","--x","--seed","3","","--v","--model=x"]}`},
		{"decode": `{"args":"--port 1 'or' so"}`},
		{"decode": `{"args":[1,true,1.5,{"a":[]},[]]}`},
		// Unknown keys.
		{"replcas": "4"},
		{"replcas": "many"},
		{"replcas": "4", "replicas": "5"},
		{"-replicas": "1"},
		{"": "x"},
		{"a b;c": "x"},
		{"decod": `{"enabled":true,"args":["--a","-1"],"image":"12345","port":8300,"resources":{"limits":{"nvidia.com/gpu":1,"cpu":1.5}}}`},
		{"decod": `{"enabled":true,"args":[]}`},
		{"decod": `null`},
		{"decode": `{"Replicas":4,"argz":["true","a&b"],"porrt":-1,"imagee":"x y","logverbosity":{"a":"b"},"enable":null}`},
		{"decode": `{"Replicas":4,"replicas":2}`},
		{"imagePullSecret": "regcred"},
		{"imagePullSecret": `["a","b"]`},
		{"schedulerNamespace": "x"},
		{"decode.replicas": "4"},
		{"decode.args[0]": "--x"},
		{"decode.replicas": "many"},
		{"decode.image": "1"},
		{"a.b[": "1"},
		{"epp.apiKey": "hush"},
		{"epp": `{"apiKey":"hush"}`},
		{"simulator": `{"timeToFirsToken":"100ms","interTokenLatncy":10,"modl":"-x;*"}`},
		{"simulator": `{"time.to":"1","to\"ken":"2","a\nb":3,"modle":"a\nb"}`},
		{"service": `{"nam":"8"}`},
		// Wrong shapes.
		{"decode": "enabled"},
		{"decode": `[1]`},
		{"decode": `{"resources":[1],"routingSidecar":"off"}`},
		{"decode": `{"image":12345}`},
		{"service": `{"name":5,"type":true}`},
		{"epp": `{"image":{"a":"b"}}`},
		{"resources": `{"requests":5}`},
		{"loadBalancing": `{"connectionPool":{"maxRequestsPerConnection":"one"}}`},
		{"networkPolicy": `{"proxyService":"no"}`},
		{"loadBalancing": `{"algorithm":"ROUNDROBIN"}`},
		{"imagePullPolicy": "OTHER"},
		// Text instead of an object.
		{"epp": `{"enabled":true,"pluginsConfig":"kind: Other"}`},
		{"epp": `{"pluginsConfig":"a: 1\na: 2"}`},
		{"epp": `{"pluginsConfig":"text"}`},
		{"epp": `{"pluginsConfig":""}`},
		// Other namespaces.
		{"llm-d-sin:replicas": "4"},
		{"llm-d-sin:replicas": "4", "replicas": "3"},
		{"llm-d-Sim:replcas": "4"},
		{"other:decode": `{"enabled":true}`},
		{"kubernetes:foo": "1"},
		{"kubernetes:kubecontext": "a b"},
		{"kubernetes:contxt": "-x"},
		{"kubernets:context": "x"},
		{"kubernetes:namespace": "other"},
		{"kubernetes:namespace": "other", "namespace": "mine"},
		{"kubernetes:enableServerSideApply": "false"},
		{"kubernetes:enableConfigMapMutable": "0"},
		{"kubernetes:deleteUnreachable": "yes"},
		{"kubernetes:renderYamlToDirectory": "x"},
		{"kubernetes:clusterIdentifier": "x"},
		{"kubernetes:kubeClientSettings": `{"qps":"fast","brust":3}`},
	}
}

// badValues returns configurations of one value each: every value of the Spec, set to
// whatever people may type.
func badValues(t *testing.T) []map[string]string {
	t.Helper()
	var list []map[string]string
	for _, path := range leaves(reflect.TypeFor[Spec](), nil) {
		for _, value := range []any{
			-1, 0, 11, 70000, math.MaxInt32 + 1, 1.5, true, "", "-1", "0", "1 or so", "-1s", "Not_A_Name", "it's; $(a) & *~",
			map[string]any{"a": "b"},
			map[string]any{},
			[]any{""},
			[]any{7},
			[]any{},
			nil,
		} {
			list = append(list, nested(t, path, value))
		}
		typo := slices.Clone(path)
		typo[len(typo)-1] += "x"
		list = append(list, nested(t, typo, 1), nested(t, typo, "x"))
	}
	return list
}

// leaves returns the paths of all single values, and of the objects that hold them.
func leaves(of reflect.Type, path []string) [][]string {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	var list [][]string
	if len(path) > 0 {
		list = append(list, path)
	}
	if of.Kind() == reflect.Struct && of != durationType && of != resourcesType {
		for key, value := range fields(reflect.New(of).Elem()) {
			list = append(list, leaves(value.Type(), append(slices.Clone(path), key))...)
		}
	}
	return list
}

// nested returns a configuration with a single value.
func nested(t *testing.T, path []string, value any) map[string]string {
	t.Helper()
	for _, key := range slices.Backward(path[1:]) {
		value = map[string]any{key: value}
	}
	if text, is := value.(string); is {
		return map[string]string{path[0]: text}
	}
	raw, err := json.Marshal(value)
	require.NoError(t, err)
	return map[string]string{path[0]: string(raw)}
}

// in adds the namespace to keys that have none.
func in(values map[string]string) map[string]string {
	full := map[string]string{}
	for key, value := range values {
		if namespaced, _, _ := strings.Cut(key, "."); !strings.Contains(namespaced, ":") {
			key = Namespace + ":" + key
		}
		full[key] = value
	}
	return full
}
