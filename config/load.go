package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Namespace is the Pulumi project, and so the namespace of its configuration keys.
const Namespace = "llm-d-sim"

// Load turns the stack configuration into a checked Spec: the defaults, overlaid with
// what is set. values holds raw values by full key (`llm-d-sim:decode`), as Pulumi
// hands them to a program: scalars as they were typed, objects as JSON. secretKeys
// are the full keys of encrypted values. Keys of other namespaces are ignored.
//
// The error is a *Error that tells all problems at once.
func Load(values map[string]string, secretKeys []string) (*Spec, error) {
	spec := Default()
	d := &decoder{}
	for _, full := range slices.Sorted(maps.Keys(values)) {
		key, ours := strings.CutPrefix(full, Namespace+":")
		if !ours {
			continue
		}
		if slices.Contains(secretKeys, full) {
			// Where it would end up: plain in the state and in the objects.
			d.problems = append(d.problems, Problem{
				Path:   key,
				Value:  "[secret]",
				Detail: "is encrypted, but no key of this program takes a secret: its value would be stored in plain text",
				Fix:    fmt.Sprintf("pulumi config rm %s", key),
			})
			continue
		}
		d.topLevel(reflect.ValueOf(&spec).Elem(), key, values[full])
	}
	// A value that could not be read has its default here, so that the rest is still
	// checked and all problems are told at once.
	d.problems = append(d.problems, spec.problems()...)
	if len(d.problems) > 0 {
		return nil, newError(d.problems)
	}
	return &spec, nil
}

// decoder fills a Spec and gathers what does not fit.
type decoder struct{ problems []Problem }

func (d *decoder) fail(path *field.Path, value any, format string, args ...any) {
	d.problems = append(d.problems, Problem{
		Path: path.String(), Value: value, Detail: fmt.Sprintf(format, args...), Fix: setCommand(path.String()),
	})
}

// topLevel decodes one configuration key, whose value is a string still.
func (d *decoder) topLevel(spec reflect.Value, key, raw string) {
	target, found := fields(spec)[key]
	if !found {
		d.unknown(nil, key, raw, spec)
		return
	}
	path := field.NewPath(key)
	if isScalar(target.Type()) {
		d.scalar(target, path, typed(target.Type(), raw))
		return
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(raw)))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil || !errors.Is(eof(decoder), io.EOF) {
		tree = raw // Not JSON: a bare string, which value reports.
	}
	d.value(target, path, tree)
}

func eof(decoder *json.Decoder) error {
	_, err := decoder.Token()
	return err
}

// typed reads a scalar that Pulumi delivers as a string whatever its type.
func typed(t reflect.Type, raw string) any {
	switch t.Kind() {
	case reflect.Int32, reflect.Int64:
		if _, err := strconv.ParseInt(raw, 10, 64); err == nil {
			return json.Number(raw)
		}
	case reflect.Bool:
		if raw == "true" || raw == "false" {
			return raw == "true"
		}
	}
	return raw
}

var (
	durationType  = reflect.TypeFor[metav1.Duration]()
	resourcesType = reflect.TypeFor[corev1.ResourceRequirements]()
)

func isScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64:
		return true
	}
	return t == durationType
}

// value decodes a tree of JSON into target. null means "not set", as in a manifest
// with an empty key.
func (d *decoder) value(target reflect.Value, path *field.Path, tree any) {
	if tree == nil {
		return
	}
	t := target.Type()
	switch {
	case isScalar(t):
		d.scalar(target, path, tree)
	case t == resourcesType:
		d.resources(target, path, tree)
	case t.Kind() == reflect.Pointer:
		fresh := reflect.New(t.Elem())
		before := len(d.problems)
		d.value(fresh.Elem(), path, tree)
		if len(d.problems) == before {
			target.Set(fresh)
		}
	case t.Kind() == reflect.Struct:
		if object := d.object(path, tree); object != nil {
			known := fields(target)
			for _, key := range slices.Sorted(maps.Keys(object)) {
				if inner, found := known[key]; found {
					d.value(inner, path.Child(key), object[key])
				} else {
					d.unknown(path, key, object[key], target)
				}
			}
		}
	case t.Kind() == reflect.Slice:
		d.strings(target, path, tree)
	case t.Kind() == reflect.Map:
		if object := d.object(path, tree); object != nil {
			target.Set(reflect.ValueOf(plain(object)))
		}
	}
}

// plain turns the numbers of a tree from their text into Go's own.
func plain(tree any) any {
	switch v := tree.(type) {
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		n, _ := v.Float64()
		return n
	}
	return tree
}

func (d *decoder) object(path *field.Path, tree any) map[string]any {
	object, is := tree.(map[string]any)
	if !is {
		d.problems = append(d.problems, Problem{
			Path: path.String(), Value: tree, Detail: "must be an object with keys",
			Fix: fmt.Sprintf("pulumi config rm --path %[1]s, then pulumi config set --path %[1]s.KEY VALUE", path),
		})
	}
	return object
}

