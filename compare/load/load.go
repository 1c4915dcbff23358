// Package load sends a workload to a stack's gateways and measures each answer.
package load

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/llm-d-sim/llm-d-sim/compare/observe"
	"github.com/llm-d-sim/llm-d-sim/compare/workload"
	"github.com/llm-d-sim/llm-d-sim/internal/traffic"
)

// Sample is the answer to one request.
type Sample struct {
	// Session, Group and Turn say which request it was.
	Session int `json:"session"`
	Group   int `json:"group"`
	Turn    int `json:"turn"`
	// Pod that answered.
	Pod string `json:"pod"`
	// Start is when the request was due, from the start of the run: in an open loop its arrival,
	// else when it was sent. Lag is how much later it was sent.
	Start time.Duration `json:"start"`
	Lag   time.Duration `json:"lag"`
	// First and Whole are the times from Start to the first token and to the last.
	First time.Duration `json:"first"`
	Whole time.Duration `json:"whole"`
	// Tokens of the prompt, how many of them were cached, and those of the answer.
	PromptTokens int `json:"promptTokens"`
	CachedTokens int `json:"cachedTokens"`
	OutputTokens int `json:"outputTokens"`
	// Error says why there is no answer, empty if there is one.
	Error string `json:"error,omitempty"`
}

// PerToken is the mean time between two tokens of the answer, 0 if it has only one.
func (s Sample) PerToken() time.Duration {
	if s.OutputTokens < 2 {
		return 0
	}
	return (s.Whole - s.First) / time.Duration(s.OutputTokens-1)
}

// Run is what was measured of one repetition.
type Run struct {
	Samples []Sample `json:"samples"`
	// Took is the time from the first request to the last answer.
	Took time.Duration `json:"took"`
	// CPU is the time that sending and measuring took of one core.
	CPU time.Duration `json:"cpu"`
	// Observed is what the pods did meanwhile.
	Observed observe.Observation `json:"observed"`
}

// Send sends the sessions and waits for all answers. Sessions are spread over the clients, one
// for each gateway pod; a session stays with its own. With concurrency 0, each session starts at its
// arrival.
func Send(ctx context.Context, clients []*traffic.Client, sessions []workload.Session, concurrency int) Run {
	s := &sender{clients: clients, began: time.Now()}
	before := cpuTime()
	answers := make([][]Sample, len(sessions))
	var group sync.WaitGroup
	if concurrency > 0 {
		var next atomic.Int64
		for range min(concurrency, len(sessions)) {
			group.Go(func() {
				for {
					i := int(next.Add(1)) - 1
					if i >= len(sessions) || ctx.Err() != nil {
						return
					}
					answers[i] = s.session(ctx, i, sessions[i], time.Since(s.began))
				}
			})
		}
	} else {
		for i, session := range sessions {
			group.Go(func() {
				select {
				case <-time.After(time.Until(s.began.Add(session.Arrival))):
					answers[i] = s.session(ctx, i, session, session.Arrival)
				case <-ctx.Done():
				}
			})
		}
	}
	group.Wait()
	run := Run{Took: time.Since(s.began), CPU: cpuTime() - before}
	for _, a := range answers {
		run.Samples = append(run.Samples, a...)
	}
	return run
}

// sender is one run.
type sender struct {
	clients []*traffic.Client
	began   time.Time
}

// message is one of a chat.
type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// session sends the turns of a session. The first one is due at a time from the start of the run,
// later ones when the answer before them has come. The session ends at the first error.
func (s *sender) session(ctx context.Context, i int, session workload.Session, due time.Duration) []Sample {
	client := s.clients[i%len(s.clients)]
	var chat []message
	if session.System != "" {
		chat = append(chat, message{"system", session.System})
	}
	var samples []Sample
	for turn, t := range session.Turns {
		chat = append(chat, message{"user", t.Question})
		sample, text := s.ask(ctx, client, chat, t.MaxTokens, due)
		sample.Session, sample.Group, sample.Turn = i, session.Group, turn
		samples = append(samples, sample)
		if sample.Error != "" {
			break
		}
		chat = append(chat, message{"assistant", text})
		due = time.Since(s.began)
	}
	return samples
}

func (s *sender) ask(ctx context.Context, client *traffic.Client, chat []message, maxTokens int, due time.Duration) (Sample, string) {
	lag := time.Since(s.began) - due
	answer := client.Post(ctx, "/v1/chat/completions", map[string]any{
		"model": client.Model, "messages": chat, "max_tokens": maxTokens, "ignore_eos": true,
		"stream": true, "stream_options": map[string]any{"include_usage": true},
	})
	sample := Sample{Pod: answer.Pod, Start: due, Lag: lag, First: lag + answer.First, Whole: lag + answer.Whole}
	if !answer.OK() {
		sample.Error = answer.String()
		return sample, ""
	}
	text, err := parse(answer.Body, &sample)
	if err != nil {
		sample.Error = err.Error()
	}
	return sample, text
}

// event is one of a stream.
type event struct {
	Choices []struct {
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
	} `json:"choices"`
	Usage *struct {
		PromptTokens        int `json:"prompt_tokens"`
		CompletionTokens    int `json:"completion_tokens"`
		PromptTokensDetails struct {
			CachedTokens int `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
	} `json:"usage"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// parse reads the text and the usage of a whole stream.
func parse(stream string, sample *Sample) (string, error) {
	var text strings.Builder
	done := false
	for line := range strings.Lines(stream) {
		data, is := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !is {
			continue
		}
		if data == "[DONE]" {
			done = true
			continue
		}
		var e event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			return "", errors.New("the stream has an event that is not JSON: " + data)
		}
		if e.Error != nil {
			return "", errors.New("the stream reports an error: " + e.Error.Message)
		}
		for _, c := range e.Choices {
			text.WriteString(c.Delta.Content)
		}
		if u := e.Usage; u != nil {
			sample.PromptTokens, sample.OutputTokens = u.PromptTokens, u.CompletionTokens
			sample.CachedTokens = u.PromptTokensDetails.CachedTokens
		}
	}
	if !done {
		return "", errors.New("the stream ended early")
	}
	if sample.PromptTokens == 0 {
		return "", errors.New("the stream says nothing about its tokens")
	}
	return text.String(), nil
}

// WarmUp sends short prompts until every pod has answered, so that the gateways know them all.
func WarmUp(ctx context.Context, clients []*traffic.Client, pods int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, warmUpTime, errors.New("not every pod answers through the gateway"))
	defer cancel()
	for _, client := range clients {
		seen := map[string]bool{}
		var last traffic.Answer
		for len(seen) < pods {
			if ctx.Err() != nil {
				return errors.Join(context.Cause(ctx), errors.New("the last answer: "+last.String()))
			}
			if last = client.Completion(ctx, prompt(), 1); last.OK() {
				seen[last.Pod] = true
			}
		}
	}
	return nil
}

const warmUpTime = 30 * time.Second

func prompt() string {
	words := make([]string, 8)
	for i := range words {
		words[i] = string(rune('a'+rand.IntN(26))) + string(rune('a'+rand.IntN(26)))
	}
	return strings.Join(words, " ")
}

// cpuTime is the time that this process has spent on CPUs.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
