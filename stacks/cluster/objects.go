package cluster

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func (c *client) Get(
	ctx context.Context, resource schema.GroupVersionResource, namespace, name string,
) (*unstructured.Unstructured, error) {
	object, err := c.dynamic.Resource(resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return object, err
}

func (c *client) Deployments(ctx context.Context, namespace, selector string) ([]appsv1.Deployment, error) {
	return listed[appsv1.Deployment](ctx, c, appsv1.SchemeGroupVersion.WithResource("deployments"), namespace, selector)
}

func (c *client) Pods(ctx context.Context, namespace, selector string) ([]corev1.Pod, error) {
	return listed[corev1.Pod](ctx, c, corev1.SchemeGroupVersion.WithResource("pods"), namespace, selector)
}

// listed returns the objects of a resource that match a label selector.
func listed[T any](
	ctx context.Context, c *client, resource schema.GroupVersionResource, namespace, selector string,
) ([]T, error) {
	list, err := c.dynamic.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err
	}
	objects := make([]T, len(list.Items))
	for i, item := range list.Items {
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &objects[i]); err != nil {
			return nil, fmt.Errorf("reading %s %s: %w", resource.Resource, item.GetName(), err)
		}
	}
	return objects, nil
}

func (c *client) LastWords(ctx context.Context, namespace, pod, container string) (string, error) {
	for _, previous := range []string{"true", "false"} {
		raw, err := c.rest.Get().AbsPath("/api/v1/namespaces", namespace, "pods", pod, "log").
			Param("container", container).Param("previous", previous).Param("tailLines", "1").DoRaw(ctx)
		switch words := strings.TrimSpace(string(raw)); {
		case apierrors.IsBadRequest(err), strings.HasPrefix(words, noLog):
			continue // There is no previous one, or it has just been removed.
		default:
			return words, err
		}
	}
	return "", nil
}

// noLog begins what the kubelet answers in place of the log of a container that is gone.
const noLog = "unable to retrieve container logs for "
