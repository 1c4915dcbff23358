// Package components holds the building blocks of the llm-d simulator stack as
// Pulumi component resources: EPP, InferenceGateway, ModelServiceStage,
// ProxyService, GatewayAPI, IstioLoadBalancing, InferenceObjectives, Autoscaler,
// PodDisruptionBudgets and Monitoring.
//
// They take everything from their Args and read neither configuration nor cluster, so any
// Pulumi program in Go can compose them. Object names default to those that llm-d's tools
// look for (package llmd), so a namespace holds one of each,
// or one for each Model.
package components

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// typeToken returns the type of a component, as the state names it.
func typeToken(kind string) string { return "llm-d-sim:index:" + kind }

// common holds the fields that the Args of several components share, with their defaults.
type common struct {
	namespace        pulumi.StringInput
	instance         string
	imagePullSecrets pulumi.StringArrayInput
	networkPolicy    bool
	readyTimeout     string
	clusterDomain    string
	// metrics is nil if no Prometheus reads them.
	metrics *Metrics
}

func (c common) validate() error {
	if c.namespace == nil {
		return errors.New("namespace is required")
	}
	if c.readyTimeout == "" {
		return nil
	}
	if timeout, err := time.ParseDuration(c.readyTimeout); err != nil || timeout <= 0 {
		return fmt.Errorf("ready timeout must be a positive duration such as 5m, got %q", c.readyTimeout)
	}
	return nil
}

// PartOfSelector returns the label selector of all objects of one instance.
func PartOfSelector(instance string) string {
	return fmt.Sprintf("%s=%s,app.kubernetes.io/instance=%s", llmd.PartOfLabel, llmd.PartOf, instance)
}

// metadata returns the metadata of the object `name` that belongs to `component`.
// Each call makes fresh maps, since Pulumi's maps are mutable.
func (c common) metadata(name, component string, labels, annotations map[string]string) *metav1.ObjectMetaArgs {
	all := c.labels(name, component)
	maps.Copy(all, labels)
	notes := map[string]string{
		// An update overrides manual changes instead of failing with a conflict: a `kubectl
		// scale` is drift to repair.
		llmd.PatchForceAnnotation: "true",
	}
	maps.Copy(notes, annotations)
	return &metav1.ObjectMetaArgs{
		Name:        pulumi.String(name),
		Namespace:   c.namespace,
		Labels:      pulumi.ToStringMap(all),
		Annotations: pulumi.ToStringMap(notes),
	}
}

func (c common) labels(name, component string) map[string]string {
	return map[string]string{
		"app.kubernetes.io/name":       name,
		"app.kubernetes.io/instance":   c.instance,
		"app.kubernetes.io/component":  component,
		llmd.PartOfLabel:               llmd.PartOf,
		"app.kubernetes.io/managed-by": "pulumi",
	}
}

// selector returns the labels that select the pods of `name`. They never change, since a
// Deployment's selector is immutable, and no two names share them.
func selector(name string) map[string]string {
	return map[string]string{"app.kubernetes.io/name": name}
}

// checksum changes a pod template whenever the content mounted into the pods changes. The
// checksum of a secret reveals nothing about it.
func checksum(content pulumi.StringInput) pulumi.StringMap {
	sum := content.ToStringOutput().ApplyT(func(content string) string {
		sum := sha256.Sum256([]byte(content))
		return hex.EncodeToString(sum[:8])
	})
	return pulumi.StringMap{"llm-d-sim/config-checksum": pulumi.Unsecret(sum).(pulumi.StringOutput)}
}

// checkReplicas, checkModel and checkPort check what several components share.
func checkReplicas(n *int) error {
	if n != nil && *n < 0 {
		return fmt.Errorf("replicas must be 0 or more, got %d", *n)
	}
	return nil
}

// checkModel checks the name of a model that labels and object names contain.
func checkModel(model string) error {
	if model == "" {
		return nil
	}
	if reasons := validation.IsDNS1123Label(model); len(reasons) > 0 {
		return fmt.Errorf("model must be a DNS label, got %q: %s", model, strings.Join(reasons, "; "))
	}
	return nil
}

func checkPort(field string, port int) error {
	if port < 1 || port > 65535 {
		return fmt.Errorf("%s must be within 1 to 65535, got %d", field, port)
	}
	return nil
}

// timeouts adds the ready timeout to a resource's options.
func (c common) timeouts(opts ...pulumi.ResourceOption) []pulumi.ResourceOption {
	if c.readyTimeout == "" {
		return opts
	}
	return append(opts, pulumi.Timeouts(&pulumi.CustomTimeouts{Create: c.readyTimeout, Update: c.readyTimeout}))
}

// endpoint returns the address of a Service's port within the cluster, host:port.
func (c common) endpoint(service pulumi.StringInput, port int) pulumi.StringOutput {
	return pulumi.Sprintf("%s:%d", c.serviceHost(service), port)
}

// serviceHost returns the DNS name of a Service within the cluster.
func (c common) serviceHost(service pulumi.StringInput) pulumi.StringOutput {
	return pulumi.All(service, c.namespace).ApplyT(func(names []any) string {
		return llmd.ServiceHost(names[0].(string), names[1].(string), or(c.clusterDomain, llmd.ClusterDomain))
	}).(pulumi.StringOutput)
}
