package result

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr"

	"github.com/llm-d-sim/llm-d-sim/internal/spelling"
)

// CheckName reports a candidate's name that means something else in expectations: a figure, or
// a word of the language.
func CheckName(name string) error {
	if slices.Contains(figureNames(), name) {
		return errors.New("is the name of a figure")
	}
	if _, err := expr.Compile(name, expr.Env(map[string]any{name: name}), expr.AsKind(reflect.String)); err != nil {
		return errors.New("is a word of expectations")
	}
	return nil
}

// CheckExpectation reports an expression that is no condition on the figures of candidates.
func CheckExpectation(expression string, candidates []string) error {
	_, err := expr.Compile(expression, expr.Env(environment(candidates, nil)), expr.AsBool())
	if err == nil {
		return nil
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("%q: %s; candidates: %s; figures: %s%s", expression, first,
		strings.Join(candidates, ", "), strings.Join(figureNames(), ", "), nearest(first, candidates))
}

// nearest suggests a name for an unknown one.
func nearest(message string, candidates []string) string {
	_, unknown, found := strings.Cut(message, "unknown name ")
	if !found {
		return ""
	}
	unknown, _, _ = strings.Cut(unknown, " ")
	if near := spelling.Nearest(unknown, append(figureNames(), candidates...)); near != "" {
		return fmt.Sprintf("; did you mean %s?", near)
	}
	return ""
}

func figureNames() []string {
	names := make([]string, len(Figures))
	for i, f := range Figures {
		names[i] = f.Name
	}
	return names
}

// Expect judges an expectation on the means of the candidates' figures. It fails if a figure
// that it needs was not measured.
func Expect(expression string, means map[string]Values) (bool, error) {
	var candidates []string
	for name := range means {
		candidates = append(candidates, name)
	}
	program, err := expr.Compile(expression, expr.Env(environment(candidates, means)), expr.AsBool())
	if err != nil {
		return false, fmt.Errorf("%s: %w", expression, err)
	}
	is, err := expr.Run(program, environment(candidates, means))
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return false, fmt.Errorf("%s: %s", expression, first)
	}
	return is.(bool), nil
}

// environment gives an expression a variable for each candidate and a function for each
// figure.
func environment(candidates []string, means map[string]Values) map[string]any {
	env := map[string]any{}
	for _, f := range Figures {
		env[f.Name] = func(candidate string) (float64, error) {
			if v, measured := means[candidate][f.Name]; measured {
				return v, nil
			}
			return math.NaN(), fmt.Errorf("%s of %s was not measured", f.Name, candidate)
		}
	}
	for _, c := range candidates {
		env[c] = c
	}
	return env
}
