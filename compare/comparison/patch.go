package comparison

import (
	"maps"
	"slices"
	"strings"
)

// merge returns a with b on top: objects are merged, the rest replaced.
func merge(a, b map[string]any) map[string]any {
	merged := maps.Clone(a)
	if merged == nil {
		merged = map[string]any{}
	}
	for key, value := range b {
		inner, isObject := value.(map[string]any)
		before, wasObject := merged[key].(map[string]any)
		switch {
		case isObject && key != "pluginsConfig":
			merged[key] = merge(before, inner)
		case wasObject && value == nil:
			delete(merged, key)
		default:
			merged[key] = value
		}
	}
	return merged
}

// setDefault sets a value at a path unless there is one. What is on the path is copied first,
// since candidates share it.
func setDefault(object map[string]any, path, value string) {
	key, rest, nested := strings.Cut(path, ".")
	if !nested {
		if _, set := object[key]; !set {
			object[key] = value
		}
		return
	}
	inner, _ := object[key].(map[string]any)
	inner = maps.Clone(inner)
	if inner == nil {
		inner = map[string]any{}
	}
	object[key] = inner
	setDefault(inner, rest, value)
}

// imageParts have to be enabled for an image's key to have an effect.
var imageParts = map[string][]string{
	"epp.image": {"epp"}, "decode.routingSidecar.image": {"epp", "prefill", "decode"},
}

func hasPartsOf(stack map[string]any, key string) bool {
	return !slices.ContainsFunc(imageParts[key], func(part string) bool {
		object, _ := stack[part].(map[string]any)
		return object["enabled"] != true
	})
}

func lower(name string) string { return strings.ToLower(name) }
