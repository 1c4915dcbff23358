// Package stackfile reads the checked-in stack configurations, for the tests.
package stackfile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// Names are the checked-in stacks: dev, which `make up` deploys, and the examples.
var Names = []string{"dev", "minimal", "istio", "full", "prefill-decode"}

// Read returns the configuration of a stack in the repository, by full key.
func Read(repository, name string) (map[string]any, error) {
	path := filepath.Join(repository, "examples", "Pulumi."+name+".yaml")
	if name == Names[0] {
		path = filepath.Join(repository, "Pulumi."+name+".yaml")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var stack struct {
		Config map[string]any `json:"config"`
	}
	if err := yaml.Unmarshal(raw, &stack); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return stack.Config, nil
}

// Values returns the configuration of a stack as Pulumi passes it to a program.
func Values(repository, name string) (map[string]string, error) {
	config, err := Read(repository, name)
	if err != nil {
		return nil, err
	}
	return Encode(config)
}

// Encode converts a configuration to the form that Pulumi passes to a program: text as it
// is, everything else as JSON.
func Encode(config map[string]any) (map[string]string, error) {
	values := make(map[string]string, len(config))
	for key, value := range config {
		if text, is := value.(string); is {
			values[key] = text
			continue
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		values[key] = string(encoded)
	}
	return values, nil
}