func (d *decoder) strings(target reflect.Value, path *field.Path, tree any) {
	list, is := tree.([]any)
	if !is {
		d.problems = append(d.problems, Problem{
			Path: path.String(), Value: tree, Detail: "must be a list of strings",
			Fix: fmt.Sprintf("pulumi config rm --path %[1]s, then pulumi config set --path '%[1]s[0]' VALUE", path),
		})
		return
	}
	items := reflect.MakeSlice(target.Type(), len(list), len(list))
	for i := range list {
		d.scalar(items.Index(i), path.Index(i), list[i])
	}
	target.Set(items)
}

// scalar sets target, or reports that the value is of another type.
func (d *decoder) scalar(target reflect.Value, path *field.Path, value any) {
	switch {
	case target.Type() == durationType:
		text, _ := value.(string)
		duration, err := time.ParseDuration(text)
		if err != nil {
			d.fail(path, value, "must be a duration such as 500ms, 30s or 5m")
			return
		}
		target.Set(reflect.ValueOf(metav1.Duration{Duration: duration}))
	case target.Kind() == reflect.String:
		text, is := value.(string)
		if !is {
			d.problems = append(d.problems, Problem{
				Path: path.String(), Value: value, Detail: "must be a string",
				Fix: fmt.Sprintf("pulumi config set --path %s --type string %v", path, value),
			})
			return
		}
		target.SetString(text)
	case target.Kind() == reflect.Bool:
		is, ok := value.(bool)
		if !ok {
			d.fail(path, value, "must be true or false")
			return
		}
		target.SetBool(is)
	default:
		number, _ := value.(json.Number)
		n, err := number.Int64()
		if err != nil {
			d.fail(path, value, "must be a whole number")
			return
		}
		if target.OverflowInt(n) {
			d.fail(path, value, "must be within %d to %d", math.MinInt32, math.MaxInt32)
			return
		}
		target.SetInt(n)
	}
}

// resources decodes requests and limits. What is set replaces the default whole: a
// limit below a request that nobody typed would be a puzzle.
func (d *decoder) resources(target reflect.Value, path *field.Path, tree any) {
	object := d.object(path, tree)
	if object == nil {
		return
	}
	var resources corev1.ResourceRequirements
	for _, key := range slices.Sorted(maps.Keys(object)) {
		switch key {
		case "requests":
			resources.Requests = d.quantities(path.Child(key), object[key])
		case "limits":
			resources.Limits = d.quantities(path.Child(key), object[key])
		default:
			d.unknownOf(path, key, object[key], []string{"requests", "limits"})
		}
	}
	target.Set(reflect.ValueOf(resources))
}

func (d *decoder) quantities(path *field.Path, tree any) corev1.ResourceList {
	if tree == nil {
		return nil
	}
	list := corev1.ResourceList{}
	object := d.object(path, tree)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		var text string
		switch v := object[name].(type) {
		case string:
			text = v
		case json.Number: // `cpu: 1` is a number in YAML.
			text = v.String()
		}
		quantity, err := resource.ParseQuantity(text)
		if err != nil {
			d.problems = append(d.problems, Problem{
				Path: path.Child(name).String(), Value: object[name],
				Detail: "must be a quantity such as 100m, 1 or 256Mi",
				Fix:    fmt.Sprintf("pulumi config set --path %s QUANTITY", path.Child(name)),
			})
			continue
		}
		list[corev1.ResourceName(name)] = quantity
	}
	return list
}

// fields returns the settable fields of a struct by their JSON name, with those of
// embedded structs among them.
func fields(v reflect.Value) map[string]reflect.Value {
	byName := map[string]reflect.Value{}
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if v.Type().Field(i).Anonymous {
			maps.Copy(byName, fields(v.Field(i)))
		} else {
			byName[name] = v.Field(i)
		}
	}
	return byName
}

func (d *decoder) unknown(parent *field.Path, key string, value any, in reflect.Value) {
	d.unknownOf(parent, key, value, slices.Sorted(maps.Keys(fields(in))))
}

// unknownOf reports a key that is none of the known ones.
func (d *decoder) unknownOf(parent *field.Path, key string, value any, known []string) {
	path := parent.Child(key).String()
	p := Problem{Path: path, Value: value, Detail: "is not a known key", Fix: "pulumi config rm --path '" + path + "'"}
	if parent == nil {
		p.Fix = "pulumi config rm '" + path + "'"
	}
	near := nearest(key, known)
	dotted, _, isDotted := strings.Cut(key, ".")
	switch {
	case looksSecret(key):
		p.Value = "[not shown]"
		p.Detail = "is not a known key; a secret never belongs into an object, which is stored in plain text"
	case parent == nil && isDotted && slices.Contains(known, dotted):
		p.Detail = "is one key with a dot in its name, since it was set without --path"
		p.Fix += fmt.Sprintf(" && pulumi config set --path %s %v", key, value)
	case near != "":
		nearPath := parent.Child(near).String()
		p.Detail += fmt.Sprintf(", did you mean %s?", nearPath)
		if isPlain(value) {
			p.Fix += fmt.Sprintf(" && pulumi config set --path %s %v", nearPath, value)
		}
	default:
		p.Detail += ": known here are " + strings.Join(known, ", ")
	}
	d.problems = append(d.problems, p)
}

func isPlain(value any) bool {
	switch v := value.(type) {
	case string:
		return v != "" && !strings.ContainsAny(v, " {}[]\"'\n$`")
	case bool, json.Number:
		return true
	}
	return false
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
