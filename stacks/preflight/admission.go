package preflight

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/stacks/plan"
)

// checkAdmission asks the API server by a dry run whether it would admit each object, and a
// pod of each Deployment: its validation, Pod Security, LimitRanges, quotas and webhooks
// speak before anything changes.
//
// Every object is sent as a new one under another name, since an update would be judged by
// who owns which field of the existing object.
func (c *checker) checkAdmission(ctx context.Context) error {
	return c.each(ctx, func(ctx context.Context, part plan.Part) error {
		var errs []error
		for _, o := range part.Objects {
			errs = append(errs, c.admit(ctx, part, o, o.String(), o.Resource(), o.Manifest))
			if o.Kind == "Deployment" {
				errs = append(errs, c.admit(ctx, part, o, "pods of "+o.String(), pods, podOf(o)))
			}
		}
		return errors.Join(errs...)
	})
}

var pods = schema.GroupVersionResource{Version: "v1", Resource: "pods"}

// podOf returns a pod as a Deployment creates it, but without its ServiceAccount, which may
// not exist yet.
func podOf(deployment plan.Object) map[string]any {
	template, _ := deployment.Field("spec", "template").(map[string]any)
	pod := runtime.DeepCopyJSON(template)
	pod["apiVersion"], pod["kind"] = "v1", "Pod"
	unstructured.RemoveNestedField(pod, "spec", "serviceAccountName")
	return pod
}

func (c *checker) admit(
	ctx context.Context, part plan.Part, o plan.Object, what string, resource schema.GroupVersionResource, manifest map[string]any,
) error {
	object := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(manifest)}
	object.SetName("")
	object.SetGenerateName(o.Name + "-")
	if o.Namespace != "" {
		object.SetNamespace(c.Namespace)
		if !c.namespaceExists {
			// Any namespace shows whether the object is valid.
			object.SetNamespace(metav1.NamespaceDefault)
		}
	}
	refusal := c.refusal(c.live.DryRun(ctx, resource, object), o, resource)
	if refusal == "" {
		return nil
	}
	return problem(part.Key, fmt.Sprintf("the cluster would refuse the %s: %s", what, refusal), "change what it names")
}

// prefix is how the API server's messages begin: with the kind, and the generated name.
var prefix = regexp.MustCompile(`^.*? is (invalid|forbidden): `)

// refusal returns why the cluster would refuse an object, empty if it would not, or if only
// the dry run failed.
func (c *checker) refusal(err error, o plan.Object, resource schema.GroupVersionResource) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return ""
	}
	s := status.Status()
	message := prefix.ReplaceAllString(s.Message, "")
	switch {
	case s.Code == http.StatusUnprocessableEntity:
		return message
	case o.Namespace != "" && !c.namespaceExists:
		return "" // The rules of another namespace.
	case strings.Contains(message, "cannot create resource"):
		// A preview needs no permission to create, nor does a Deployment's user to create pods.
		if c.preview || resource == pods || c.existing.Has(o.String()) {
			return ""
		}
		return message
	case strings.Contains(message, "exceeded quota"), strings.Contains(message, "attempting to grant RBAC permissions"):
		if c.existing.Has(o.String()) {
			return "" // The quota counts it already, and its permissions were granted.
		}
		return message
	case s.Code == http.StatusForbidden,
		strings.Contains(message, "denied the request"), strings.Contains(message, "failed calling webhook"):
		return message
	}
	return "" // Such as a webhook that supports no dry run.
}
