package tests

import (
	"errors"
	"maps"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/recorder"
	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
)

// owner is the name of the stack under test.
const owner = "organization/llm-d-sim/test"

// identity are the resources that identify a state.
var identity = []string{"pulumi:providers:random", "random:index/randomUuid:RandomUuid"}

// refused requires that the program said why, and registered nothing.
func refused(t *testing.T, r result, messages ...string) {
	t.Helper()
	require.Error(t, r.err)
	for _, message := range messages {
		require.ErrorContains(t, r.err, message)
	}
	for _, reg := range r.Registrations() {
		require.Contains(t, identity, reg.Type, "nothing is registered but what identifies the state")
	}
}

func TestBadConfigurationRegistersNothing(t *testing.T) {
	t.Parallel()
	refused(t, run(t, map[string]string{"replicas": "0"}, bareCluster()), "replicas = 0: must be 1 or more")
}

func TestSettingWithoutEffectIsOnlyAWarning(t *testing.T) {
	t.Parallel()
	r := run(t, map[string]string{"decode": `{"replicas":4}`}, bareCluster())
	require.NoError(t, r.err)
	_, found := r.Find("kubernetes:apps/v1:Deployment", "ms-sim-llm-sim-decode")
	require.True(t, found)
}

func TestProviderSettingsAreHonoured(t *testing.T) {
	t.Parallel()
	live := bareCluster()
	r := run(t, map[string]string{
		"kubernetes:context": "there", "kubernetes:cluster": "second", "kubernetes:deleteUnreachable": "true",
		"kubernetes:kubeClientSettings": `{"burst":7,"timeout":9}`,
	}, live)
	require.NoError(t, r.err)
	require.Equal(t, cluster.Target{Context: "there", Cluster: "second"}, live.target, "preflight looks at the same cluster")
	provider, found := r.Find("pulumi:providers:kubernetes", "kubernetes")
	require.True(t, found)
	for input, want := range map[string]string{
		"context": "there", "cluster": "second", "deleteUnreachable": "true", "kubeClientSettings": "burst",
	} {
		require.Contains(t, recorder.Text(provider.Inputs[input]), want)
	}
}

func TestMissingKindsAreReported(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		values map[string]string
		lacks  string
		want   []string
	}{
		"load balancing": {
			map[string]string{"loadBalancing": `{"enabled":true}`},
			"DestinationRule",
			[]string{"loadBalancing.enabled", "DestinationRule (networking.istio.io/v1)", "install Istio", "loadBalancing.enabled false"},
		},
		"istio gateway": {
			map[string]string{"inferenceGateway": `{"enabled":true,"istio":{"enabled":true}}`},
			"Gateway",
			[]string{"inferenceGateway.istio.enabled", "install the Gateway API"},
		},
		"gateway": {
			map[string]string{"gateway": `{"enabled":true}`},
			"HTTPRoute",
			[]string{"gateway.enabled", "HTTPRoute (gateway.networking.k8s.io/v1)", "install the Gateway API"},
		},
		"pool": {
			map[string]string{"epp": `{"enabled":true,"image":"epp:v0.4.0"}`, "inferencePool": `{"enabled":true}`},
			"InferenceObjective",
			[]string{"inferencePool.enabled", "InferenceObjective", "inference extension v1.5.0"},
		},
		"objectives": {
			map[string]string{"epp": `{"enabled":true}`, "objectives": `{"batch":{"priority":-1}}`},
			"InferenceObjective",
			[]string{"objectives: ", "InferenceObjective (llm-d.ai/v1alpha2)", "llm-d.ai_inferenceobjectives.yaml", "off: pulumi config rm objectives"},
		},
		"objectives of an older EPP": {
			map[string]string{"epp": `{"enabled":true,"image":"epp:v0.7.1"}`, "objectives": `{"batch":{"priority":-1}}`},
			"InferenceObjective",
			[]string{"InferenceObjective (inference.networking.x-k8s.io/v1alpha2)", "inference extension v1.5.0", "pulumi config rm objectives"},
		},
		"autoscaler": {
			map[string]string{"decode": `{"enabled":true,"autoscaling":{"enabled":true}}`},
			"ScaledObject",
			[]string{"decode.autoscaling.enabled", "ScaledObject (keda.sh/v1alpha1)", "install KEDA 2.20", "decode.autoscaling.enabled false"},
		},
	} {
		refused(t, run(t, test.values, bareCluster()), test.want...)
		refused(t, run(t, test.values, fullCluster().without(test.lacks), preview), test.want...)
		require.NoError(t, run(t, test.values, fullCluster()).err, name)
	}
}

