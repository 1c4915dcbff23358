package crd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// pins is the folder of the repository's pins.
const pins = "../../crds"

func TestGroupsAreNamedOrRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, list string
		want       []string
		err        string
	}{
		{name: "all", list: "all", want: []string{"gateway", "inference", "istio", "monitoring"}},
		{name: "none", list: "none"},
		{name: "empty", list: ""},
		{name: "some", list: "istio,inference", want: []string{"istio", "inference"}},
		{name: "a typo", list: "istio,gatway", err: `unknown CRDs "gatway": known are all, none, gateway, inference, istio, monitoring`},
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
	// lost says that the cluster has none of the definitions any more.
	lost bool
	// fresh says how many times the definitions have no conditions yet.
	fresh int
}

func (k *kubectl) Kubectl(_ context.Context, _ io.Reader, args ...string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls = append(k.calls, strings.Join(args, " "))
	if args[0] == "get" && k.lost {
		return "", nil
	}
	if args[0] == "wait" && k.fresh > 0 {
		k.fresh--
		return "", errors.New("exit status 1: .status.conditions accessor error: <nil> is of the type <nil>, expected []interface{}")
	}
	return "crd/a crd/b\n", k.err
}

func TestDefinitionsWithoutConditionsAreWaitedFor(t *testing.T) {
	t.Parallel()
	k := &kubectl{fresh: 2}
	require.NoError(t, Install(t.Context(), k, pins, filepath.Join(t.TempDir(), "record"), []string{"inference"}, &bytes.Buffer{}))
	require.Len(t, k.calls, 1+3)
}

func TestDefinitionsAreAppliedAndWaitedFor(t *testing.T) {
	t.Parallel()
	k, out := &kubectl{}, &bytes.Buffer{}
	record := filepath.Join(t.TempDir(), "record")
	require.NoError(t, Install(t.Context(), k, pins, record, []string{"inference"}, out))
	require.Len(t, k.calls, 2)
	require.Contains(t, k.calls[0], "apply --server-side --force-conflicts -o name -f ")
	require.Contains(t, k.calls[0], "inference.networking.k8s.io_inferencepools.yaml")
	require.Equal(t, "wait --for=condition=Established --timeout=30s crd/a crd/b", k.calls[1])
	require.Contains(t, out.String(), "CRDs installed (inference)")

	require.NoError(t, Install(t.Context(), nil, "", "", nil, out), "no groups, no calls")
	k.err = errors.New("refused")
	require.ErrorIs(t, Install(t.Context(), k, pins, filepath.Join(t.TempDir(), "record"), []string{"inference"}, out), k.err)
}

func TestOnlyMissingDefinitionsAreInstalled(t *testing.T) {
	t.Parallel()
	k, out := &kubectl{}, &bytes.Buffer{}
	record := filepath.Join(t.TempDir(), "record")
	run := func(groups ...string) string {
		k.calls = nil
		out.Reset()
		require.NoError(t, Install(t.Context(), k, pins, record, groups, out))
		return out.String()
	}
	require.Contains(t, run("gateway", "inference"), "(gateway, inference)")
	require.Empty(t, run("gateway", "inference"))
	require.Equal(t, []string{"get customresourcedefinitions -o name"}, k.calls)
	require.Contains(t, run("gateway", "inference", "istio"), "(istio)")
	k.lost = true
	require.Contains(t, run("inference"), "(inference)")
	k.lost = false
	require.NoError(t, os.WriteFile(record, []byte(`{"versions":"of another commit","installed":{"gateway":["crd/a"]}}`), 0o600))
	require.Contains(t, run("gateway"), "(gateway)")
	require.NoError(t, os.WriteFile(record, []byte(`{"vers`), 0o600))
	require.Contains(t, run("gateway"), "(gateway)", "a record that was cut short")
}
