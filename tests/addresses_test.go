package tests

import (
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/internal/recorder"
)

func TestClustersWithoutIPv4AreRefused(t *testing.T) {
	t.Parallel()
	live := bareCluster()
	for _, family := range []string{"IPv4", "IPv6"} {
		live.apiService = &unstructured.Unstructured{Object: map[string]any{
			"spec": map[string]any{"ipFamilies": []any{family}},
		}}
		r := run(t, nil, live)
		if family == "IPv4" {
			require.NoError(t, r.err)
			continue
		}
		refused(t, r, "the cluster's pods have IPv6 addresses", "use a cluster with IPv4")
	}
	live.apiService, live.apiErr = nil, apierrors.NewForbidden(schema.GroupResource{Resource: "services"}, "kubernetes", nil)
	require.NoError(t, run(t, nil, live).err, "who may not read the Service is not kept from deploying")
}

func TestServicesAreFoundInTheClustersDomain(t *testing.T) {
	t.Parallel()
	r := run(t, map[string]string{
		"clusterDomain":    "corp.example",
		"epp":              `{"enabled":true}`,
		"loadBalancing":    `{"enabled":true}`,
		"inferenceGateway": `{"enabled":true,"standard":{"enabled":true},"istio":{"enabled":true}}`,
	}, fullCluster())
	require.NoError(t, r.err)
	for _, registered := range r.Registrations() {
		require.NotContains(t, recorder.Text(registered.Inputs), "svc.cluster.local", registered.Name)
	}
	require.Contains(t, r.exports["gatewayURL"], ".svc.corp.example:")
}