func TestGatewaysWithoutControllerAreRefused(t *testing.T) {
	t.Parallel()
	own := map[string]string{"gateway": `{"enabled":true,"className":"kgateway"}`}
	istio := map[string]string{"inferenceGateway": `{"enabled":true,"istio":{"enabled":true}}`, "epp": `{"enabled":true}`}
	cluster := func(classes map[string]bool, istiods ...appsv1.Deployment) *fakeCluster {
		c := fullCluster()
		c.classes, c.istiods = classes, istiods
		return c
	}
	refused(t, run(t, own, cluster(nil)),
		"gateway.enabled: there is no GatewayClass kgateway: install a controller for it", "gateway.enabled false")
	refused(t, run(t, own, cluster(map[string]bool{"kgateway": false})), "no controller has accepted GatewayClass kgateway")
	require.NoError(t, run(t, own, cluster(map[string]bool{"kgateway": true})).err)
	refused(t, run(t, istio, cluster(nil)), "inferenceGateway.istio.enabled: there is no GatewayClass istio: install Istio")

	istiod := func(env ...corev1.EnvVar) appsv1.Deployment {
		d := ready("istiod", 1)
		d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "discovery", Env: env}}
		return d
	}
	accepted := map[string]bool{"istio": true}
	down := istiod()
	down.Status.ReadyReplicas = 0
	refused(t, run(t, istio, cluster(accepted, down)), "inferenceGateway.istio.enabled: istiod is not ready")
	support := corev1.EnvVar{Name: "ENABLE_GATEWAY_API_INFERENCE_EXTENSION", Value: "true"}
	refused(t, run(t, istio, cluster(accepted, istiod())), "istiod does not support InferencePools",
		"ENABLE_GATEWAY_API_INFERENCE_EXTENSION=true", "pulumi config set --path inferencePool.enabled false")
	require.NoError(t, run(t, istio, cluster(accepted, istiod(support))).err)
	istio["inferencePool"] = `{"enabled":false}`
	require.NoError(t, run(t, istio, cluster(accepted, istiod())).err, "no pool, nothing to support")
}

func TestOldClusterIsRefused(t *testing.T) {
	t.Parallel()
	old := bareCluster()
	old.version = "v1.29.9"
	refused(t, run(t, nil, old), "kubernetes 1.29.9 is too old: 1.30 or newer")
}

func TestUnreachableClusterFailsUpButNotPreview(t *testing.T) {
	t.Parallel()
	gone := bareCluster()
	gone.unreachable = true
	refused(t, run(t, nil, gone), "the cluster can't be reached: connection refused")
	require.NoError(t, run(t, nil, gone, preview).err)
}

func TestNamespacesAreNotTakenOver(t *testing.T) {
	t.Parallel()
	namespace := func(annotations map[string]string) *fakeCluster {
		c := bareCluster()
		c.namespaces = map[string]metav1.PartialObjectMetadata{
			"llm-d-sim": {ObjectMeta: metav1.ObjectMeta{Name: "llm-d-sim", Annotations: annotations}},
		}
		return c
	}
	ours := map[string]string{llmd.StackAnnotation: owner}
	adopt := map[string]string{"createNamespace": "false"}

	refused(t, run(t, nil, namespace(nil)), "namespace llm-d-sim exists already and was not made by this stack",
		"pulumi config set createNamespace false")
	refused(t, run(t, nil, namespace(map[string]string{llmd.StackAnnotation: "organization/llm-d-sim/other"})),
		"belongs to another Pulumi stack, organization/llm-d-sim/other")
	refused(t, run(t, adopt, bareCluster()), "namespace llm-d-sim does not exist")
	refused(t, run(t, adopt, namespace(ours)), "would delete it with everything in it")

	require.NoError(t, run(t, nil, namespace(ours)).err)
	adopted := run(t, adopt, namespace(nil))
	require.NoError(t, adopted.err)
	_, found := adopted.Find("kubernetes:core/v1:Namespace", "llm-d-sim")
	require.False(t, found, "an adopted namespace is not managed")

	deleting := namespace(ours)
	ns := deleting.namespaces["llm-d-sim"]
	ns.DeletionTimestamp = &metav1.Time{}
	deleting.namespaces["llm-d-sim"] = ns
	refused(t, run(t, nil, deleting), "is being deleted")
}

