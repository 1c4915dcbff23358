// Package tool builds the programs that the lab runs, at pinned versions, from the Go
// modules below lab/tools, and keeps them in a cache that all clones share.
package tool

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Tool is a program that the lab needs.
type Tool struct {
	// Name of the executable.
	Name string
	// Module is the folder below lab whose files pin the tool, in a go.mod.
	Module string
	// Package to build, and Source, the module in whose version it comes. Without a
	// Source, the package is this repository's own.
	Package, Source string
	// Release is upstream's name of the version, for a Source that is pinned by a commit.
	Release string
	// Tags are build tags.
	Tags []string
	// Stamp lists the variables that the version is linked into.
	Stamp []string
	// Embed maps a file that the package embeds, and that this repository does not
	// keep, to the file in the module Source.
	Embed map[string]string
	// Edits are made to dependencies that would otherwise compile far more than the tool uses.
	Edits []Edit
	// Libraries are C libraries to link, by their names for pkg-config, and Rust is a Go
	// module whose crate becomes one more.
	Libraries []string
	Rust      string
	// Wheel is the executable's path in a Python wheel that a requirements.txt in
	// Module pins; nothing is compiled then.
	Wheel string
}

const (
	// Core pins most tools in one module, with one version of each dependency, so that none is
	// compiled twice.
	Core       = "tools/core"
	kubernetes = "k8s.io/kubernetes"
	pulumi     = "github.com/pulumi/pulumi/pkg/v3"
	kwok       = "sigs.k8s.io/kwok"
	// languages pins Pulumi's own language hosts, all of one commit.
	languages = "tools/languages"
)

// withoutGRPCModules is Google's own tag of its storage client, which pulumi has for state in
// a bucket: without xDS and Envoy's API, a tenth of pulumi.
var withoutGRPCModules = []string{"disable_grpc_modules"}

// Engine is the Pulumi CLI with its language host for Go.
func Engine() []Tool {
	return []Tool{
		{
			Name: "pulumi", Module: Core, Package: pulumi + "/cmd/pulumi", Source: pulumi, Tags: withoutGRPCModules,
			Stamp: []string{"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"},
		},
		{
			Name: "pulumi-language-go", Module: languages,
			Package: "github.com/pulumi/pulumi/sdk/go/pulumi-language-go/v3",
			Source:  "github.com/pulumi/pulumi/sdk/go/pulumi-language-go/v3",
		},
	}
}

// LanguageHosts are Pulumi's hosts of the other languages whose programs can use the package.
// That for Python is missing: it needs a script that is in no Go module.
func LanguageHosts() []Tool {
	const (
		pulumiYAML = "github.com/pulumi/pulumi-yaml"
		nodejs     = "github.com/pulumi/pulumi/sdk/nodejs/cmd/pulumi-language-nodejs/v3"
	)
	return []Tool{
		{
			Name: "pulumi-language-yaml", Module: "tools/package", Package: pulumiYAML + "/cmd/pulumi-language-yaml",
			Source: pulumiYAML, Tags: withoutGRPCModules,
		},
		{Name: "pulumi-language-nodejs", Module: languages, Package: nodejs, Source: nodejs},
	}
}

// Kubectl is the Kubernetes client.
func Kubectl() Tool { return kubernetesTool("kubectl") }

// ControlPlane is what a cluster consists of, with KWOK in the place of kubelets.
func ControlPlane() []Tool {
	return []Tool{
		{
			Name: "etcd", Module: Core, Package: "go.etcd.io/etcd/server/v3", Source: "go.etcd.io/etcd/server/v3",
		},
		kubernetesTool("kube-apiserver"),
		kubernetesTool("kube-controller-manager"),
		kubernetesTool("kube-scheduler"),
		{
			Name: "kwok", Module: Core, Package: kwok + "/cmd/kwok", Source: kwok, Edits: []Edit{withKubernetesOfTheLab},
		},
		{
			Name: "kwokctl", Module: Core, Package: kwok + "/cmd/kwokctl", Source: kwok, Edits: []Edit{withKubernetesOfTheLab},
		},
	}
}

// Node is what a real node runs, besides what Debian packages.
func Node() []Tool { return []Tool{kubernetesTool("kubelet"), kubernetesTool("kube-proxy")} }

// Firewall enforces NetworkPolicies on a real node.
func Firewall() Tool {
	const kubeRouter = "github.com/cloudnativelabs/kube-router/v2"
	return Tool{
		Name: "kube-router", Module: "tools/kube-router", Package: kubeRouter + "/cmd/kube-router", Source: kubeRouter,
		Stamp: []string{kubeRouter + "/pkg/version.Version"},
	}
}

// KubernetesVersion is the version of the control plane. pins is the folder lab.
func KubernetesVersion(pins string) (string, error) {
	return moduleVersion(filepath.Join(pins, Core), kubernetes)
}

// Plugins are the providers that the program uses.
func Plugins() []Tool {
	const provider = "github.com/pulumi/pulumi-kubernetes/provider/v4"
	return []Tool{
		{
			Name: "pulumi-resource-kubernetes", Module: "tools/providers", Package: "./pulumi-resource-kubernetes", Source: provider,
			Embed: map[string]string{
				"pulumi-resource-kubernetes/schema.json": "cmd/pulumi-resource-kubernetes/schema.json",
			},
			Edits: []Edit{withoutTypedKinds},
		},
		{
			Name: "pulumi-resource-random", Module: "tools/providers", Package: "./pulumi-resource-random",
			Source: "github.com/terraform-providers/terraform-provider-random", Tags: withoutGRPCModules,
		},
	}
}

func kubernetesTool(name string) Tool {
	return Tool{
		Name: name, Module: Core, Package: kubernetes + "/cmd/" + name, Source: kubernetes,
		Stamp: []string{
			"k8s.io/component-base/version.gitVersion",
			"k8s.io/client-go/pkg/version.gitVersion",
		},
	}
}

// ldflags strips the executable and stamps its version.
func (t Tool) ldflags(version string) string {
	flags := []string{"-s", "-w"}
	for _, variable := range t.Stamp {
		flags = append(flags, fmt.Sprintf("-X %s=%s", variable, version))
	}
	return strings.Join(flags, " ")
}
