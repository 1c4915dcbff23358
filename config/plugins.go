package config

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The group, version and kind that EPP v0.4.0 decodes.
const (
	pluginsAPIVersion = "inference.networking.x-k8s.io/v1alpha1"
	pluginsKind       = "EndpointPickerConfig"
)

// pluginsConfig checks the outline of an EndpointPickerConfig: what the EPP would
// only say by crashing. Plugin types are left to the EPP, whose version decides.
func (v *validator) pluginsConfig(path *field.Path, config map[string]any) {
	if config == nil {
		return
	}
	remove := "pulumi config rm --path '" + path.String() + "', to use the generated one"
	if got := config["apiVersion"]; got != pluginsAPIVersion {
		v.add(path.Child("apiVersion"), got, "pulumi config set --path '"+path.Child("apiVersion").String()+"' "+pluginsAPIVersion,
			"must be %s", pluginsAPIVersion)
	}
	if got := config["kind"]; got != pluginsKind {
		v.add(path.Child("kind"), got, "pulumi config set --path '"+path.Child("kind").String()+"' "+pluginsKind,
			"must be %s", pluginsKind)
	}
	plugins, _ := config["plugins"].([]any)
	if len(plugins) == 0 {
		v.add(path.Child("plugins"), config["plugins"], remove, "must be a list of one plugin or more")
	}
	var names []string
	for i, p := range plugins {
		path := path.Child("plugins").Index(i)
		plugin, _ := p.(map[string]any)
		kind, _ := plugin["type"].(string)
		name, named := plugin["name"].(string)
		if kind == "" {
			v.add(path.Child("type"), plugin["type"], remove, "must be the type of a plugin")
		}
		if !named {
			name = kind
		}
		if slices.Contains(names, name) {
			v.add(path, name, remove, "has the name of another plugin")
		}
		names = append(names, name)
	}
	profiles, _ := config["schedulingProfiles"].([]any)
	for i, p := range profiles {
		profile, _ := p.(map[string]any)
		refs, _ := profile["plugins"].([]any)
		for j, r := range refs {
			path := path.Child("schedulingProfiles").Index(i).Child("plugins").Index(j).Child("pluginRef")
			ref, _ := r.(map[string]any)
			name, _ := ref["pluginRef"].(string)
			if !slices.Contains(names, name) {
				v.add(path, ref["pluginRef"], remove, "must name a plugin of %s", "plugins")
			}
		}
	}
}
