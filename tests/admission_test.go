package tests

import (
	"errors"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// apiError is what the API server answers to a dry run.
func apiError(code int32, message string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{Code: code, Message: message}}
}

func TestWhatTheAPIServerWouldRefuseIsRefused(t *testing.T) {
	t.Parallel()
	epp := map[string]string{"epp": `{"enabled":true,"image":"epp:v0.4.0"}`}
	present := metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: "llm-d-sim"}}
	for name, test := range map[string]struct {
		kind      string
		err       error
		namespace bool // It exists already.
		want      string
	}{
		"invalid": {
			kind: "Deployment", err: apiError(422, `Deployment.apps "gaie-sim-epp-x7" is invalid: spec: Invalid value: "x"`),
			want: "epp.enabled: the cluster would refuse the Deployment gaie-sim-epp: spec: Invalid value",
		},
		"pods": {
			kind: "Pod", err: apiError(403, `pods "gaie-sim-epp-x7" is forbidden: violates PodSecurity "restricted:latest"`), namespace: true,
			want: `the pods of Deployment gaie-sim-epp: violates PodSecurity "restricted:latest"`,
		},
		"webhook": {
			kind: "Service", err: apiError(400, `admission webhook "a.b" denied the request: no`), namespace: true,
			want: "the Service gaie-sim-epp: admission webhook",
		},
		"broken webhook": {
			kind: "Service", err: apiError(500, `Internal error occurred: failed calling webhook "a.b"`), namespace: true,
			want: "failed calling webhook",
		},
		"permission": {
			kind: "Role", err: apiError(403, `roles is forbidden: User "u" cannot create resource "roles"`), namespace: true,
			want: `User "u" cannot create resource "roles"`,
		},
		"webhook without dry runs":      {kind: "Service", err: apiError(400, `admission webhook "a.b" does not support dry run`), namespace: true},
		"permission for pods":           {kind: "Pod", err: apiError(403, `pods is forbidden: User "u" cannot create resource "pods"`), namespace: true},
		"rules of the wrong namespace":  {kind: "Pod", err: apiError(403, `pods "x" is forbidden: exceeded quota: q`)},
		"connection that breaks":        {kind: "Service", err: errors.New("EOF"), namespace: true},
		"kind that has just been added": {kind: "Service", err: apiError(404, "the server could not find the requested resource"), namespace: true},
	} {
		live := bareCluster()
		live.refusals = map[string]error{test.kind: test.err}
		values := maps.Clone(epp)
		if test.namespace {
			values["createNamespace"] = "false"
			live.namespaces = map[string]metav1.PartialObjectMetadata{"llm-d-sim": present}
		}
		if test.want == "" {
			require.NoError(t, run(t, values, live).err, name)
			continue
		}
		refused(t, run(t, values, live), test.want, "nothing was changed")
	}
}

func TestAdmissionIsAskedWithoutTouchingAnObject(t *testing.T) {
	t.Parallel()
	live := bareCluster()
	require.NoError(t, run(t, map[string]string{"epp": `{"enabled":true,"image":"epp:v0.4.0"}`}, live).err)
	pods := 0
	for _, o := range live.dryRuns {
		require.Empty(t, o.GetName(), "an object of that name may exist")
		require.NotEmpty(t, o.GetGenerateName())
		require.NotEqual(t, "llm-d-sim", o.GetNamespace(), "which does not exist yet")
		if o.GetKind() == "Pod" {
			pods++
			_, found, _ := unstructured.NestedString(o.Object, "spec", "serviceAccountName")
			require.False(t, found, "which may not exist yet")
		}
	}
	require.Equal(t, 2, pods, "one of each Deployment")
}

func TestPreviewNeedsNoPermissionToCreate(t *testing.T) {
	t.Parallel()
	live := bareCluster()
	live.refusals = map[string]error{"Namespace": apiError(403, `namespaces is forbidden: User "u" cannot create resource "namespaces"`)}
	require.NoError(t, run(t, nil, live, preview).err)
	refused(t, run(t, nil, live), "cannot create resource")
}
