// Package schema describes the package to Pulumi: its resources, with the inputs and outputs
// that the Go types have, in the words of their comments.
package schema

// Package is a Pulumi package's schema, https://www.pulumi.com/docs/iac/extending-pulumi/schema/.
type Package struct {
	Name              string              `json:"name"`
	DisplayName       string              `json:"displayName"`
	Version           string              `json:"version"`
	Description       string              `json:"description"`
	Keywords          []string            `json:"keywords"`
	Homepage          string              `json:"homepage"`
	Repository        string              `json:"repository"`
	License           string              `json:"license"`
	Publisher         string              `json:"publisher"`
	PluginDownloadURL string              `json:"pluginDownloadURL"`
	Language          map[string]any      `json:"language"`
	Types             map[string]Type     `json:"types"`
	Resources         map[string]Resource `json:"resources"`
}

// Type is a struct, or an enum of strings.
type Type struct {
	Description string              `json:"description,omitempty"`
	Type        string              `json:"type"`
	Properties  map[string]Property `json:"properties,omitempty"`
	Required    []string            `json:"required,omitempty"`
	Enum        []EnumValue         `json:"enum,omitempty"`
}

// EnumValue is one value of an enum.
type EnumValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Property is a field, an item of a list or a value of a map.
type Property struct {
	Description string    `json:"description,omitempty"`
	Type        string    `json:"type,omitempty"`
	Ref         string    `json:"$ref,omitempty"`
	Items       *Property `json:"items,omitempty"`
	Values      *Property `json:"additionalProperties,omitempty"`
	// Plain says that other resources cannot provide the value.
	Plain  bool `json:"plain,omitempty"`
	Secret bool `json:"secret,omitempty"`
}

// Resource is a component.
type Resource struct {
	Description     string              `json:"description,omitempty"`
	IsComponent     bool                `json:"isComponent"`
	InputProperties map[string]Property `json:"inputProperties"`
	RequiredInputs  []string            `json:"requiredInputs,omitempty"`
	Properties      map[string]Property `json:"properties"`
	Required        []string            `json:"required,omitempty"`
}
