package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

// treeOf parses a top-level value, which Pulumi delivers as text: scalars as they were
// typed, everything else as JSON. null arrives as "null", and so does YAML's ~.
func treeOf(t reflect.Type, raw string) any {
	if t.Kind() == reflect.Pointer {
		return treeOf(t.Elem(), raw)
	}
	if raw == "null" {
		return nil
	}
	switch {
	case t.Kind() == reflect.Bool && (raw == "true" || raw == "false"):
		return raw == "true"
	case t.Kind() == reflect.Int32 || t.Kind() == reflect.Int64:
		if _, err := strconv.ParseInt(raw, 10, 64); err == nil {
			return json.Number(raw)
		}
	case !isScalar(t):
		decoder := json.NewDecoder(bytes.NewReader([]byte(raw)))
		decoder.UseNumber()
		var tree any
		if err := decoder.Decode(&tree); err == nil && errors.Is(eof(decoder), io.EOF) {
			return tree
		}
	}
	return raw
}

func eof(decoder *json.Decoder) error {
	_, err := decoder.Token()
	return err
}

// parsed returns the object that a YAML or JSON text describes; anything else stays as it
// is.
func (d *decoder) parsed(path *field.Path, tree any) any {
	text, is := tree.(string)
	if !is {
		return tree
	}
	d.texts = append(d.texts, path)
	raw, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		d.add(path, text, removeCommand(path), "must be valid YAML: %v", err)
		return nil
	}
	if parsed := treeOf(reflect.TypeFor[map[string]any](), string(raw)); parsed != nil {
		return parsed
	}
	return text // Effectively empty.
}

// plain converts the numbers of a tree from text to Go's own.
func plain(tree any) any {
	switch v := tree.(type) {
	case map[string]any:
		object := map[string]any{}
		for key := range v {
			object[key] = plain(v[key])
		}
		return object
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		n, _ := v.Float64()
		return n
	}
	return tree
}
