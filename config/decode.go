package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// decoder decodes the settings into a struct, and collects the problems.
type decoder struct {
	collector
	// settings are the values that are set.
	settings []setting
	// texts are the objects that are given as text.
	texts []*field.Path
}

// setting is one value that is set: a scalar, a list or a map.
type setting struct {
	path  *field.Path
	value any
}

var (
	durationType  = reflect.TypeFor[metav1.Duration]()
	resourcesType = reflect.TypeFor[corev1.ResourceRequirements]()
	listType      = reflect.TypeFor[corev1.ResourceList]()
	labelsType    = reflect.TypeFor[map[string]string]()
)

func isScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64, reflect.Float64:
		return true
	}
	return t == durationType
}

// value decodes a tree of JSON into target. null means "not set", like an empty key in a
// manifest.
func (d *decoder) value(target reflect.Value, path *field.Path, tree any) {
	if tree == nil {
		return
	}
	t := target.Type()
	switch {
	case t.Kind() == reflect.Pointer:
		fresh := reflect.New(t.Elem())
		before := len(d.problems)
		d.value(fresh.Elem(), path, tree)
		if len(d.problems) == before {
			target.Set(fresh)
		}
		return
	case t == resourcesType:
		d.resources(target, path, tree)
		return
	case t.Kind() == reflect.Struct && t != durationType:
		d.object(target, path, tree)
		return
	case t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct && t != listType:
		d.entries(target, path, tree)
		return
	}
	d.settings = append(d.settings, setting{path, tree})
	switch {
	case isScalar(t):
		d.scalar(target, path, tree)
	case t == listType:
		d.quantities(target, path, tree)
	case t.Kind() == reflect.Slice:
		d.strings(target, path, tree)
	case t == labelsType:
		d.labels(target, path, tree)
	case t.Kind() == reflect.Map:
		if object := d.keys(path, d.parsed(path, tree)); object != nil {
			target.Set(reflect.ValueOf(plain(object)))
		}
	}
}

func (d *decoder) object(target reflect.Value, path *field.Path, tree any) {
	object := d.keys(path, tree)
	known := fields(target)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if inner, found := known[key]; found {
			d.value(inner, property(path, key), object[key])
		} else {
			at := property(path, key)
			d.unknown(misplaced{at, key, object[key], removeCommand(at)}, known, func(near string) (*field.Path, any) {
				if object[near] != nil {
					return property(path, near), nil
				}
				return property(path, near), object[key]
			})
		}
	}
}

// fields returns the settable fields of a struct by their JSON name, including those of
// embedded structs.
func fields(v reflect.Value) map[string]reflect.Value {
	byName := map[string]reflect.Value{}
	for _, f := range reflect.VisibleFields(v.Type()) {
		if !f.Anonymous {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			byName[name] = v.FieldByIndex(f.Index)
		}
	}
	return byName
}

// entries decodes objects under names that the user chooses.
func (d *decoder) entries(target reflect.Value, path *field.Path, tree any) {
	object := d.keys(path, tree)
	entries := reflect.MakeMap(target.Type())
	for _, name := range slices.Sorted(maps.Keys(object)) {
		entry := reflect.New(target.Type().Elem()).Elem()
		d.value(entry, property(path, name), object[name])
		if object[name] != nil {
			entries.SetMapIndex(reflect.ValueOf(name), entry)
		}
	}
	target.Set(entries)
}

// keys returns the keys of an object, nil if tree is not one.
func (d *decoder) keys(path *field.Path, tree any) map[string]any {
	object, is := tree.(map[string]any)
	if !is && tree != nil {
		d.add(path, tree, removeCommand(path), "must be an object with keys")
	}
	return object
}

