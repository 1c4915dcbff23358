package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// TestPodThatNeverBecomesReadyIsReported requests more memory than a node has, since KWOK's
// pods become ready as soon as they are scheduled. Pulumi names the Deployment; for
// scheduled pods it also names the reason, which tests/traffic covers.
func TestPodThatNeverBecomesReadyIsReported(t *testing.T) {
	t.Parallel()
	s := inNamespace(t, "stuck")
	s.Up()
	s.Set("readyTimeout", "5s")
	s.Set("resources.requests.memory", "4Ti")
	out, took := s.UpFails()
	require.Contains(t, out, "ms-sim-llm-sim-decode")
	require.Contains(t, out, "timed out waiting to be Ready")
	require.Less(t, took, 15*time.Second)
	require.EqualValues(t, 2, labtest.At(t, s.Get("deployment", "ms-sim-llm-sim-decode"), "status", "readyReplicas"), "the old pods keep serving")
	recordFault("a pod that never becomes ready", fmt.Sprintf("reported after %.1f s, readyTimeout 5s; the old pods served", took.Seconds()))

	s.Set("resources.requests.memory", "64Mi")
	s.Up()
	require.EqualValues(t, 2, s.Outputs()["readyReplicas"])
}

// TestPodsThatCannotBeCreatedAreReported has a quota for one pod: each would be admitted alone,
// as preflight asks, but not all of them.
func TestPodsThatCannotBeCreatedAreReported(t *testing.T) {
	t.Parallel()
	s := inNamespace(t, "quota")
	lab.Kubectl(t, "create", "quota", "one", "-n", s.Namespace, "--hard=pods=1")
	s.Set("readyTimeout", "60s")
	began := time.Now()
	said, wait := s.UpUntil("exceeded quota: one")
	require.True(t, said)
	took := time.Since(began)
	require.Less(t, took, 15*time.Second, "long before readyTimeout")
	recordFault("a quota that allows too few pods", fmt.Sprintf("reported after %.1f s, readyTimeout 60s", took.Seconds()))
	lab.Kubectl(t, "delete", "quota", "one", "-n", s.Namespace)
	out, err := wait()
	require.NoError(t, err, out)
}

// TestPodsRunWhereTheClusterAssignsIDs has a policy that refuses users below a range, as
// OpenShift's restricted-v2 does.
func TestPodsRunWhereTheClusterAssignsIDs(t *testing.T) {
	t.Parallel()
	s := inNamespace(t, "assigned")
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(policy, fmt.Appendf(nil, `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: assigned}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations:
  - expression: "!has(object.spec.securityContext.runAsUser) || object.spec.securityContext.runAsUser >= 1000650000"
    message: runAsUser must be in the range of the namespace
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: assigned}
spec:
  policyName: assigned
  validationActions: [Deny]
  matchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %s}}}
`, s.Namespace), 0o600))
	lab.Kubectl(t, "apply", "-f", policy)
	t.Cleanup(func() { lab.Kubectl(t, "delete", "-f", policy) })
	probe := []string{"run", "probe", "-n", s.Namespace, "--image=x", "--dry-run=server", "--overrides", `{"spec":{"securityContext":{"runAsUser":1}}}`}
	require.Eventually(t, func() bool { return lab.Command("kubectl", probe...).Run() != nil }, 30*time.Second, 200*time.Millisecond, "the policy is enforced")

	s.Set("readyTimeout", "5s")
	out, _ := s.UpFails()
	require.Contains(t, out, "runAsUser must be in the range of the namespace")
	s.Set("podSecurity.fixedIDs", "false")
	s.Set("readyTimeout", "60s")
	s.Up()
	require.EqualValues(t, 2, s.Outputs()["readyReplicas"])
	recordFault("a policy that assigns users", "reported with its message; podSecurity.fixedIDs false deploys")
}

// TestAutoscalerKeepsItsReplicas scales a Deployment through the same API as an autoscaler.
func TestAutoscalerKeepsItsReplicas(t *testing.T) {
	t.Parallel()
	s := lab.NewStack(t, "autoscaled", map[string]any{"decode": map[string]any{"enabled": true, "replicas": 3}})
	s.Up()
	keeps := func(replicas int) {
		t.Helper()
		s.Must("preview", "--expect-no-changes")
		s.Set("decode.logVerbosity", fmt.Sprint(replicas)) // Any change of the Deployment.
		s.Up()
		outputs := s.Outputs()
		require.EqualValues(t, replicas, outputs["replicas"])
		require.EqualValues(t, replicas, outputs["readyReplicas"])
	}
	s.Set("decode.autoscaling.scaler", "other")
	s.Set("decode.autoscaling.enabled", "true")
	s.Up()
	require.EqualValues(t, 3, s.Outputs()["replicas"], "switching it on keeps the pods, which nobody has scaled yet")
	keeps(3)
	for _, replicas := range []int{5, 2, 6} {
		lab.Kubectl(t, "scale", "deployment", llmd.DecodeName, "-n", s.Namespace, fmt.Sprintf("--replicas=%d", replicas))
		lab.Kubectl(t, "rollout", "status", "deployment", llmd.DecodeName, "-n", s.Namespace, "--timeout=60s")
		s.Must("refresh", "--yes")
		keeps(replicas)
	}
	s.Set("decode.autoscaling.enabled", "false")
	s.Set("decode.replicas", "4")
	s.Up()
	require.EqualValues(t, 4, s.Outputs()["replicas"], "without an autoscaler, the configuration decides")
}