func TestObjectsAreNotTakenOver(t *testing.T) {
	t.Parallel()
	deployments := schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	live := func(o metav1.ObjectMeta) *fakeCluster {
		c := bareCluster()
		c.namespaces = map[string]metav1.PartialObjectMetadata{
			"llm-d-sim": {ObjectMeta: metav1.ObjectMeta{Name: "llm-d-sim"}},
		}
		o.Namespace = "llm-d-sim"
		c.objects = map[schema.GroupVersionResource][]metav1.PartialObjectMetadata{deployments: {{ObjectMeta: o}}}
		return c
	}
	values := map[string]string{"createNamespace": "false", "epp": `{"enabled":true}`}

	refused(t, run(t, values, live(metav1.ObjectMeta{Name: llmd.EPPName})),
		"deployments gaie-sim-epp in namespace llm-d-sim exists already and was not made by this stack",
		"kubectl annotate --overwrite -n llm-d-sim deployments.apps gaie-sim-epp llm-d-sim/stack="+owner)
	refused(t, run(t, values, live(metav1.ObjectMeta{
		Name: llmd.EPPName, OwnerReferences: []metav1.OwnerReference{{Kind: "SimulatorDeployment", Name: "full"}},
	})), "belongs to SimulatorDeployment full")
	refused(t, run(t, values, live(metav1.ObjectMeta{
		Name: llmd.EPPName, Annotations: map[string]string{llmd.StackAnnotation: "organization/llm-d-sim/other"},
	})), "belongs to another Pulumi stack, organization/llm-d-sim/other")

	require.NoError(t, run(t, values, live(metav1.ObjectMeta{
		Name: llmd.EPPName, Annotations: map[string]string{llmd.StackAnnotation: owner},
	})).err)
	require.NoError(t, run(t, values, live(metav1.ObjectMeta{Name: "somebody-elses"})).err)
}

// TestTheStateOwnsItsObjects has a namespace and an object in it with the same annotations.
func TestTheStateOwnsItsObjects(t *testing.T) {
	t.Parallel()
	const another = "11111111-1111-4111-8111-111111111111"
	for name, test := range map[string]struct {
		annotations map[string]string
		refused     string
	}{
		"of this state":                        {map[string]string{llmd.StackAnnotation: owner, llmd.OwnerAnnotation: recorder.UUID}, ""},
		"of this state, before it was renamed": {map[string]string{llmd.StackAnnotation: "organization/llm-d-sim/old", llmd.OwnerAnnotation: recorder.UUID}, ""},
		"of an older version":                  {map[string]string{llmd.StackAnnotation: owner}, ""},
		"of another state with this name": {
			map[string]string{llmd.StackAnnotation: owner, llmd.OwnerAnnotation: another}, "belongs to another Pulumi stack, " + owner,
		},
		"of another stack of an older version": {map[string]string{llmd.StackAnnotation: "organization/llm-d-sim/old"}, "belongs to another Pulumi stack"},
		"of nobody":                            {nil, "was not made by this stack"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live := bareCluster()
			live.namespaces = map[string]metav1.PartialObjectMetadata{
				"llm-d-sim": {ObjectMeta: metav1.ObjectMeta{Name: "llm-d-sim", Annotations: test.annotations}},
			}
			live.objects = map[schema.GroupVersionResource][]metav1.PartialObjectMetadata{
				{Version: "v1", Resource: "services"}: {{ObjectMeta: metav1.ObjectMeta{
					Name: llmd.ProxyServiceName, Namespace: "llm-d-sim", Annotations: test.annotations,
				}}},
			}
			r := run(t, nil, live)
			if test.refused != "" {
				refused(t, r, test.refused)
				return
			}
			require.NoError(t, r.err)
			// The namespace must not be given up: that would delete it.
			refused(t, run(t, map[string]string{"createNamespace": "false"}, live), "would delete it with everything in it")
			service, found := r.Find("kubernetes:core/v1:Service", llmd.ProxyServiceName)
			require.True(t, found)
			annotations := service.Inputs["metadata"].(map[string]any)["annotations"].(map[string]any)
			require.Equal(t, owner, annotations[llmd.StackAnnotation])
			require.Equal(t, recorder.UUID, annotations[llmd.OwnerAnnotation])
		})
	}
}

