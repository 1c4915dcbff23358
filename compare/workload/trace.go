package workload

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

// Trace replays recorded requests: a file of JSON lines in the format of Mooncake's public
// traces (https://github.com/kvcache-ai/Mooncake).
type Trace struct {
	// File is relative to the comparison's own.
	File string `yaml:"file"`
	// Speed replays the arrivals this many times as fast. Default: 1.
	Speed float64 `yaml:"speed"`
	// Requests limits the replay to the first ones. Default: all.
	Requests int `yaml:"requests"`

	lines []traceLine
}

// traceLine is one request. Each of its hash IDs stands for a block of tokens of the prompt;
// equal IDs are equal blocks.
type traceLine struct {
	Timestamp    float64 `json:"timestamp"` // Milliseconds.
	InputLength  int     `json:"input_length"`
	OutputLength int     `json:"output_length"`
	HashIDs      []int64 `json:"hash_ids"`
}

// blockTokens is the size of a block in Mooncake's traces.
const blockTokens = 512

// maxLine is the longest line of a trace in bytes.
const maxLine = 16 << 20

func (t *Trace) read() error {
	file, err := os.Open(t.File)
	if err != nil {
		return err
	}
	defer file.Close()
	t.lines = nil
	var errs []error
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, maxLine)
	for n := 1; scanner.Scan(); n++ {
		var line traceLine
		err := json.Unmarshal(scanner.Bytes(), &line)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
		case line.InputLength < 1 || line.OutputLength < 1:
			errs = append(errs, fmt.Errorf("line %d: input_length and output_length must be 1 or more", n))
		case len(line.HashIDs)*blockTokens < line.InputLength:
			errs = append(errs, fmt.Errorf("line %d: %d hash_ids are too few for %d tokens", n, len(line.HashIDs), line.InputLength))
		case len(t.lines) > 0 && line.Timestamp < t.lines[len(t.lines)-1].Timestamp:
			errs = append(errs, fmt.Errorf("line %d: timestamp is before that of the line above", n))
		default:
			t.lines = append(t.lines, line)
		}
	}
	errs = append(errs, scanner.Err())
	if t.Requests > 0 && len(t.lines) > t.Requests {
		t.lines = t.lines[:t.Requests]
	}
	if err := errors.Join(errs...); err != nil || len(t.lines) > 0 {
		return err
	}
	return errors.New("has no requests")
}

func (t *Trace) sessions(random *rand.Rand) ([]Session, error) {
	if err := t.read(); err != nil {
		return nil, fmt.Errorf("%s: %w", t.File, err)
	}
	blocks := map[int64]string{}
	sessions := make([]Session, len(t.lines))
	for i, line := range t.lines {
		var prompt []string
		for _, id := range line.HashIDs {
			if blocks[id] == "" {
				blocks[id] = text(random, blockTokens)
			}
			prompt = append(prompt, blocks[id])
		}
		words := strings.Fields(strings.Join(prompt, " "))[:line.InputLength]
		sessions[i] = Session{
			Group:   int(line.HashIDs[0]),
			Turns:   []Turn{{Question: strings.Join(words, " "), MaxTokens: line.OutputLength}},
			Arrival: time.Duration((line.Timestamp - t.lines[0].Timestamp) / cmp.Or(t.Speed, 1) * float64(time.Millisecond)),
		}
	}
	return sessions, nil
}
