package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// checkAddresses refuses a cluster whose only, or first, address family is IPv6: the
// simulator listens on IPv4 alone (v0.10.2), so the kubelet would restart it again and
// again. The family is that of the API server's own Service, which not everybody may read.
func (c *checker) checkAddresses(ctx context.Context) error {
	services := schema.GroupVersionResource{Version: "v1", Resource: "services"}
	service, err := c.live.Get(ctx, services, metav1.NamespaceDefault, "kubernetes")
	if apierrors.IsForbidden(err) || err == nil && service == nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the API server's Service: %w", err)
	}
	families, _, err := unstructured.NestedStringSlice(service.Object, "spec", "ipFamilies")
	if slices.Contains(families, string(corev1.IPv6Protocol)) {
		return errors.New("the cluster's pods have IPv6 addresses, but llm-d's simulator listens on IPv4 only: " +
			"use a cluster with IPv4, or with both and IPv4 first")
	}
	return err
}