func TestAPreviewBeforeTheFirstUpdateOwnsNothing(t *testing.T) {
	t.Parallel()
	live := bareCluster()
	live.namespaces = map[string]metav1.PartialObjectMetadata{"llm-d-sim": {ObjectMeta: metav1.ObjectMeta{
		Name: "llm-d-sim", Annotations: map[string]string{llmd.OwnerAnnotation: recorder.UUID},
	}}}
	refused(t, run(t, nil, live, preview), "namespace llm-d-sim exists already")
}

func TestAnObjectWithoutAnnotationsIsDriftInTheStacksOwnNamespace(t *testing.T) {
	t.Parallel()
	live := func(namespace, labels map[string]string) *fakeCluster {
		c := bareCluster()
		c.namespaces = map[string]metav1.PartialObjectMetadata{
			"llm-d-sim": {ObjectMeta: metav1.ObjectMeta{Name: "llm-d-sim", Annotations: namespace}},
		}
		c.objects = map[schema.GroupVersionResource][]metav1.PartialObjectMetadata{
			{Version: "v1", Resource: "services"}: {{ObjectMeta: metav1.ObjectMeta{
				Name: llmd.ProxyServiceName, Namespace: "llm-d-sim", Labels: labels,
			}}},
		}
		return c
	}
	ours, labels := map[string]string{llmd.OwnerAnnotation: recorder.UUID}, map[string]string{llmd.PartOfLabel: llmd.PartOf}
	require.NoError(t, run(t, nil, live(ours, labels)).err)
	const exists = "services gaie-inference-scheduling-proxy in namespace llm-d-sim exists already"
	refused(t, run(t, nil, live(ours, nil)), exists)
	refused(t, run(t, map[string]string{"createNamespace": "false"}, live(nil, labels)), exists)
}

