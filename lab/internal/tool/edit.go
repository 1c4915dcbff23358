package tool

import "regexp"

// Edit changes a few lines of a dependency while it is built. The tool's module replaces the
// dependency by Folder, which holds nothing but a go.mod: the other files are laid over it from
// Go's module cache, whose files themselves cannot be replaced.
type Edit struct {
	// Dependency is the module, of this version; the edits are refused if Sum, its checksum as
	// in a go.sum, is another.
	Dependency, Version, Sum string
	// Folder is below the tool's module.
	Folder string
	// Files are the edited ones, by their path in the dependency.
	Files map[string]Changes
	// Only limits folders of the dependency, by their path, to those of their own files whose name
	// matches. The rest is not compiled, and nor is what it alone imports.
	Only map[string]*regexp.Regexp
}

// Changes are made to a file one after the other. Each has to find something to change.
type Changes []Change

// Change replaces what Old matches by New, which may refer to Old's groups.
type Change struct {
	Old *regexp.Regexp
	New string
}

// withoutTypedKinds lets yaml/v2 of the Kubernetes SDK, which the provider runs for manifests in
// YAML, register each resource as one of no type of its own. Only a Go program that receives the
// resource sees its type, and the provider is none; but its 167 types make it compile every API
// group of Kubernetes, which is four fifths of the provider.
var withoutTypedKinds = Edit{
	Dependency: "github.com/pulumi/pulumi-kubernetes/sdk/v4",
	Version:    "v4.27.0",
	Sum:        "h1:l33vcOD62jlEIiD/POknlKrVF4JG2ZV87khzavYwkR0=",
	Folder:     "kubernetes-sdk",
	Files: map[string]Changes{"go/kubernetes/yaml/v2/kinds.go": {
		{Old: regexp.MustCompile(`(?m)^\tcase "[^"\n]+":\n\t\tvar res [^\n]+\n(?:\t\t[^\n]*\n)+?\t\treturn &res, nil\n`)},
		{Old: regexp.MustCompile(`(?m)^\t\w+ "github\.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/[^"]+"\n`)},
		// The core group has no name in an apiVersion, but it has in a type.
		{
			Old: regexp.MustCompile(`\tdefault:\n\t\tvar res`),
			New: "\tdefault:\n\t\tif apiVersion == \"v1\" {\n\t\t\tapiVersion = \"core/v1\"\n\t\t}\n\t\tvar res",
		},
	}},
}

// withKubernetesOfTheLab lets KWOK compile with the Kubernetes that the lab runs, whose packages
// are compiled already, instead of with its own of two releases before. It names what went away
// since then: an annotation's key, and two groups of the API.
var withKubernetesOfTheLab = Edit{
	Dependency: kwok,
	Version:    "v0.7.0",
	Sum:        "h1:+eGsNOIPapjsSzeZlOEcwbpyEVa2Vqlcafa0qIjaKV4=",
	Folder:     "kwok",
	Files: map[string]Changes{
		"pkg/utils/informer/informer.go": {{
			Old: regexp.MustCompile(`metav1\.InitialEventsListBlueprintAnnotationKey`),
			New: `"kubernetes.io/initial-events-list-blueprint"`,
		}},
		"pkg/kwokctl/etcd/scheme.go": {{
			Old: regexp.MustCompile(`(?m)^.*(?:networkingv1alpha1|storagemigrationv1alpha1).*\n`),
		}},
	},
}
