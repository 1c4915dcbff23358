// Package traffic sends requests to a stack, for the tests and for `make smoke`, and
// summarizes the answers.
package traffic

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"
)

// Client sends to one address.
type Client struct {
	// URL of the gateway or of a simulator, without a path.
	URL string
	// Model that the simulators answer to.
	Model string
	// Headers go with every request.
	Headers http.Header

	http *http.Client
}

// NewClient returns a client that reuses its connections, as many as it needs.
func NewClient(url, model string) *Client {
	return &Client{URL: strings.TrimSuffix(url, "/"), Model: model, http: &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: 2000,
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
	}}}
}

// Answer is the result of one request.
type Answer struct {
	// Status is the HTTP status, 0 if there was no response.
	Status int
	// Pod that answered, as the pod reports it (x-inference-pod).
	Pod string
	// Began is the time when the request was sent.
	Began time.Time
	// First is the time to the first byte of the body, and Whole that to its end.
	First, Whole time.Duration
	// Type is the content type.
	Type string
	// Body is the response body, and for a stream the text of all its events.
	Body string
	// Err says why the response is missing or incomplete.
	Err error
}

// OK reports whether the response is complete and has status 200.
func (a Answer) OK() bool { return a.Err == nil && a.Status == http.StatusOK }

// String describes the answer in one line, for messages.
func (a Answer) String() string {
	body := a.Body[:min(len(a.Body), 200)]
	return fmt.Sprintf("status %d from %q after %s: %v %s", a.Status, a.Pod, a.Whole.Round(time.Millisecond), a.Err, body)
}

// Completion requests the completion of a prompt.
func (c *Client) Completion(ctx context.Context, prompt string, maxTokens int) Answer {
	return c.Post(ctx, "/v1/completions", map[string]any{
		"model": c.Model, "prompt": prompt, "max_tokens": maxTokens,
	})
}

// Chat requests an answer to a message.
func (c *Client) Chat(ctx context.Context, message string, maxTokens int) Answer {
	return c.Post(ctx, "/v1/chat/completions", c.chat(message, maxTokens, false))
}

// Stream requests an answer to a message, token by token. A stream that ends early is an
// error.
func (c *Client) Stream(ctx context.Context, message string, maxTokens int) Answer {
	answer := c.Post(ctx, "/v1/chat/completions", c.chat(message, maxTokens, true))
	if answer.OK() && !strings.Contains(answer.Body, "data: [DONE]") {
		answer.Err = errors.New("the stream ended early")
	}
	return answer
}

func (c *Client) chat(message string, maxTokens int, stream bool) map[string]any {
	return map[string]any{
		"model": c.Model, "max_tokens": maxTokens, "stream": stream,
		"messages": []map[string]string{{"role": "user", "content": message}},
	}
}

// Post sends a body as JSON.
func (c *Client) Post(ctx context.Context, path string, body any) Answer {
	raw, err := json.Marshal(body)
	if err != nil {
		return Answer{Err: err}
	}
	return c.Do(ctx, http.MethodPost, path, raw)
}

// Get requests a path.
func (c *Client) Get(ctx context.Context, path string) Answer {
	return c.Do(ctx, http.MethodGet, path, nil)
}

// Do sends a request and reads the whole response.
func (c *Client) Do(ctx context.Context, method, path string, body []byte) (answer Answer) {
	began := time.Now()
	defer func() { answer.Began, answer.Whole = began, time.Since(began) }()
	request, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return Answer{Err: err}
	}
	request.Header.Set("Content-Type", "application/json")
	maps.Copy(request.Header, c.Headers)
	response, err := c.http.Do(request)
	if err != nil {
		return Answer{Err: err}
	}
	defer response.Body.Close()
	answer.Status, answer.Type = response.StatusCode, response.Header.Get("Content-Type")
	answer.Pod = response.Header.Get("X-Inference-Pod")
	reader := bufio.NewReader(response.Body)
	_, _ = reader.Peek(1)
	answer.First = time.Since(began)
	content, err := io.ReadAll(reader)
	answer.Body, answer.Err = string(content), err
	return answer
}
