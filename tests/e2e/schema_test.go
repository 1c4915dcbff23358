package e2e

import (
	"reflect"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/config"
)

// quantity stands for the type of what a ResourceRequirements holds.
type quantity string

// leaf is a single value that a user can set.
type leaf struct {
	path string
	of   reflect.Type
}

// key is the last part of the path.
func (l leaf) key() string { return l.path[strings.LastIndex(l.path, ".")+1:] }

// leaves are all there are but for what is inside an own EndpointPickerConfig, which the
// program hands on.
func leaves() []leaf { return leavesOf(reflect.TypeFor[config.Spec](), "") }

func leavesOf(of reflect.Type, path string) []leaf {
	switch {
	case of.Kind() == reflect.Pointer:
		return leavesOf(of.Elem(), path)
	case of == reflect.TypeFor[corev1.ResourceRequirements]():
		return []leaf{
			{path + ".requests.cpu", reflect.TypeFor[quantity]()},
			{path + ".limits.memory", reflect.TypeFor[quantity]()},
		}
	case of.Kind() == reflect.Map:
		return nil
	case of.Kind() != reflect.Struct || of == reflect.TypeFor[metav1.Duration]():
		return []leaf{{path, of}}
	}
	var list []leaf
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if path != "" && name != "" {
			name = "." + name
		}
		list = append(list, leavesOf(field.Type, path+name)...)
	}
	return list
}

// set puts a value at a dotted path of a configuration.
func set(config map[string]any, path string, value any) {
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