func (d *decoder) strings(target reflect.Value, path *field.Path, tree any) {
	list, is := tree.([]any)
	if !is {
		fix := removeCommand(path)
		if text, is := tree.(string); is && isPrintable(text) {
			fix = both(fix, setCommand(path.Index(0), text))
		}
		d.add(path, tree, fix, "must be a list of strings")
		return
	}
	items := reflect.MakeSlice(target.Type(), len(list), len(list))
	before := len(d.problems)
	for i := range list {
		item, path := list[i], path.Index(i)
		if object, is := item.(map[string]any); is && len(object) == 1 {
			// The form that manifests use: imagePullSecrets: [{name: regcred}].
			if name, is := object["name"].(string); is && isPrintable(name) {
				d.add(path, item, setCommand(path, name), "must be the name alone")
				continue
			}
		}
		if item == nil {
			d.add(path, nil, removeCommand(path), "must be a string")
		} else {
			d.scalar(items.Index(i), path, item)
		}
	}
	if len(d.problems) == before {
		target.Set(items)
	}
}

// scalar sets target, or reports a value of another type.
func (d *decoder) scalar(target reflect.Value, path *field.Path, value any) {
	switch {
	case target.Type() == durationType:
		text, _ := value.(string)
		duration, err := time.ParseDuration(text)
		if err != nil {
			d.invalid(path, value, "must be a duration such as 500ms, 30s or 5m")
			return
		}
		target.Set(reflect.ValueOf(metav1.Duration{Duration: duration}))
	case target.Kind() == reflect.String:
		text, is := value.(string)
		if is {
			target.SetString(text)
			return
		}
		fix := resetCommand(path)
		switch value.(type) {
		case json.Number, bool:
			if defaultAt(path.String()) == nil {
				fix = setCommand(path, fmt.Sprint(value))
			}
		}
		d.add(path, value, fix, "must be a string")
	case target.Kind() == reflect.Bool:
		is, ok := value.(bool)
		if !ok {
			d.invalid(path, value, "must be true or false")
			return
		}
		target.SetBool(is)
	case target.Kind() == reflect.Float64:
		number, _ := value.(json.Number)
		n, err := number.Float64()
		if err != nil {
			d.invalid(path, value, "must be a number")
			return
		}
		target.SetFloat(n)
	default:
		number, _ := value.(json.Number)
		n, err := number.Int64()
		if err != nil {
			d.invalid(path, value, "must be a whole number")
			return
		}
		if target.OverflowInt(n) {
			d.invalid(path, value, "must be within %d to %d", math.MinInt32, math.MaxInt32)
			return
		}
		target.SetInt(n)
	}
}

// resources decodes requests and limits. They replace the defaults as a whole: otherwise a
// limit could fall below a request that the user never typed.
func (d *decoder) resources(target reflect.Value, path *field.Path, tree any) {
	var lists struct {
		Requests corev1.ResourceList `json:"requests"`
		Limits   corev1.ResourceList `json:"limits"`
	}
	d.object(reflect.ValueOf(&lists).Elem(), path, tree)
	target.Set(reflect.ValueOf(corev1.ResourceRequirements{Requests: lists.Requests, Limits: lists.Limits}))
}

func (d *decoder) quantities(target reflect.Value, path *field.Path, tree any) {
	list := corev1.ResourceList{}
	object := d.keys(path, tree)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		path := property(path, name)
		var text string
		switch v := object[name].(type) {
		case string:
			text = v
		case json.Number: // `cpu: 1` is a number in YAML.
			text = v.String()
		case nil:
			continue
		}
		quantity, err := resource.ParseQuantity(text)
		if err != nil {
			d.add(path, object[name], removeCommand(path), "must be a quantity such as 100m, 1 or 256Mi")
			continue
		}
		list[corev1.ResourceName(name)] = quantity
	}
	target.Set(reflect.ValueOf(list))
}

// labels decodes a map of strings, which replaces the default as a whole.
func (d *decoder) labels(target reflect.Value, path *field.Path, tree any) {
	labels := map[string]string{}
	object := d.keys(path, tree)
	for _, key := range slices.Sorted(maps.Keys(object)) {
		var value string
		if object[key] != nil {
			d.scalar(reflect.ValueOf(&value).Elem(), property(path, key), object[key])
			labels[key] = value
		}
	}
	target.Set(reflect.ValueOf(labels))
}
