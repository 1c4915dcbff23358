// Package cluster reads from the live cluster: which kinds it serves, who owns which
// objects, how the Deployments are, and what the API server would admit. It never changes
// anything.
package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// requestTimeout bounds each read, so that an unreachable cluster is reported within
// seconds.
const requestTimeout = 4 * time.Second

// loginTimeout bounds each read that a kubeconfig's credential plugin may precede, which can
// wait for a person. Only the connection is still bounded by requestTimeout.
const loginTimeout = time.Minute

// Cluster is what the stack reads from a live cluster.
type Cluster interface {
	// Version returns the API server's version.
	Version(ctx context.Context) (*version.Version, error)
	// Kinds returns the kinds of an API group version, none if it is not served.
	Kinds(ctx context.Context, gv schema.GroupVersion) (sets.Set[string], error)
	// Namespace returns the metadata of a namespace, nil if there is none.
	Namespace(ctx context.Context, name string) (*metav1.PartialObjectMetadata, error)
	// List returns the metadata of all objects of one resource in a namespace.
	List(ctx context.Context, resource schema.GroupVersionResource, namespace string) ([]metav1.PartialObjectMetadata, error)
	// GatewayClass reports whether a GatewayClass exists, and whether its controller has
	// accepted it.
	GatewayClass(ctx context.Context, name string) (exists, accepted bool, err error)
	// DryRun asks the API server whether it would create an object, without doing so.
	DryRun(ctx context.Context, resource schema.GroupVersionResource, object *unstructured.Unstructured) error
	// Deployments returns the Deployments in a namespace that match a label selector. An empty
	// namespace means all namespaces.
	Deployments(ctx context.Context, namespace, selector string) ([]appsv1.Deployment, error)
	// Pods returns the pods in a namespace that match a label selector.
	Pods(ctx context.Context, namespace, selector string) ([]corev1.Pod, error)
	// LastWords returns the last line that a container has logged before it was last restarted.
	LastWords(ctx context.Context, namespace, pod, container string) (string, error)
	// Get returns an object, nil if there is none.
	Get(ctx context.Context, resource schema.GroupVersionResource, namespace, name string) (*unstructured.Unstructured, error)
}

// Target names a cluster as the Kubernetes provider's settings do.
type Target struct {
	// Kubeconfig is a path or the content. Default: $KUBECONFIG or ~/.kube/config.
	Kubeconfig string
	// Context of the kubeconfig. Default: its current one.
	Context string
	// Cluster of the kubeconfig. Default: the context's.
	Cluster string
}

// client implements Cluster with the API server.
type client struct {
	rest     rest.Interface
	metadata metadata.Interface
	dynamic  dynamic.Interface
}

// ErrNoKubeconfig says that there is no kubeconfig, so that no cluster is meant.
var ErrNoKubeconfig = errors.New("there is no kubeconfig")

// Connect prepares a client; it sends nothing yet. It fails with ErrNoKubeconfig, or if the
// kubeconfig is invalid.
func Connect(target Target) (Cluster, error) {
	cfg, err := restConfig(target)
	if clientcmd.IsEmptyConfig(err) {
		return nil, ErrNoKubeconfig
	}
	if err != nil {
		return nil, fmt.Errorf("loading the kubeconfig: %w", err)
	}
	cfg.Timeout = requestTimeout
	if cfg.ExecProvider != nil {
		cfg.Timeout = loginTimeout
		cfg.Dial = (&net.Dialer{Timeout: requestTimeout}).DialContext
	}
	cfg.QPS = -1                           // A few calls need no throttling.
	cfg.WarningHandler = rest.NoWarnings{} // The provider shows those of the objects that it applies.
	cfg.NegotiatedSerializer = serializer.NewCodecFactory(runtime.NewScheme()).WithoutConversion()
	http, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, err
	}
	c := &client{}
	if c.rest, err = rest.UnversionedRESTClientForConfigAndClient(cfg, http); err != nil {
		return nil, err
	}
	if c.metadata, err = metadata.NewForConfigAndClient(cfg, http); err != nil {
		return nil, err
	}
	if c.dynamic, err = dynamic.NewForConfigAndClient(cfg, http); err != nil {
		return nil, err
	}
	return c, nil
}

func restConfig(target Target) (*rest.Config, error) {
	overrides := &clientcmd.ConfigOverrides{CurrentContext: target.Context}
	overrides.Context.Cluster = target.Cluster
	if strings.Contains(target.Kubeconfig, "\n") || strings.HasPrefix(target.Kubeconfig, "{") {
		raw, err := clientcmd.Load([]byte(target.Kubeconfig))
		if err != nil {
			return nil, err
		}
		return clientcmd.NewDefaultClientConfig(*raw, overrides).ClientConfig()
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = target.Kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides).ClientConfig()
}

func (c *client) Version(ctx context.Context) (*version.Version, error) {
	raw, err := c.rest.Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	var info struct {
		GitVersion string `json:"gitVersion"`
	}
	if err := json.Unmarshal(raw, &info); err != nil {
		return nil, fmt.Errorf("reading the API server's version: %w", err)
	}
	return version.ParseGeneric(info.GitVersion)
}

func (c *client) Kinds(ctx context.Context, gv schema.GroupVersion) (sets.Set[string], error) {
	raw, err := c.rest.Get().AbsPath("/apis", gv.Group, gv.Version).DoRaw(ctx)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list metav1.APIResourceList
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("reading the resources of %s: %w", gv, err)
	}
	kinds := sets.New[string]()
	for _, r := range list.APIResources {
		kinds.Insert(r.Kind)
	}
	return kinds, nil
}

func (c *client) Namespace(ctx context.Context, name string) (*metav1.PartialObjectMetadata, error) {
	resource := schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	namespace, err := c.metadata.Resource(resource).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return namespace, err
}

func (c *client) List(
	ctx context.Context, resource schema.GroupVersionResource, namespace string,
) ([]metav1.PartialObjectMetadata, error) {
	list, err := c.metadata.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil // A kind that the cluster does not serve has no objects.
	}
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

func (c *client) GatewayClass(ctx context.Context, name string) (exists, accepted bool, err error) {
	resource := schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "gatewayclasses"}
	class, err := c.Get(ctx, resource, metav1.NamespaceNone, name)
	if err != nil || class == nil {
		return false, false, err
	}
	conditions, _, err := unstructured.NestedSlice(class.Object, "status", "conditions")
	for _, c := range conditions {
		if condition, is := c.(map[string]any); is && condition["type"] == "Accepted" {
			accepted = condition["status"] == string(metav1.ConditionTrue)
		}
	}
	return true, accepted, err
}

func (c *client) DryRun(ctx context.Context, resource schema.GroupVersionResource, object *unstructured.Unstructured) error {
	_, err := c.dynamic.Resource(resource).Namespace(object.GetNamespace()).
		Create(ctx, object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}
