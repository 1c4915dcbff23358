package traffic

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/release"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// raw sends bytes to a Service, for what Go's client would not send, and returns the response.
func raw(t *testing.T, url string, request ...string) (status int, body string) {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	defer connection.Close()
	require.NoError(t, connection.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = connection.Write([]byte(strings.Join(request, "\r\n")))
	require.NoError(t, err)
	response, err := io.ReadAll(connection)
	require.NoError(t, err, "the server closes the connection")
	head, body, _ := strings.Cut(string(response), "\r\n\r\n")
	_, err = fmt.Sscanf(head, "HTTP/1.%d %d", new(int), &status)
	require.NoError(t, err, "%q", head)
	return status, body
}

// requireError requires an error of the form that OpenAI's clients read, and returns its
// message.
func requireError(t *testing.T, status int, body string) string {
	t.Helper()
	var answer struct {
		Error struct {
			Message, Type string
			Code          int
		}
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer), body)
	require.Equal(t, status, answer.Error.Code, body)
	require.Contains(t, answer.Error.Type, "Error", body)
	require.NotEmpty(t, answer.Error.Message, body)
	return answer.Error.Message
}

// TestRequestsAreAnsweredAlike sends requests through the gateway and past it.
func TestRequestsAreAnsweredAlike(t *testing.T) {
	s := lab.Dev(t)
	client := gateway(t, s)
	past := traffic.NewClient(serviceURL(t, s, llmd.ProxyServiceName, llmd.SimulatorPort), "random")
	image := labtest.At(t, s.Get("deployment", llmd.EPPName), "spec", "template", "spec", "containers", 0, "image").(string)
	epp, err := release.EPPOf(image, "")
	require.NoError(t, err)

	for name, prompt := range map[string]any{
		"text": "a", "texts": []string{"a", "b"}, "tokens": []int{1, 2, 3}, "lists of tokens": [][]int{{1}, {2}},
	} {
		body := map[string]any{"model": "random", "prompt": prompt, "max_tokens": 2}
		require.True(t, past.Post(t.Context(), "/v1/completions", body).OK(), name)
		answer := client.Post(t.Context(), "/v1/completions", body)
		if name == "text" || epp.PromptLists {
			require.True(t, answer.OK(), "%s: %s", name, answer)
		} else {
			require.Equal(t, http.StatusBadRequest, answer.Status, name)
			require.Contains(t, requireError(t, answer.Status, answer.Body), "upgrade the EPP")
		}
	}
	// A long prompt of its own is processed by a prefill pod first.
	for _, prompt := range []string{"hi", long("no such model")} {
		answer := client.Post(t.Context(), "/v1/completions", map[string]any{"model": "wrong", "prompt": prompt})
		require.Equal(t, http.StatusNotFound, answer.Status)
		require.Contains(t, requireError(t, answer.Status, answer.Body), "`wrong` does not exist")
	}
	for _, path := range []string{"/v1/models", "/v1%2fmodels"} {
		for _, c := range []*traffic.Client{past, client} {
			require.True(t, c.Get(t.Context(), path).OK(), "%s%s", c.URL, path)
		}
	}
	require.True(t, client.Get(t.Context(), "//v1//models").OK())
	requireCORS(t, client.URL)

	const body = `{"model":"random","prompt":"a","max_tokens":1}`
	typed := fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d", len(body))
	for name, request := range map[string][]string{
		"HTTP/1.0":                {"POST /v1/completions HTTP/1.0", typed, "", body},
		"an upgrade to TLS":       {"POST /v1/completions HTTP/1.1", "Host: x", "Connection: Upgrade, close", "Upgrade: TLS/1.2", typed, "", body},
		"an upgrade to WebSocket": {"GET /v1/models HTTP/1.1", "Host: x", "Connection: Upgrade, close", "Upgrade: websocket", "", ""},
		"trailers": {
			"POST /v1/completions HTTP/1.1", "Host: x", "Connection: close", "Content-Type: application/json", "Trailer: x-a",
			"Transfer-Encoding: chunked", "", fmt.Sprintf("%x", len(body)), body, "0", "x-a: b", "", "",
		},
	} {
		for _, c := range []*traffic.Client{past, client} {
			status, answer := raw(t, c.URL, request...)
			require.Equal(t, http.StatusOK, status, "%s to %s: %s", name, c.URL, answer)
		}
	}
}

