package tests

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
)

// fakeCluster answers with what a test puts into it.
type fakeCluster struct {
	target      cluster.Target // What the program connected to.
	version     string
	connectErr  error
	unreachable bool
	kinds       map[schema.GroupVersion][]string
	namespaces  map[string]metav1.PartialObjectMetadata
	objects     map[schema.GroupVersionResource][]metav1.PartialObjectMetadata
	classes     map[string]bool // By name, whether it is accepted.
	deployments []appsv1.Deployment
	before      [][]appsv1.Deployment // Returned by Deployments first, one after the other.
	settle      time.Duration         // How long the program waits for them.
	istiods     []appsv1.Deployment
	refusals    map[string]error // By kind, what the API server says of new objects.
	dryRuns     []*unstructured.Unstructured
	apiService  *unstructured.Unstructured // The API server's own.
	apiErr      error                      // What reading it answers.
	mu          sync.Mutex
	routing     map[string]*unstructured.Unstructured // By resource and name; nil means all is well.
}

var _ cluster.Cluster = (*fakeCluster)(nil)

// bareCluster serves only Kubernetes itself.
func bareCluster() *fakeCluster { return &fakeCluster{version: "v1.35.1"} }

// fullCluster serves everything that any part of the stack needs.
func fullCluster() *fakeCluster {
	c := bareCluster()
	c.kinds = map[schema.GroupVersion][]string{
		{Group: "networking.istio.io", Version: "v1"}:                 {"DestinationRule", "Gateway"},
		{Group: "networking.istio.io", Version: "v1alpha3"}:           {"EnvoyFilter"},
		{Group: "keda.sh", Version: "v1alpha1"}:                       {"ScaledObject"},
		{Group: "gateway.networking.k8s.io", Version: "v1"}:           {"Gateway", "HTTPRoute"},
		{Group: "inference.networking.k8s.io", Version: "v1"}:         {"InferencePool"},
		{Group: "monitoring.coreos.com", Version: "v1"}:               {"ServiceMonitor", "PodMonitor", "PrometheusRule"},
		{Group: "inference.networking.x-k8s.io", Version: "v1alpha2"}: {"InferenceObjective"},
		{Group: "llm-d.ai", Version: "v1alpha2"}:                      {"InferenceObjective"},
	}
	c.classes = map[string]bool{"istio": true}
	return c
}

func (f *fakeCluster) connect(target cluster.Target) (cluster.Cluster, error) {
	f.target = target
	if f.connectErr != nil {
		return nil, f.connectErr
	}
	return f, nil
}

func (f *fakeCluster) Version(context.Context) (*version.Version, error) {
	if f.unreachable {
		return nil, errors.New("connection refused")
	}
	return version.ParseGeneric(f.version)
}

func (f *fakeCluster) Kinds(_ context.Context, gv schema.GroupVersion) (sets.Set[string], error) {
	return sets.New(f.kinds[gv]...), nil
}

func (f *fakeCluster) Namespace(_ context.Context, name string) (*metav1.PartialObjectMetadata, error) {
	if ns, found := f.namespaces[name]; found {
		return &ns, nil
	}
	return nil, nil
}

func (f *fakeCluster) List(
	_ context.Context, resource schema.GroupVersionResource, namespace string,
) ([]metav1.PartialObjectMetadata, error) {
	var list []metav1.PartialObjectMetadata
	for _, o := range f.objects[resource] {
		if o.Namespace == namespace {
			list = append(list, o)
		}
	}
	return list, nil
}

func (f *fakeCluster) GatewayClass(_ context.Context, name string) (exists, accepted bool, err error) {
	accepted, exists = f.classes[name]
	return exists, accepted, nil
}

func (f *fakeCluster) DryRun(_ context.Context, _ schema.GroupVersionResource, object *unstructured.Unstructured) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dryRuns = append(f.dryRuns, object)
	return f.refusals[object.GetKind()]
}

func (f *fakeCluster) Deployments(_ context.Context, namespace, _ string) ([]appsv1.Deployment, error) {
	if namespace == metav1.NamespaceAll {
		return f.istiods, nil
	}
	if len(f.before) > 0 {
		first := f.before[0]
		f.before = f.before[1:]
		return first, nil
	}
	return f.deployments, nil
}

func (f *fakeCluster) Pods(context.Context, string, string) ([]corev1.Pod, error) { return nil, nil }

func (f *fakeCluster) LastWords(context.Context, string, string, string) (string, error) {
	return "", nil
}

// Get returns an object that its controller has put to work, unless the test has another.
func (f *fakeCluster) Get(
	_ context.Context, resource schema.GroupVersionResource, _, name string,
) (*unstructured.Unstructured, error) {
	if name == "kubernetes" {
		return f.apiService, f.apiErr
	}
	if f.routing != nil {
		return f.routing[resource.Resource+" "+name], nil
	}
	var conditions []any
	for _, condition := range []string{"Accepted", "Programmed", "ResolvedRefs"} {
		conditions = append(conditions, map[string]any{"type": condition, "status": "True"})
	}
	return &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{
		"conditions": conditions, "parents": []any{map[string]any{"conditions": conditions}},
	}}}, nil
}

// ready returns a Deployment whose replicas are all ready.
func ready(name string, replicas int32) appsv1.Deployment {
	return appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas},
		Status:     appsv1.DeploymentStatus{ReadyReplicas: replicas, UpdatedReplicas: replicas},
	}
}

// without returns a copy of the cluster that lacks one kind.
func (f *fakeCluster) without(kind string) *fakeCluster {
	f.kinds = maps.Clone(f.kinds)
	for gv, kinds := range f.kinds {
		f.kinds[gv] = slices.DeleteFunc(slices.Clone(kinds), func(k string) bool { return k == kind })
	}
	return f
}
