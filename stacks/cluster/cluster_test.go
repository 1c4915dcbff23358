package cluster

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// slowLogin is a kubeconfig whose credential plugin takes longer than any request may.
const slowLogin = `
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: %q, insecure-skip-tls-verify: true}}]
users:
- name: u
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      interactiveMode: Never
      command: sh
      args:
      - -c
      - |
        sleep %.1f
        echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"secret"}}'
`

func TestACredentialPluginMayTakeItsTime(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"gitVersion":"v1.35.1"}`)
	}))
	defer server.Close()
	login := requestTimeout + 500*time.Millisecond
	c, err := Connect(Target{Kubeconfig: fmt.Sprintf(slowLogin, server.URL, login.Seconds())})
	require.NoError(t, err)
	version, err := c.Version(t.Context())
	require.NoError(t, err)
	require.Equal(t, "1.35.1", version.String())
}

func TestNoKubeconfigIsAnErrorOfItsOwn(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	_, err := Connect(Target{})
	require.ErrorIs(t, err, ErrNoKubeconfig)
	_, err = Connect(Target{Context: "prd"})
	require.ErrorContains(t, err, `context "prd" does not exist`)
}
