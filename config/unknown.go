package config

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/llm-d-sim/llm-d-sim/internal/spelling"
)

// notShown stands for a value that may be a secret.
const notShown = "[not shown]"

// misplaced is a value under an unknown key.
type misplaced struct {
	path  *field.Path
	key   string
	value any
	// remove is the command that removes it.
	remove string
}

// unknown reports a value under an unknown key. meant returns the path of a known key, and
// the value that could move there, nil if none could.
func (d *decoder) unknown(
	m misplaced, known map[string]reflect.Value, meant func(near string) (*field.Path, any),
) {
	names := slices.Sorted(maps.Keys(known))
	near := spelling.Nearest(m.key, names)
	switch {
	case near != "":
		path, tree := meant(near)
		fix := m.remove
		if tree != nil {
			fix = moveCommand(path, known[near].Type(), tree, m.remove)
		}
		d.add(m.path, m.value, fix, "is not a known key, did you mean %s?", path)
	case looksSecret(m.key):
		d.add(m.path, notShown, m.remove, "is not a known key; a secret does not belong in an object, which is stored in plain text")
	default:
		d.add(m.path, m.value, m.remove, "is not a known key: the keys here are %s", strings.Join(names, ", "))
	}
}

var dottedKey = regexp.MustCompile(`^([A-Za-z]+)((?:\.[A-Za-z][A-Za-z0-9]*|\[0\])+)$`)

// dotted returns what a key such as decode.replicas would mean as a path: its first key,
// and the tree that `pulumi config set --path` makes of the rest.
func dotted(key, raw string) (root string, tree any) {
	match := dottedKey.FindStringSubmatch(key)
	if match == nil {
		return "", nil
	}
	tree = raw
	switch {
	case raw == "true" || raw == "false":
		tree = raw == "true"
	case wholeNumber.MatchString(raw):
		tree = json.Number(raw)
	}
	keys := strings.FieldsFunc(match[2], func(r rune) bool { return strings.ContainsRune(".[]", r) })
	for _, key := range slices.Backward(keys) {
		if key == "0" {
			tree = []any{tree}
		} else {
			tree = map[string]any{key: tree}
		}
	}
	return match[1], tree
}

// moveCommand returns the command that sets a tree at another path and then runs remove, or
// just remove if the tree does not fit there.
func moveCommand(path *field.Path, t reflect.Type, tree any, remove string) string {
	scratch := &decoder{}
	scratch.value(reflect.New(t).Elem(), path, tree)
	if len(scratch.problems) > 0 {
		return remove
	}
	return both(append(setCommands(path, tree), remove)...)
}

func looksSecret(key string) bool {
	lower := strings.ToLower(key)
	for _, word := range []string{"password", "passwd", "secret", "token", "apikey", "api-key", "api_key", "credential"} {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return false
}
