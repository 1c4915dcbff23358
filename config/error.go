package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/llm-d-sim/llm-d-sim/internal/spelling"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// Path is the dotted path of the value, as it is typed after `pulumi config set --path`.
	Path string
	// Value is what is there.
	Value any
	// Detail says what is wrong, and what is allowed.
	Detail string
	// Fix is a command that mends it.
	Fix string
}

// Error is all that is wrong with a configuration.
type Error struct{ Problems []Problem }

func newError(problems []Problem) *Error {
	slices.SortStableFunc(problems, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return &Error{Problems: problems}
}

// Error prints each problem on lines of its own.
func (e *Error) Error() string {
	var b strings.Builder
	noun := "problem"
	if len(e.Problems) > 1 {
		noun = "problems"
	}
	fmt.Fprintf(&b, "the stack configuration has %d %s, nothing was changed:", len(e.Problems), noun)
	for _, p := range e.Problems {
		fmt.Fprintf(&b, "\n  %s = %s %s\n    mend it: %s", p.Path, show(p.Value), p.Detail, p.Fix)
	}
	return b.String()
}

// show prints a value as it is typed, cut where it would fill the screen.
func show(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		raw = fmt.Append(nil, value)
	}
	const longest = 80
	if len(raw) > longest {
		return string(raw[:longest]) + "..."
	}
	return string(raw)
}

// setCommand is the command that sets a path to its default.
func setCommand(path string) string {
	value := defaultAt(path)
	if !strings.ContainsAny(path, ".[") {
		return fmt.Sprintf("pulumi config set %s %s", path, value)
	}
	return fmt.Sprintf("pulumi config set --path '%s' %s", path, value)
}

// defaultAt prints the default of a path, VALUE where it has none.
func defaultAt(path string) string {
	spec := Default()
	v := reflect.ValueOf(spec)
	for key := range strings.SplitSeq(path, ".") {
		if v.Kind() != reflect.Struct {
			return "VALUE"
		}
		next, found := fields(v)[key]
		if !found {
			return "VALUE"
		}
		v = next
	}
	if !isScalar(v.Type()) || v.IsZero() && v.Kind() == reflect.String {
		return "VALUE"
	}
	if v.Type() == durationType {
		return v.FieldByName("Duration").Interface().(fmt.Stringer).String()
	}
	return fmt.Sprint(v.Interface())
}

// nearest returns the known word that was probably meant, empty if none is close.
func nearest(word string, known []string) string { return spelling.Nearest(word, known) }
