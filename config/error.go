package config

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// Path is the path of the value, as `pulumi config set --path` takes it.
	Path string
	// Value is the value there, nil if none is set.
	Value any
	// Detail says what is wrong, and what is allowed.
	Detail string
	// Fix is a command for a POSIX shell that solves the problem.
	Fix string
}

// String prints the problem on two lines.
func (p Problem) String() string {
	return fmt.Sprintf("%s = %s: %s\n    fix: %s", p.Path, show(p.Value), p.Detail, p.Fix)
}

// Warning is a setting that is valid, but has no effect.
type Warning struct{ Problem }

// collector collects problems.
type collector struct{ problems []Problem }

func (c *collector) add(path *field.Path, value any, fix, format string, args ...any) {
	c.problems = append(c.problems, Problem{
		Path: path.String(), Value: value, Detail: fmt.Sprintf(format, args...), Fix: fix,
	})
}

// invalid reports a bad value, with a fix that resets it.
func (c *collector) invalid(path *field.Path, value any, format string, args ...any) {
	c.add(path, value, resetCommand(path), format, args...)
}

// Error holds all the problems of a configuration.
type Error struct{ Problems []Problem }

func newError(problems []Problem) *Error {
	slices.SortStableFunc(problems, func(a, b Problem) int { return strings.Compare(order(a.Path), order(b.Path)) })
	return &Error{Problems: problems}
}

var index = regexp.MustCompile(`\[\d+\]`)

// order returns the sort key of a path: the last item of a list comes first, since removing
// an item moves those behind it.
func order(path string) string {
	return index.ReplaceAllStringFunc(path, func(item string) string {
		n, _ := strconv.Atoi(item[1 : len(item)-1])
		return fmt.Sprintf("[%09d]", 999999999-n)
	})
}

// Error prints each problem on lines of its own.
func (e *Error) Error() string {
	noun := "problem"
	if len(e.Problems) > 1 {
		noun = "problems"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the stack configuration has %d %s; nothing was changed:", len(e.Problems), noun)
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// show formats a value as JSON, shortened if it would fill the screen.
func show(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		raw = fmt.Append(nil, value)
	}
	const longest = 80
	if len(raw) > longest {
		return strings.ToValidUTF8(string(raw[:longest]), "") + "..."
	}
	return string(raw)
}
