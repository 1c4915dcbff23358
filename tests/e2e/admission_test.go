package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// onlyScanned is a policy of a cluster's administrator, for one namespace.
const onlyScanned = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: only-scanned}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations: [{expression: "has(object.metadata.labels.scanned)", message: "the image has not been scanned"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: only-scanned}
spec:
  policyName: only-scanned
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ns-admission}}}
`

// TestWhatTheClusterRefusesIsToldBeforeAnythingChanges makes the API server refuse pods and
// Services that every schema accepts.
func TestWhatTheClusterRefusesIsToldBeforeAnythingChanges(t *testing.T) {
	t.Parallel()
	s := inNamespace(t, "admission")
	none := s.Objects()
	refused := func(messages ...string) {
		t.Helper()
		before := s.Objects()
		for _, command := range [][]string{{"preview"}, {"up", "--yes", "--skip-preview"}} {
			out, err := s.Pulumi(command...)
			require.Error(t, err)
			for _, message := range append(messages, "nothing was changed") {
				require.Contains(t, out, message)
			}
		}
		require.Equal(t, before, s.Objects())
	}
	quota := func(name, hard string) {
		t.Helper()
		lab.Kubectl(t, "create", "quota", name, "-n", s.Namespace, "--hard="+hard)
		require.Eventually(t, func() bool {
			return lab.Kubectl(t, "get", "quota", name, "-n", s.Namespace, "-o", "jsonpath={.status.used}") != ""
		}, 20*time.Second, 100*time.Millisecond)
	}

	quota("compute", "limits.cpu=8")
	refused("epp.enabled: the cluster would refuse the pods of Deployment gaie-sim-epp: failed quota: compute: must specify limits.cpu",
		"pulumi config set --path epp.enabled false")
	lab.Kubectl(t, "delete", "quota", "compute", "-n", s.Namespace)

	policy := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(policy, []byte(onlyScanned), 0o600))
	lab.Kubectl(t, "apply", "-f", policy)
	require.Eventually(t, func() bool { // The API server compiles it first.
		return lab.Command("kubectl", "run", "probe", "--image=probe", "-n", s.Namespace, "--dry-run=server").Run() != nil
	}, 20*time.Second, 100*time.Millisecond)
	refused("pods of Deployment ms-sim-llm-sim-decode", "the image has not been scanned")
	lab.Kubectl(t, "delete", "-f", policy)
	require.Equal(t, none, s.Objects(), "nothing has been created so far")
	require.Eventually(t, func() bool {
		return lab.Command("kubectl", "run", "probe", "--image=probe", "-n", s.Namespace, "--dry-run=server").Run() == nil
	}, 20*time.Second, 100*time.Millisecond)

	s.Set("inferenceGateway.enabled", "false")
	s.Up()
	quota("full", "services=2") // As many as there are: a stack that changes nothing needs no room.
	s.Up()
	s.Set("inferenceGateway.enabled", "true")
	refused("inferenceGateway.standard.enabled: the cluster would refuse the Service infra-sim-inference-gateway: exceeded quota: full")
}