// TestEveryObjectIsLookedFor puts each object that a stack registers into the cluster
// as somebody else's, and requires that the program notices.
func TestPreflightLooksForEveryObject(t *testing.T) {
	t.Parallel()
	resources := map[string]schema.GroupVersionResource{
		"kubernetes:core/v1:ConfigMap":                            {Version: "v1", Resource: "configmaps"},
		"kubernetes:core/v1:Service":                              {Version: "v1", Resource: "services"},
		"kubernetes:core/v1:ServiceAccount":                       {Version: "v1", Resource: "serviceaccounts"},
		"kubernetes:apps/v1:Deployment":                           {Group: "apps", Version: "v1", Resource: "deployments"},
		"kubernetes:rbac.authorization.k8s.io/v1:Role":            {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"},
		"kubernetes:rbac.authorization.k8s.io/v1:RoleBinding":     {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
		"kubernetes:networking.istio.io/v1:DestinationRule":       {Group: "networking.istio.io", Version: "v1", Resource: "destinationrules"},
		"kubernetes:gateway.networking.k8s.io/v1:Gateway":         {Group: "gateway.networking.k8s.io", Version: "v1", Resource: "gateways"},
		"kubernetes:gateway.networking.k8s.io/v1:HTTPRoute":       {Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"},
		"kubernetes:core/v1:Secret":                               {Version: "v1", Resource: "secrets"},
		"kubernetes:networking.k8s.io/v1:NetworkPolicy":           {Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"},
		"kubernetes:networking.istio.io/v1alpha3:EnvoyFilter":     {Group: "networking.istio.io", Version: "v1alpha3", Resource: "envoyfilters"},
		"kubernetes:inference.networking.k8s.io/v1:InferencePool": {Group: "inference.networking.k8s.io", Version: "v1", Resource: "inferencepools"},
	}
	single := maps.Clone(everything)
	delete(single, "prefill")
	delete(single, "decode")
	for name, values := range map[string]map[string]string{
		"stages": everything, "single mode": single, "a key": withKey(1), "nothing": {},
	} {
		values := maps.Clone(values)
		values["createNamespace"] = "false"
		live := fullCluster()
		live.namespaces = map[string]metav1.PartialObjectMetadata{
			"llm-d-sim": {ObjectMeta: metav1.ObjectMeta{Name: "llm-d-sim"}},
		}
		deployed := run(t, values, live)
		require.NoError(t, deployed.err, name)
		for _, reg := range deployed.Registrations() {
			if reg.Object() == "" {
				continue
			}
			resource, known := resources[reg.Type]
			require.True(t, known, "a kind that this test does not know: %s", reg.Type)
			live.objects = map[schema.GroupVersionResource][]metav1.PartialObjectMetadata{resource: {
				{ObjectMeta: metav1.ObjectMeta{Name: reg.Object(), Namespace: "llm-d-sim"}},
			}}
			r := run(t, values, live)
			require.Error(t, r.err, "%s %s of %s", reg.Type, reg.Object(), name)
			refused(t, r, reg.Object()+" in namespace llm-d-sim exists already")
		}
	}
}

func TestEditedObjectsAreReapplied(t *testing.T) {
	t.Parallel()
	at := metav1.NewTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	role := func(annotations map[string]string, fields ...metav1.ManagedFieldsEntry) metav1.PartialObjectMetadata {
		all := map[string]string{llmd.StackAnnotation: owner}
		maps.Copy(all, annotations)
		return metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
			Name: llmd.EPPName, Namespace: "llm-d-sim", Annotations: all, ManagedFields: fields,
		}}
	}
	field := func(manager, fields string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Time: &at, FieldsV1: &metav1.FieldsV1{Raw: []byte(fields)}}
	}
	ours := field("pulumi-kubernetes-1", `{"f:metadata":{},"f:rules":{}}`)
	const when = "kubectl-edit 2026-01-02T03:04:05Z"
	for name, test := range map[string]struct {
		role metav1.PartialObjectMetadata
		want any
	}{
		"no one":             {role(nil, ours), nil},
		"only a label":       {role(nil, ours, field("kubectl-label", `{"f:metadata":{"f:labels":{}}}`)), nil},
		"the rules":          {role(nil, ours, field("kubectl-edit", `{"f:rules":{}}`)), when},
		"restored before":    {role(map[string]string{llmd.EditedByAnnotation: "a"}, ours), "a"},
		"and edited again":   {role(map[string]string{llmd.EditedByAnnotation: "a"}, ours, field("kubectl-edit", `{"f:rules":{}}`)), when},
		"broken bookkeeping": {role(nil, ours, field("kubectl-edit", `{`)), nil},
	} {
		live := bareCluster()
		live.namespaces = map[string]metav1.PartialObjectMetadata{"llm-d-sim": {ObjectMeta: metav1.ObjectMeta{
			Annotations: map[string]string{llmd.StackAnnotation: owner},
		}}}
		live.objects = map[schema.GroupVersionResource][]metav1.PartialObjectMetadata{
			{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "roles"}: {test.role},
		}
		r := run(t, map[string]string{"epp": `{"enabled":true}`}, live)
		require.NoError(t, r.err, name)
		reg, found := r.Find("kubernetes:rbac.authorization.k8s.io/v1:Role", llmd.EPPName)
		require.True(t, found)
		require.Equal(t, test.want, reg.Inputs["metadata"].(map[string]any)["annotations"].(map[string]any)[llmd.EditedByAnnotation], name)
	}
}

func TestPreviewNeedsNoKubeconfig(t *testing.T) {
	t.Parallel()
	gone := bareCluster()
	gone.connectErr = cluster.ErrNoKubeconfig
	require.NoError(t, run(t, nil, gone, preview).err)
	refused(t, run(t, nil, gone), "there is no kubeconfig", "KUBECONFIG")
	gone.connectErr = errors.New(`context "prd" does not exist`)
	refused(t, run(t, nil, gone, preview), "kubernetes:context")
}
