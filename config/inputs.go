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
// settings are those of ProviderKeys that the configuration of that program's stack has, and
// secretKeys are the encrypted ones. A program may have more for its other resources.
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
	for _, full := range ProviderKeys() {
		if _, is := settings[full]; is {
			l.provider(&loaded.Provider, full, strings.TrimPrefix(full, providerNamespace+":"))
		}
	}
	if problems := append(l.problems, spec.problems(nil)...); len(problems) > 0 {
		return nil, newError(problems)
	}
	loaded.Warnings = spec.idle(l.settings)
	return loaded, nil
}

// ProviderKeys returns the full keys of the Kubernetes provider's settings that Provider holds.
func ProviderKeys() []string {
	var keys []string
	for name := range fields(reflect.ValueOf(&Provider{}).Elem()) {
		keys = append(keys, providerNamespace+":"+name)
	}
	slices.Sort(keys)
	return keys
}
