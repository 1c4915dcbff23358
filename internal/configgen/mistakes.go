package configgen

import (
	"math"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Mistake is a value that makes a configuration bad.
type Mistake struct {
	// Path is dotted, and Reported the path that the error must name.
	Path, Reported string
	Value          any
}

// Mistakes returns everything that can be wrong with each value of the configuration: a typo in
// its name, a wrong type, and values out of bounds.
func Mistakes() (list []Mistake) {
	for _, l := range Leaves() {
		list = append(list, mistakesOf(l)...)
	}
	return list
}

func mistakesOf(l Leaf) []Mistake {
	typo := l.Path[:len(l.Path)-1]
	list := []Mistake{{typo, typo, "1"}, {l.Path, l.Path, otherType(l.Of)}}
	for _, value := range outOfBounds(l) {
		reported := l.Path
		if l.Of.Kind() == reflect.Slice {
			reported += "[0]"
		}
		list = append(list, Mistake{l.Path, reported, value})
	}
	return list
}

func otherType(of reflect.Type) any {
	switch of.Kind() {
	case reflect.Bool:
		return "maybe"
	case reflect.Int32, reflect.Int64, reflect.Float64:
		return "many"
	case reflect.Slice:
		return "no list"
	}
	switch of {
	case reflect.TypeFor[metav1.Duration]():
		return 5
	case reflect.TypeFor[Quantity]():
		return true
	}
	return map[string]any{"no": "string"}
}

func outOfBounds(l Leaf) []any {
	switch key := l.Key(); {
	case l.Of == reflect.TypeFor[metav1.Duration]():
		return []any{"-1s"}
	case l.Of == reflect.TypeFor[Quantity]():
		return []any{"-1", "1 or so"}
	case strings.EqualFold(key, "port"):
		return []any{0, 65536, math.MaxInt32 + 1}
	case strings.HasSuffix(strings.ToLower(key), "verbosity"):
		return []any{-1, 11}
	case key == "rate":
		return []any{-1, 101}
	case key == "maxRequestMiB":
		return []any{0, 513}
	case key == "priority" || key == "seed":
		return nil // Every number is one.
	case l.Of.Kind() == reflect.Int32 || l.Of.Kind() == reflect.Int64:
		return []any{0, -1}
	case key == "sampling":
		return []any{-0.1, 1.1}
	case l.Of.Kind() == reflect.Float64:
		return []any{0.5}
	case l.Of.Kind() == reflect.Slice:
		return []any{[]any{""}, []any{7}}
	case key == "endpoint":
		return []any{"collector", "http://collector:4317", "collector:0"}
	case key == "image":
		return []any{"Not An Image"}
	case strings.HasSuffix(strings.ToLower(key), "name"):
		return []any{"Not_A_Name"}
	case strings.HasSuffix(key, "olicy") || key == "type" || key == "algorithm" || key == "profile":
		return []any{"OTHER"}
	}
	return nil
}
