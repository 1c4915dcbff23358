package e2e

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// relay forwards connections between a stack and the API server.
type relay struct {
	listener net.Listener
	server   string
	// Number of connections, and of those that were cut.
	connections, cuts atomic.Int64

	mu   sync.Mutex
	open []net.Conn
}

// newRelay puts a relay in front of a stack's cluster.
func newRelay(t *testing.T, s *labtest.Stack) *relay {
	t.Helper()
	kubeconfig, err := os.ReadFile(lab.Variable("KUBECONFIG"))
	require.NoError(t, err)
	server := regexp.MustCompile(`https://(127\.0\.0\.1:\d+)`).FindSubmatch(kubeconfig)
	require.NotNil(t, server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	r := &relay{listener: listener, server: string(server[1])}
	go r.run()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	kubeconfig = bytes.ReplaceAll(kubeconfig, server[1], []byte(listener.Addr().String()))
	require.NoError(t, os.WriteFile(file, kubeconfig, 0o600))
	s.Setenv("KUBECONFIG", file)
	t.Cleanup(func() {
		s.Setenv("KUBECONFIG", lab.Variable("KUBECONFIG"))
		s.Up() // The state holds the kubeconfig's path.
	})
	return r
}

func (r *relay) run() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		r.connections.Add(1)
		r.mu.Lock()
		r.open = append(r.open, client, server)
		r.mu.Unlock()
		for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
			go func() {
				_, _ = io.Copy(pair[0], pair[1])
				_ = pair[0].Close()
			}()
		}
	}
}

// cut closes all connections; new ones pass.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, connection := range r.open {
		if connection.Close() == nil {
			r.cuts.Add(1)
		}
	}
	r.open = nil
}
