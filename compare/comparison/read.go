package comparison

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/llm-d-sim/llm-d-sim/compare/result"
	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/internal/stackfile"
)

// Problem is one that keeps a comparison from running.
type Problem struct {
	Line         int
	Path, Detail string
}

// Error lists the problems of a file.
type Error struct {
	File     string
	Problems []Problem
}

func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s:%d: ", e.File, p.Line)
		if p.Path != "" {
			lines[i] += p.Path + ": "
		}
		lines[i] += p.Detail
	}
	return fmt.Sprintf("%d problems, nothing was deployed:\n%s", len(lines), strings.Join(lines, "\n"))
}

// Read reads a comparison and checks it, with the configuration of each candidate. images
// replace default ones, by their configuration keys. The error is an *Error with all problems
// unless the file cannot be read.
func Read(path string, images map[string]string) (*Comparison, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &Comparison{Repetitions: 3, Seed: 1, Path: path, Text: string(raw)}
	k := &checker{Comparison: c, images: images, problems: Error{File: path}, undecoded: map[int]bool{}}
	if err := yaml.Unmarshal(raw, &k.root); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		k.decodeError(err)
	}
	k.check()
	if len(k.problems.Problems) > 0 {
		slices.SortStableFunc(k.problems.Problems, func(a, b Problem) int { return a.Line - b.Line })
		return nil, &k.problems
	}
	return c, nil
}

// checker checks one file.
type checker struct {
	*Comparison
	root     yaml.Node
	images   map[string]string
	problems Error
	// undecoded are the lines whose values have the wrong type, and are therefore not there.
	undecoded map[int]bool
}

// add adds a problem, unless it only follows from a value of the wrong type.
func (k *checker) add(path, format string, args ...any) {
	if line := k.line(path); !k.undecoded[line] {
		k.problems.Problems = append(k.problems.Problems, Problem{line, path, fmt.Sprintf(format, args...)})
	}
}

// decodeError takes the lines out of the decoder's messages.
func (k *checker) decodeError(err error) {
	var all *yaml.TypeError
	if !errors.As(err, &all) {
		k.add("", "%v", err)
		return
	}
	for _, message := range all.Errors {
		rest, _ := strings.CutPrefix(message, "line ")
		number, detail, _ := strings.Cut(rest, ": ")
		line, _ := strconv.Atoi(number)
		detail = regexp.MustCompile(` in type \S+`).ReplaceAllString(detail, " here")
		k.problems.Problems = append(k.problems.Problems, Problem{Line: line, Detail: detail})
		k.undecoded[line] = true
	}
}

// name is what an expectation can refer to.
var name = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]*$`)

func (k *checker) check() {
	if len(k.Candidates) < 2 {
		k.add("candidates", "must be two or more: the first is the baseline")
	}
	if len(k.Workloads) == 0 {
		k.add("workloads", "must be one or more")
	}
	if k.Repetitions < result.MinRepetitions {
		k.add("repetitions", "must be %d or more, to tell a difference from noise", result.MinRepetitions)
	}
	names := map[string]bool{}
	for i := range k.Candidates {
		path := fmt.Sprintf("candidates[%d]", i)
		c := &k.Candidates[i]
		if !name.MatchString(c.Name) {
			k.add(path+".name", "%q must be letters and digits, a letter first", c.Name)
		} else if names[lower(c.Name)] {
			k.add(path+".name", "%q is taken by another candidate", c.Name)
		} else if err := result.CheckName(c.Name); err != nil {
			k.add(path+".name", "%q %v", c.Name, err)
		}
		names[lower(c.Name)] = true
		k.checkStack(c, path+".stack")
	}
	var candidates []string
	for _, c := range k.Candidates {
		candidates = append(candidates, c.Name)
	}
	names = map[string]bool{}
	for i := range k.Workloads {
		k.checkWorkload(&k.Workloads[i], fmt.Sprintf("workloads[%d]", i), names, candidates)
	}
}

func (k *checker) checkStack(c *Candidate, path string) {
	stack := merge(k.Stack, c.Stack)
	for key, image := range k.images {
		if hasPartsOf(stack, key) {
			setDefault(stack, key, image)
		}
	}
	if _, set := stack["namespace"]; set {
		k.add(path, "namespace cannot be set: each candidate has its own, %s", c.Namespace())
	}
	stack["namespace"] = c.Namespace()
	full := map[string]any{}
	for key, value := range stack {
		if !strings.Contains(key, ":") {
			key = config.Namespace + ":" + key
		}
		full[key] = value
	}
	var err error
	if c.Values, err = stackfile.Encode(full); err != nil {
		k.add(path, "%v", err)
		return
	}
	loaded, err := config.Load(config.Namespace, c.Values, nil)
	var refused *config.Error
	switch {
	case errors.As(err, &refused):
		for _, p := range refused.Problems {
			where := path + "." + p.Path
			if k.node(where) == nil {
				where = "stack." + p.Path
			}
			k.add(where, "%s (candidate %s has %v)", p.Detail, c.Name, p.Value)
		}
		return
	case err != nil:
		k.add(path, "%v", err)
		return
	}
	c.Spec = loaded.Spec
	if !c.Spec.StandardGateway() {
		k.add(path, "candidate %s needs the standard gateway, which the load goes to: "+
			"inferenceGateway.enabled and inferenceGateway.standard.enabled", c.Name)
	}
}

func (k *checker) checkWorkload(w *Workload, path string, names map[string]bool, candidates []string) {
	if w.Name == "" {
		k.add(path+".name", "must not be empty")
	} else if names[w.Name] {
		k.add(path+".name", "%q is taken by another workload", w.Name)
	}
	names[w.Name] = true
	for field, detail := range w.Check(filepath.Dir(k.Path)) {
		where := path
		if field != "" {
			where += "." + field
		}
		k.add(where, "%s", detail)
	}
	switch {
	case w.Trace != nil && (w.Concurrency != 0 || w.Rate != 0):
		k.add(path, "a trace has arrivals of its own: remove concurrency and rate")
	case w.Trace == nil && (w.Concurrency > 0) == (w.Rate > 0):
		k.add(path, "needs either concurrency (1 or more) or rate (above 0)")
	case w.Concurrency < 0 || w.Rate < 0:
		k.add(path, "concurrency and rate must not be negative")
	}
	if w.SLO.TimeToFirstToken < 0 || w.SLO.TimePerOutputToken < 0 {
		k.add(path+".slo", "must not be negative")
	}
	for i, expectation := range w.Expect {
		if err := result.CheckExpectation(expectation, candidates); err != nil {
			k.add(fmt.Sprintf("%s.expect[%d]", path, i), "%v", err)
		}
	}
}
