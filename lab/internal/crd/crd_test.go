package crd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGroupsAreNamedOrRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, list string
		want       []string
		err        string
	}{
		{name: "all", list: "all", want: []string{"gateway", "inference", "istio"}},
		{name: "none", list: "none"},
		{name: "empty", list: ""},
		{name: "some", list: "istio,inference", want: []string{"istio", "inference"}},
		{name: "a typo", list: "istio,gatway", err: `unknown CRDs "gatway": known are all, none, gateway, inference, istio`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			names, err := Parse(test.list)
			if test.err != "" {
				require.EqualError(t, err, test.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, names)
		})
	}
}

// kubectl records the commands that a cluster receives.
type kubectl struct {
	mu    sync.Mutex
	calls []string
	err   error
}

func (k *kubectl) Kubectl(_ context.Context, _ io.Reader, args ...string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls = append(k.calls, strings.Join(args, " "))
	return "crd/a crd/b\n", k.err
}

func TestDefinitionsAreAppliedAndWaitedFor(t *testing.T) {
	t.Parallel()
	k, out := &kubectl{}, &bytes.Buffer{}
	require.NoError(t, Install(t.Context(), k, "../../crds", []string{"inference"}, out))
	require.Len(t, k.calls, 2)
	require.Contains(t, k.calls[0], "apply --server-side --force-conflicts -o name -f ")
	require.Contains(t, k.calls[0], "inference.networking.k8s.io_inferencepools.yaml")
	require.Equal(t, "wait --for=condition=Established --timeout=30s crd/a crd/b", k.calls[1])
	require.Contains(t, out.String(), "CRDs installed (inference)")

	require.NoError(t, Install(t.Context(), nil, "", nil, out), "no groups, no calls")
	k.err = errors.New("refused")
	require.ErrorIs(t, Install(t.Context(), k, "../../crds", []string{"inference"}, out), k.err)
}
