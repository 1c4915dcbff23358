package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// LoadInputs is Load for a resource of a program whose inputs are the keys of Spec. inputs
// holds the trees of JSON that are set, with numbers as json.Number.
//
// settings and secretKeys are the configuration of that program's stack, of which only the
// settings of the Kubernetes provider are read. Those without meaning here are ignored: the
// program may have them for other resources.
func LoadInputs(inputs map[string]any, settings map[string]string, secretKeys []string) (*Loaded, error) {
	spec := Default()
	loaded := &Loaded{Spec: &spec}
	l := &loader{project: Namespace, values: settings, secretKeys: secretKeys, known: fields(reflect.ValueOf(&spec).Elem())}
	for _, key := range slices.Sorted(maps.Keys(inputs)) {
		path := field.NewPath(key)
		if target, found := l.known[key]; found {
			l.value(target, path, inputs[key])
			continue
		}
		l.unknown(misplaced{path, key, inputs[key], removeCommand(path)}, l.known, func(near string) (*field.Path, any) {
			return field.NewPath(near), nil
		})
	}
	ours := fields(reflect.ValueOf(&loaded.Provider).Elem())
	for _, full := range slices.Sorted(maps.Keys(settings)) {
		key, is := strings.CutPrefix(full, providerNamespace+":")
		if _, known := ours[key]; is && known {
			l.provider(&loaded.Provider, full, key)
		}
	}
	if problems := append(l.problems, spec.problems(nil)...); len(problems) > 0 {
		return nil, newError(problems)
	}
	loaded.Warnings = spec.idle(l.settings)
	return loaded, nil
}
