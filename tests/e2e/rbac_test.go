package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// TestEPPHasOnlyThePermissionsItNeeds asks the API server about every verb on everything
// that it serves.
func TestEPPHasOnlyThePermissionsItNeeds(t *testing.T) {
	t.Parallel()
	lab.InstallCRDs(t)
	client := lab.Client(t)
	s := lab.NewStack(t, "rbac", map[string]any{"epp": map[string]any{"enabled": true}})
	read := []string{"get", "list", "watch"}
	pods := rules("pods", read...)
	pool := slices.Concat(pods,
		rules("inferencepools.inference.networking.k8s.io", read...),
		rules("inferenceobjectives.inference.networking.x-k8s.io", read...))
	leader := slices.Concat(rules("events", "create", "patch"),
		rules("leases.coordination.k8s.io", "create", "delete", "get", "list", "patch", "update", "watch"))
	s.Up()
	everyone := allowed(t, client, s, "default")
	for _, test := range []struct {
		replicas, pool string
		want           []string
	}{
		{"1", "false", pods},
		{"2", "false", slices.Concat(pods, leader)},
		{"2", "true", slices.Concat(pool, leader)},
		{"1", "true", pool},
	} {
		s.Set("epp.replicas", test.replicas)
		s.Set("inferencePool.enabled", test.pool)
		s.Up()
		var may []string
		for _, action := range allowed(t, client, s, llmd.EPPName) {
			if !slices.Contains(everyone, action) { // Otherwise it is not granted by the stack.
				may = append(may, action)
			}
		}
		slices.Sort(test.want)
		require.Equal(t, test.want, may, "replicas %s, pool %s", test.replicas, test.pool)
		fmt.Printf("EPP, replicas %s, pool %s: %d actions allowed, %d refused\n", test.replicas, test.pool, len(may), asked-len(may))
	}
}

func rules(resource string, verbs ...string) []string {
	var list []string
	for _, verb := range verbs {
		list = append(list, verb+" "+resource)
	}
	return list
}

// asked counts the actions that allowed has asked about.
var asked int

// allowed lists what a service account of the stack's namespace may do there, and
// elsewhere.
func allowed(t *testing.T, client kubernetes.Interface, s *labtest.Stack, account string) []string {
	t.Helper()
	lists, err := client.Discovery().ServerPreferredResources()
	require.NoError(t, err)
	asked = 0
	var may []string
	ask := func(namespace, group, resource, verb string) bool {
		asked++
		resource, subresource, _ := strings.Cut(resource, "/")
		review, err := client.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{
				User:   "system:serviceaccount:" + s.Namespace + ":" + account,
				Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + s.Namespace, "system:authenticated"},
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Namespace: namespace, Group: group, Resource: resource, Subresource: subresource, Verb: verb,
				},
			},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		return review.Status.Allowed
	}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		require.NoError(t, err)
		resources := []string{"pods/exec", "pods/log", "pods/portforward", "serviceaccounts/token"}
		if gv.Group != "" {
			resources = nil
		}
		for _, r := range list.APIResources {
			resources = append(resources, r.Name)
		}
		for _, resource := range resources {
			for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "escalate", "bind", "impersonate"} {
				action := verb + " " + schema.GroupResource{Group: gv.Group, Resource: resource}.String()
				if ask(s.Namespace, gv.Group, resource, verb) {
					may = append(may, action)
				}
				if ask("kube-system", gv.Group, resource, verb) {
					may = append(may, action+" in kube-system")
				}
			}
		}
	}
	slices.Sort(may)
	return may
}
