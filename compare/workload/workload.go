// Package workload generates the requests of a comparison from a seed: the same seed makes
// the same requests for every candidate.
package workload

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Spec says what the requests are: exactly one of its fields is set.
type Spec struct {
	// SharedPrefix are single requests that begin with one of several long texts, such as the
	// system prompts of tenants.
	SharedPrefix *SharedPrefix `yaml:"sharedPrefix"`
	// Conversations send each turn with all turns and answers before it.
	Conversations *Conversations `yaml:"conversations"`
	// Trace replays recorded requests.
	Trace *Trace `yaml:"trace"`
}

// SharedPrefix describes requests with shared prefixes. Lengths are in words, each of which
// is one token to the simulators.
type SharedPrefix struct {
	// Requests is the number of requests. At least 1.
	Requests int `yaml:"requests"`
	// Groups is the number of prefixes. At least 1.
	Groups int `yaml:"groups"`
	// HotShare is the share of requests with the first prefix, 0 to 1. The others are drawn
	// with equal chances. Default: 0, which gives the first an equal chance as well.
	HotShare float64 `yaml:"hotShare"`
	// PrefixTokens is the length of a prefix, QuestionTokens that of what follows, and
	// OutputTokens that of the answer: a number, or a list to draw from.
	PrefixTokens   Lengths `yaml:"prefixTokens"`
	QuestionTokens Lengths `yaml:"questionTokens"`
	OutputTokens   Lengths `yaml:"outputTokens"`
}

// Conversations describes conversations of several turns.
type Conversations struct {
	// Count is the number of conversations, Turns that of the questions in each. At least 1.
	Count int `yaml:"count"`
	Turns int `yaml:"turns"`
	// SystemTokens is the length of the first message, which all share. Default: 0.
	SystemTokens Lengths `yaml:"systemTokens"`
	// QuestionTokens and OutputTokens are the lengths of a question and of its answer.
	QuestionTokens Lengths `yaml:"questionTokens"`
	OutputTokens   Lengths `yaml:"outputTokens"`
}

// Lengths are one or more numbers of tokens, one of which is drawn each time.
type Lengths []int

// UnmarshalYAML accepts a number as well as a list.
func (l *Lengths) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*l = make(Lengths, 1)
		return node.Decode(&(*l)[0])
	}
	return node.Decode((*[]int)(l))
}

func (l Lengths) draw(random *rand.Rand) int {
	if len(l) == 0 {
		return 0
	}
	return l[random.IntN(len(l))]
}

// Session is a conversation; most have a single turn.
type Session struct {
	// Group identifies the prefix.
	Group int
	// System is the first message, empty for none.
	System string
	// Turns are sent one after another.
	Turns []Turn
	// Arrival is when the session arrives in an open loop, from the start.
	Arrival time.Duration
}

// Turn is a question.
type Turn struct {
	Question  string
	MaxTokens int
}

// Sessions returns the sessions of one repetition of the workload that is called name. Open
// loops at a rate per second get arrivals of a Poisson process. No two repetitions and no two
// workloads share a prompt, so that each finds caches that are cold for it.
func (s Spec) Sessions(name string, seed int64, repetition int, rate float64) ([]Session, error) {
	random := rand.New(rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "%d/%d/%s", seed, repetition, name))))
	var sessions []Session
	switch {
	case s.SharedPrefix != nil:
		sessions = s.SharedPrefix.sessions(random)
	case s.Conversations != nil:
		sessions = s.Conversations.sessions(random)
	case s.Trace != nil:
		return s.Trace.sessions(random)
	}
	if rate > 0 {
		at := 0.0
		for i := range sessions {
			at += random.ExpFloat64() / rate
			sessions[i].Arrival = time.Duration(at * float64(time.Second))
		}
	}
	return sessions, nil
}

func (p *SharedPrefix) sessions(random *rand.Rand) []Session {
	prefixes := make([]string, p.Groups)
	for i := range prefixes {
		prefixes[i] = text(random, p.PrefixTokens.draw(random))
	}
	sessions := make([]Session, p.Requests)
	for i := range sessions {
		group := random.IntN(p.Groups)
		if p.HotShare > 0 {
			group = 0
			if p.Groups > 1 && random.Float64() >= p.HotShare {
				group = 1 + random.IntN(p.Groups-1)
			}
		}
		sessions[i] = Session{Group: group, System: prefixes[group], Turns: []Turn{turn(random, p.QuestionTokens, p.OutputTokens)}}
	}
	return sessions
}

func (c *Conversations) sessions(random *rand.Rand) []Session {
	system := text(random, c.SystemTokens.draw(random))
	sessions := make([]Session, c.Count)
	for i := range sessions {
		s := Session{Group: i, System: system}
		for range c.Turns {
			s.Turns = append(s.Turns, turn(random, c.QuestionTokens, c.OutputTokens))
		}
		sessions[i] = s
	}
	return sessions
}

func turn(random *rand.Rand, question, output Lengths) Turn {
	return Turn{Question: text(random, question.draw(random)), MaxTokens: output.draw(random)}
}

// text returns random words, which no other text has in common.
func text(random *rand.Rand, words int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	var b strings.Builder
	for i := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		for range 4 {
			b.WriteByte(letters[random.IntN(len(letters))])
		}
	}
	return b.String()
}

// Check returns what is wrong, by the field. Files are relative to dir.
func (s *Spec) Check(dir string) map[string]string {
	problems := map[string]string{}
	atLeastOne := func(field string, values ...int) {
		if len(values) == 0 {
			problems[field] = "must be set"
		}
		for _, v := range values {
			if v < 1 {
				problems[field] = fmt.Sprintf("%d must be 1 or more", v)
			}
		}
	}
	kinds := 0
	if p := s.SharedPrefix; p != nil {
		kinds++
		atLeastOne("sharedPrefix.requests", p.Requests)
		atLeastOne("sharedPrefix.groups", p.Groups)
		atLeastOne("sharedPrefix.prefixTokens", p.PrefixTokens...)
		atLeastOne("sharedPrefix.questionTokens", p.QuestionTokens...)
		atLeastOne("sharedPrefix.outputTokens", p.OutputTokens...)
		if p.HotShare < 0 || p.HotShare > 1 {
			problems["sharedPrefix.hotShare"] = fmt.Sprintf("%g must be within 0 to 1", p.HotShare)
		}
	}
	if c := s.Conversations; c != nil {
		kinds++
		atLeastOne("conversations.count", c.Count)
		atLeastOne("conversations.turns", c.Turns)
		atLeastOne("conversations.questionTokens", c.QuestionTokens...)
		atLeastOne("conversations.outputTokens", c.OutputTokens...)
	}
	if t := s.Trace; t != nil {
		kinds++
		if !filepath.IsAbs(t.File) {
			t.File = filepath.Join(dir, t.File)
		}
		if t.Speed < 0 {
			problems["trace.speed"] = fmt.Sprintf("%g must be above 0", t.Speed)
		}
		if err := t.read(); err != nil {
			problems["trace.file"] = err.Error()
		}
	}
	if kinds != 1 {
		problems[""] = "needs one of sharedPrefix, conversations, trace"
	}
	return problems
}