// TestErrorsOfGatewayExplainThemselves provokes the errors that no simulator answers. Those
// of a gateway with a key are in TestGatewayRequiresAPIKey.
func TestErrorsOfGatewayExplainThemselves(t *testing.T) {
	s := lab.Dev(t)
	client := gateway(t, s)
	for name, test := range map[string]struct {
		answer traffic.Answer
		status int
		says   string
	}{
		"unknown path":      {client.Get(t.Context(), "/admin"), http.StatusNotFound, "this gateway serves /v1/completions, "},
		"refused by EPP":    {client.Do(t.Context(), http.MethodPost, "/v1/chat/completions", []byte("{")), http.StatusBadRequest, "inference gateway: "},
		"body of 4 MiB + 1": {client.Do(t.Context(), http.MethodPost, "/v1/chat/completions", make([]byte, 4<<20+1)), http.StatusRequestEntityTooLarge, "larger than 4 MiB"},
	} {
		require.Equal(t, test.status, test.answer.Status, "%s: %s", name, test.answer)
		require.Equal(t, "application/json", test.answer.Type, name)
		require.Contains(t, requireError(t, test.status, test.answer.Body), test.says, name)
	}
	for want, request := range map[int][]string{
		http.StatusBadRequest:                  {"NOT HTTP", "", ""},
		http.StatusRequestHeaderFieldsTooLarge: {"GET /v1/models HTTP/1.1", "Host: x", "X-Large: " + strings.Repeat("x", 70_000), "", ""},
	} {
		status, body := raw(t, client.URL, request...)
		require.Equal(t, want, status)
		requireError(t, status, body)
	}

	deployment := "deployment/" + s.DecodeName()
	lab.Kubectl(t, "scale", deployment, "-n", s.Namespace, "--replicas=0")
	t.Cleanup(func() {
		lab.Kubectl(t, "scale", deployment, "-n", s.Namespace, "--replicas=2")
		lab.Kubectl(t, "rollout", "status", deployment, "-n", s.Namespace, "--timeout=60s")
	})
	eventually(t, 20*time.Second, func() bool {
		return client.Get(t.Context(), "/v1/models").Status == http.StatusServiceUnavailable
	}, "the gateway knows no pod")
	balanced, picked := client.Get(t.Context(), "/v1/models"), client.Completion(t.Context(), "x", 1)
	require.Equal(t, http.StatusServiceUnavailable, balanced.Status)
	require.Contains(t, []int{http.StatusTooManyRequests, http.StatusServiceUnavailable}, picked.Status, "up to the EPP")
	for _, answer := range []traffic.Answer{balanced, picked} {
		require.Contains(t, requireError(t, answer.Status, answer.Body), "kubectl get pods -n "+s.Namespace)
	}
}

// requireCORS asks what a browser asks first, for a page of another origin: it sends no key.
func requireCORS(t *testing.T, url string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, url+"/v1/chat/completions", nil)
	require.NoError(t, err)
	for name, value := range map[string]string{
		"Origin": "http://ui.example", "Access-Control-Request-Method": http.MethodPost,
		"Access-Control-Request-Headers": "authorization,content-type",
	} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "http://ui.example", response.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, response.Header.Get("Access-Control-Allow-Methods"), http.MethodPost)
	require.Contains(t, response.Header.Get("Access-Control-Allow-Headers"), "authorization")
	require.Empty(t, response.Header.Get("Access-Control-Allow-Credentials"))
}
