package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Every path in this package is a Pulumi property path: its String is what `pulumi config
// set --path` accepts, with the key's namespace in front if it needs one.

var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// property extends a path by a key, which may contain dots: limits["nvidia.com/gpu"].
func property(parent *field.Path, key string) *field.Path {
	switch {
	case parent == nil:
		return field.NewPath(key)
	case plainKey.MatchString(key):
		return parent.Child(key)
	}
	return parent.Key(`"` + strings.ReplaceAll(key, `"`, `\"`) + `"`)
}

// isNested reports whether a path leads into an object or a list.
func isNested(path string) bool { return strings.ContainsAny(path, ".[") }

var wholeNumber = regexp.MustCompile(`^[+-]?[0-9]+$`)

// setCommand returns the command that sets a path to text, a number or a bool.
func setCommand(path *field.Path, value any) string {
	key, text := path.String(), fmt.Sprint(value)
	if !isNested(key) {
		return command([]string{"set"}, key, text) // Pulumi stores it as text, whatever it is.
	}
	words := []string{"set", "--path"}
	switch value.(type) {
	case string:
		if wholeNumber.MatchString(text) || text == "true" || text == "false" {
			words = append(words, "--type", "string") // Otherwise Pulumi stores a number or a bool.
		}
	case json.Number:
		if !wholeNumber.MatchString(text) {
			words = append(words, "--type", "float")
		}
	}
	return command(words, key, text)
}

// setCommands returns the commands that set a path to a tree of JSON, none if that is
// impossible: Pulumi has no command for an empty object or list.
func setCommands(path *field.Path, tree any) []string {
	var commands []string
	add := func(path *field.Path, tree any) bool {
		inner := setCommands(path, tree)
		commands = append(commands, inner...)
		return len(inner) > 0
	}
	switch v := tree.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if !add(property(path, key), v[key]) {
				return nil
			}
		}
	case []any:
		for i := range v {
			if !add(path.Index(i), v[i]) {
				return nil
			}
		}
	case nil:
	default:
		if text, is := v.(string); is && !isPrintable(text) {
			return nil
		}
		commands = []string{setCommand(path, v)}
	}
	return commands
}

func isPrintable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// removeCommand returns the command that removes the value at a path.
func removeCommand(path *field.Path) string {
	if key := path.String(); isNested(key) {
		return command([]string{"rm", "--path"}, key)
	}
	return removeKeyCommand(path.String())
}

// removeKeyCommand returns the command that removes a whole key, whatever its name
// contains.
func removeKeyCommand(key string) string { return command([]string{"rm"}, key) }

// resetCommand returns the command that resets a path to its default.
func resetCommand(path *field.Path) string {
	if value := defaultAt(path.String()); value != nil {
		return setCommand(path, value)
	}
	return removeCommand(path)
}

// both joins commands so that each runs only if the one before it succeeded.
func both(commands ...string) string { return strings.Join(commands, " && ") }

// command returns a command line for a POSIX shell.
func command(words []string, operands ...string) string {
	line := "pulumi config " + strings.Join(words, " ")
	ended := false // Whether the options have ended.
	for _, operand := range operands {
		if strings.HasPrefix(operand, "-") && !ended {
			line, ended = line+" --", true
		}
		line += " " + quote(operand)
	}
	return line
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,-]+$`)

// quote quotes a word for a shell, if necessary.
func quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// defaultAt returns the default at a path as a user would type it, nil if there is none.
func defaultAt(path string) any {
	spec := Default()
	v := reflect.ValueOf(spec)
	for key := range strings.SplitSeq(withoutNamespace(path), ".") {
		if v.Kind() != reflect.Struct {
			return nil
		}
		next, found := fields(v)[key]
		if !found {
			return nil
		}
		v = next
	}
	if !isScalar(v.Type()) || v.Kind() == reflect.String && v.IsZero() {
		return nil
	}
	switch value := v.Interface().(type) {
	case metav1.Duration:
		return value.Duration.String()
	default:
		if v.Kind() == reflect.String {
			return v.String()
		}
		return value
	}
}

// withoutNamespace removes the namespace from a path: llm-d-sim:decode.replicas becomes
// decode.replicas.
func withoutNamespace(path string) string {
	if i := strings.IndexAny(path, ":.["); i >= 0 && path[i] == ':' {
		return path[i+1:]
	}
	return path
}
