// Package configgen generates stack configurations for tests, from the types of the
// configuration itself: a new key is included without a change here.
package configgen

import (
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/config"
)

// Quantity stands for the type of the values in ResourceRequirements.
type Quantity string

// Leaf is a single value that a user can set.
type Leaf struct {
	// Path is dotted, as in `pulumi config set --path`.
	Path string
	Of   reflect.Type
}

// Key is the last part of the path.
func (l Leaf) Key() string { return l.Path[strings.LastIndex(l.Path, ".")+1:] }

// Leaves returns all values of the configuration, except for those within an
// EndpointPickerConfig, whose keys are the EPP's.
func Leaves() []Leaf { return leavesOf(reflect.TypeFor[config.Spec](), "") }

func leavesOf(of reflect.Type, path string) []Leaf {
	switch {
	case of.Kind() == reflect.Pointer:
		return leavesOf(of.Elem(), path)
	case of == reflect.TypeFor[corev1.ResourceRequirements]():
		return []Leaf{
			{path + ".requests.cpu", reflect.TypeFor[Quantity]()},
			{path + ".limits.memory", reflect.TypeFor[Quantity]()},
		}
	case of.Kind() == reflect.Map && of.Elem().Kind() == reflect.Struct:
		return leavesOf(of.Elem(), path+".one")
	case of.Kind() == reflect.Map:
		return nil
	case of.Kind() != reflect.Struct || of == reflect.TypeFor[metav1.Duration]():
		return []Leaf{{path, of}}
	}
	var list []Leaf
	for _, field := range reflect.VisibleFields(of) {
		if field.Anonymous { // Its own fields follow.
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if path != "" {
			name = "." + name
		}
		list = append(list, leavesOf(field.Type, path+name)...)
	}
	return list
}

// Set puts a value at a dotted path of a configuration.
func Set(config map[string]any, path string, value any) {
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		inner, is := config[key].(map[string]any)
		if !is {
			inner = map[string]any{}
			config[key] = inner
		}
		config = inner
	}
	config[keys[len(keys)-1]] = value
}
