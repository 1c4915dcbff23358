package comparison

import (
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// line returns where a path stands in the file, or as much of it as there is.
func (k *checker) line(path string) int {
	line := 1
	at := &k.root
	if len(at.Content) == 0 {
		return line
	}
	at = at.Content[0]
	for _, step := range steps(path) {
		key, value := child(at, step)
		if value == nil {
			break
		}
		at, line = value, key.Line
	}
	return line
}

// node returns what stands at a path, nil if nothing does.
func (k *checker) node(path string) *yaml.Node {
	if len(k.root.Content) == 0 {
		return nil
	}
	at := k.root.Content[0]
	for _, step := range steps(path) {
		if _, at = child(at, step); at == nil {
			return nil
		}
	}
	return at
}

var step = regexp.MustCompile(`[^.\[\]]+`)

func steps(path string) []string { return step.FindAllString(path, -1) }

func child(at *yaml.Node, step string) (key, value *yaml.Node) {
	switch at.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(at.Content); i += 2 {
			if at.Content[i].Value == step {
				return at.Content[i], at.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i < len(at.Content) {
			return at.Content[i], at.Content[i]
		}
	}
	return nil, nil
}
