// Package components holds the building blocks of the llm-d simulator stack as
// Pulumi component resources: EPP, InferenceGateway, ModelServiceStage,
// ProxyService, GatewayAPI and IstioLoadBalancing.
//
// They take everything by their Args and read neither configuration nor cluster,
// so any Pulumi program in Go can compose them. Object names are the ones that
// llm-d's tools look for (package llmd), hence one of each fits in a namespace.
package components

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"time"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// Common is what all components of one stack share.
type Common struct {
	// Namespace of every object. Pass the output of the Namespace resource, so that
	// the objects wait for it. Required.
	Namespace pulumi.StringInput

	// Instance is the app.kubernetes.io/instance label of every object. Required.
	Instance string

	// Owner names the Pulumi stack in an annotation of every object, which tells
	// its objects from those of others. Default: not annotated.
	Owner string

	// ImagePullSecrets names Secrets in Namespace to pull images with. Default: none.
	ImagePullSecrets []string

	// NetworkPolicy closes pods to all who have no business with them, by a NetworkPolicy
	// for each component. The cluster's network has to enforce it. Default: open.
	NetworkPolicy bool

	// EditedBy says, by kind and name ("Role gaie-sim-epp"), who has edited a Role,
	// RoleBinding or NetworkPolicy since it was applied. An annotation with that has it
	// applied again, where the provider would not see what was added. Default: nobody.
	EditedBy map[string]string

	// ReadyTimeout is how long to wait for a Deployment, or a Gateway, to become ready.
	// Default: the Kubernetes provider's, 10 minutes.
	ReadyTimeout time.Duration
}

func (c Common) validate() error {
	var errs []error
	if c.Namespace == nil {
		errs = append(errs, errors.New("namespace is required"))
	}
	if c.Instance == "" {
		errs = append(errs, errors.New("instance is required"))
	}
	return errors.Join(errs...)
}

// partOf is the app.kubernetes.io/part-of label of every object.
const partOf = "llm-d-sim"

// PartOfSelector selects the objects of one stack.
func PartOfSelector(instance string) string {
	return fmt.Sprintf("app.kubernetes.io/part-of=%s,app.kubernetes.io/instance=%s", partOf, instance)
}

// metadata returns the metadata of the object `name` that belongs to `component`.
// Each call makes fresh maps, since Pulumi's maps are mutable.
func (c Common) metadata(name, component string, labels, annotations map[string]string) *metav1.ObjectMetaArgs {
	all := c.labels(name, component)
	maps.Copy(all, labels)
	notes := OwnedBy(c.Owner)
	maps.Copy(notes, annotations)
	return &metav1.ObjectMetaArgs{
		Name:        pulumi.String(name),
		Namespace:   c.Namespace,
		Labels:      stringMap(all),
		Annotations: pulumi.ToStringMap(notes),
	}
}

// editedMetadata is metadata that tells who has edited the object, so that it is applied anew.
func (c Common) editedMetadata(kind, name, component string) *metav1.ObjectMetaArgs {
	var annotations map[string]string
	if by := c.EditedBy[kind+" "+name]; by != "" {
		annotations = map[string]string{llmd.EditedByAnnotation: by}
	}
	return c.metadata(name, component, nil, annotations)
}

// OwnedBy returns the annotations of an object that belongs to the Pulumi stack owner,
// which is not named if empty.
func OwnedBy(owner string) map[string]string {
	annotations := map[string]string{
		// An update prevails over what others changed by hand, rather than failing with
		// a conflict: a `kubectl scale` is drift to repair.
		"pulumi.com/patchForce": "true",
	}
	if owner != "" {
		annotations[llmd.StackAnnotation] = owner
	}
	return annotations
}

// stringMap leaves an empty map out, rather than sending it.
func stringMap(m map[string]string) pulumi.StringMapInput {
	if len(m) == 0 {
		return nil
	}
	return pulumi.ToStringMap(m)
}

func (c Common) labels(name, component string) map[string]string {
	return map[string]string{
		"app.kubernetes.io/name":       name,
		"app.kubernetes.io/instance":   c.Instance,
		"app.kubernetes.io/component":  component,
		"app.kubernetes.io/part-of":    partOf,
		"app.kubernetes.io/managed-by": "pulumi",
	}
}

// selector returns the labels that select the pods of `name`. They are constants,
// since a Deployment's selector can't change, and equal for no two names.
func selector(name string) map[string]string {
	return map[string]string{"app.kubernetes.io/name": name}
}

// checksum makes a pod template change whenever the content mounted into it does. That of
// a secret tells nothing of it.
func checksum(content pulumi.StringInput) pulumi.StringMap {
	sum := content.ToStringOutput().ApplyT(func(content string) string {
		sum := sha256.Sum256([]byte(content))
		return hex.EncodeToString(sum[:8])
	})
	return pulumi.StringMap{"llm-d-sim/config-checksum": pulumi.Unsecret(sum).(pulumi.StringOutput)}
}

// checkReplicas and checkPort hold the bounds that several components share.
func checkReplicas(n int) error {
	if n < 0 {
		return fmt.Errorf("replicas must be 0 or more, got %d", n)
	}
	return nil
}

func checkPort(field string, port int) error {
	if port < 1 || port > 65535 {
		return fmt.Errorf("%s must be within 1 to 65535, got %d", field, port)
	}
	return nil
}

// timeouts adds the time to wait to a resource's options.
func (c Common) timeouts(opts ...pulumi.ResourceOption) []pulumi.ResourceOption {
	if c.ReadyTimeout == 0 {
		return opts
	}
	timeout := c.ReadyTimeout.String()
	return append(opts, pulumi.Timeouts(&pulumi.CustomTimeouts{Create: timeout, Update: timeout}))
}
