package workspace

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Image is one that a lab has in place of the default one, which it cannot pull.
type Image struct {
	// Path is the configuration key of the image.
	Path string
	// Parts have to be enabled for the key to have an effect.
	Parts []string
	// Reference is the image with its tag.
	Reference string
}

// withImages returns a configuration with images where it uses the default ones.
func withImages(config string, images []Image) (string, error) {
	var content map[string]any
	if err := yaml.Unmarshal([]byte(config), &content); err != nil {
		return "", err
	}
	values, _ := content["config"].(map[string]any)
	enabled := func(part string) bool {
		object, _ := values[project+part].(map[string]any)
		return object["enabled"] == true
	}
	changed := false
	for _, image := range images {
		if slices.ContainsFunc(image.Parts, func(part string) bool { return !enabled(part) }) {
			continue
		}
		changed = set(values, strings.Split(project+image.Path, "."), image.Reference) || changed
	}
	if !changed {
		return config, nil // With its comments.
	}
	raw, err := yaml.Marshal(content)
	if err != nil {
		return "", fmt.Errorf("writing the configuration: %w", err)
	}
	return string(raw), nil
}

// project is the namespace of the configuration keys.
const project = "llm-d-sim:"

// set sets a value at a path unless there is one, and reports whether it did.
func set(object map[string]any, path []string, value string) bool {
	for _, key := range path[:len(path)-1] {
		inner, is := object[key].(map[string]any)
		if !is {
			inner = map[string]any{}
			object[key] = inner
		}
		object = inner
	}
	last := path[len(path)-1]
	if _, is := object[last]; is {
		return false
	}
	object[last] = value
	return true
}
