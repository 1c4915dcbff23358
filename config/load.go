package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/llm-d-sim/llm-d-sim/internal/spelling"
)

// Namespace is the name of the Pulumi project, and so the namespace of its configuration
// keys. If the project has another name, keys in both namespaces are read.
const Namespace = "llm-d-sim"

// Loaded is a stack configuration that has no problems.
type Loaded struct {
	// Spec is what to deploy.
	Spec *Spec
	// Provider is where to deploy it.
	Provider Provider
	// Warnings are the settings that have no effect.
	Warnings []Warning
}

// Load turns a stack configuration into a checked Spec: the defaults, overlaid with what
// is set. project is the name of the Pulumi project. values holds raw values by full key
// (`llm-d-sim:decode`), as Pulumi delivers them to a program: scalars as they were typed,
// objects as JSON; null means "not set". secretKeys are the full keys of encrypted values.
//
// Keys in the project's namespace, in Namespace and in `kubernetes:` are read, and all of
// them must be known. Other namespaces belong to others, such as `pulumi:` or a policy
// pack, and are ignored, unless the name is close to one of ours or the key is a key of
// Spec: that is a typo, or a renamed project, and is refused.
//
// The error is an *Error with all problems.
func Load(project string, values map[string]string, secretKeys []string) (*Loaded, error) {
	spec := Default()
	loaded := &Loaded{Spec: &spec}
	l := &loader{
		project: project, values: values, secretKeys: secretKeys,
		known: fields(reflect.ValueOf(&spec).Elem()), roots: rootsOf(project, values),
	}
	for _, full := range slices.Sorted(maps.Keys(values)) {
		namespace, key, _ := strings.Cut(full, ":")
		switch namespace {
		case project, Namespace:
			l.own(full, key)
		case providerNamespace:
			l.provider(&loaded.Provider, full, key)
		default:
			l.foreign(full, namespace, key)
		}
	}
	// A value that could not be read has its default here, so that the rest is still checked
	// and all problems are reported together.
	problems := append(l.problems, spec.problems(l.roots)...)
	for i := range problems {
		problems[i].Fix = l.fixInText(problems[i])
	}
	if len(problems) > 0 {
		return nil, newError(problems)
	}
	loaded.Warnings = append(l.warnings, spec.idle(l.settings)...)
	return loaded, nil
}

// roots are the keys that are set in a namespace other than the project's, by name.
type roots map[string]string

func rootsOf(project string, values map[string]string) roots {
	r := roots{}
	for full := range values {
		key, is := strings.CutPrefix(full, Namespace+":")
		if _, twice := values[project+":"+key]; is && !twice {
			r[key] = full
		}
	}
	return r
}

// at returns a dotted path as it is typed in this project.
func (r roots) at(path string, more ...string) *field.Path {
	keys := append(strings.Split(path, "."), more...)
	if full, is := r[keys[0]]; is {
		keys[0] = full
	}
	return field.NewPath(keys[0], keys[1:]...)
}

// loader decodes whole keys.
type loader struct {
	decoder
	roots
	project    string
	values     map[string]string
	secretKeys []string
	// known are the fields of the Spec.
	known    map[string]reflect.Value
	warnings []Warning
}

// own decodes one key of the Spec.
func (l *loader) own(full, key string) {
	typed, raw := strings.TrimPrefix(full, l.project+":"), l.values[full]
	path, remove := field.NewPath(typed), removeKeyCommand(typed)
	if l.isSecret(full) {
		l.add(path, notShown, remove, "is encrypted, but no key of this program takes a secret: its value would be stored in plain text")
		return
	}
	if _, twice := l.values[l.project+":"+key]; twice && typed != key {
		l.add(path, raw, remove, "is also set as %s:%s", l.project, key)
		return
	}
	if target, found := l.known[key]; found {
		l.value(target, path, treeOf(target.Type(), raw))
		return
	}
	if root, tree := dotted(key, raw); l.known[root].IsValid() {
		fix, value := moveCommand(l.at(root), l.known[root].Type(), tree, remove), any(raw)
		if fix == remove && looksSecret(key) {
			value = notShown
		}
		l.add(path, value, fix, "is one key with a dot in its name, since it was set without --path")
		return
	}
	l.unknown(misplaced{path, key, raw, remove}, l.known, func(near string) (*field.Path, any) {
		return l.at(near), l.unlessSet(near, raw)
	})
}

// unlessSet returns the tree of a value that was meant for a key of the Spec, nil if the
// key is set already.
func (l *loader) unlessSet(key, raw string) any {
	for _, namespace := range []string{l.project, Namespace} {
		if _, is := l.values[namespace+":"+key]; is {
			return nil
		}
	}
	return treeOf(l.known[key].Type(), raw)
}

// foreign refuses a key in another namespace if it was meant for one of ours.
func (l *loader) foreign(full, namespace, key string) {
	target, found := l.known[key]
	near := spelling.Nearest(namespace, []string{Namespace, providerNamespace})
	if near == "" && !found {
		return
	}
	value, fix, meant := any(l.values[full]), removeKeyCommand(full), l.project
	switch {
	case near == providerNamespace:
		value, meant = notShown, near // It may be a kubeconfig.
	case l.isSecret(full):
		value = notShown
	case found:
		fix = moveCommand(l.at(key), target.Type(), l.unlessSet(key, l.values[full]), fix)
	case looksSecret(key):
		value = notShown
	}
	l.add(field.NewPath(full), value, fix, "is not read, did you mean the namespace %s?", meant)
}

func (l *loader) isSecret(full string) bool { return slices.Contains(l.secretKeys, full) }

// fixInText returns the fix of a problem: no command can change part of an object that is
// set as text, only remove the whole text.
func (l *loader) fixInText(p Problem) string {
	for _, text := range l.texts {
		if strings.HasPrefix(p.Path, text.String()) {
			return removeCommand(text)
		}
	}
	return p.Fix
}
