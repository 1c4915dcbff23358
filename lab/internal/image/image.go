// Package image builds the container images that the lab's node runs, from the pinned
// sources of what they are named after. No registry is needed.
package image

import (
	"maps"
	"slices"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/istio"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/keda"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/prometheus"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// Image is one container image.
type Image struct {
	// Tool is the executable that it holds.
	Tool tool.Tool
	// Path is the executable's in upstream's image, and the entry point.
	Path string
	// With are further executables, and Files those of the module Tool.Source, by their
	// paths in the image.
	With  map[string]tool.Tool
	Files map[string]string
	// Repositories are the names that the image carries, each with the tool's version
	// as its tag.
	Repositories []string
	// References are further names, with their tags.
	References []string
	// Key is the configuration key whose default the image replaces, if it does, in stacks
	// with all of Parts.
	Key   string
	Parts []string
	// StandsFor says in what the image differs from the one of that name, if it does.
	StandsFor string
}

const (
	llmd      = "github.com/llm-d/llm-d-inference-scheduler"
	simulator = "github.com/llm-d/llm-d-inference-sim"
	coreDNS   = "github.com/coredns/coredns"
)

// Pause is the image of the first process of every pod.
const Pause = "registry.k8s.io/pause:3.10"

// PauseTool is the executable of Pause.
func PauseTool() tool.Tool {
	return tool.Tool{Name: "pause", Module: "images/pause", Package: "."}
}

// CoreDNS is the repository of the cluster's DNS server.
const CoreDNS = "registry.k8s.io/coredns/coredns"

// CoreDNSTool is the executable of CoreDNS.
func CoreDNSTool() tool.Tool {
	return tool.Tool{Name: "coredns", Module: tool.Core, Package: "./coredns", Source: coreDNS}
}

// All are the images of every lab but for those of llm-d.
func All() []Image {
	return []Image{
		{Tool: PauseTool(), Path: "/pause", References: []string{Pause}},
		{Tool: CoreDNSTool(), Path: "/coredns", Repositories: []string{CoreDNS}},
		{
			Tool: tool.Tool{
				Name: "llm-d-inference-sim", Module: tool.Core,
				Package: simulator + "/cmd/llm-d-inference-sim", Source: simulator,
			},
			Path:         "/app/llm-d-inference-sim",
			Repositories: []string{"ghcr.io/llm-d/llm-d-inference-sim"},
			// The name in the operator's samples.
			References: []string{"docker.io/library/llm-d-simulator:local"},
		},
		{
			Tool:       envoyTool(),
			Path:       envoyPath,
			References: []string{"cr.kgateway.dev/kgateway-dev/envoy-wrapper:v2.1.1"},
			StandsFor:  "kgateway's: a stock Envoy without its wrapper",
		},
	}
}

// The releases of llm-d whose EPP and routing sidecar the lab can run.
const (
	// V07 finds pods by InferencePool alone, so it needs the inference extension's CRDs.
	V07 = "v0.7"
	// V04 needs none, but takes several minutes more to build: its EPP links C and Rust.
	V04 = "v0.4"
)

// LLMDReleases are all of them, the default one first.
var LLMDReleases = []string{V07, V04}

// LLMD are the images of a release of llm-d: its EPP and its routing sidecar.
func LLMD(release string) []Image {
	epp := tool.Tool{Name: "epp", Module: tool.Core, Package: llmd + "/cmd/epp", Source: llmd}
	sidecar := tool.Tool{Name: "pd-sidecar", Module: tool.Core, Package: llmd + "/cmd/pd-sidecar", Source: llmd}
	if release == V04 {
		epp.Libraries, epp.Rust = []string{"libzmq", "python3-embed"}, "github.com/daulet/tokenizers"
		for _, t := range []*tool.Tool{&epp, &sidecar} {
			t.Name, t.Module = t.Name+"-"+V04, "images/llm-d-"+V04
		}
	}
	return []Image{
		{
			Tool:         epp,
			Path:         "/app/epp",
			Repositories: []string{"ghcr.io/llm-d/llm-d-inference-scheduler"},
			Key:          "epp.image",
			Parts:        []string{"epp"},
		},
		{
			Tool:         sidecar,
			Path:         "/app/pd-sidecar",
			Repositories: []string{"ghcr.io/llm-d/llm-d-routing-sidecar"},
			Key:          "decode.routingSidecar.image",
			Parts:        []string{"epp", "prefill", "decode"},
		},
	}
}

const envoyPath = "/usr/local/bin/envoy"

func envoyTool() tool.Tool {
	return tool.Tool{Name: "envoy", Module: "images/envoy", Wheel: "envoy/_bin/envoy"}
}

// Istio are the additional images of Istio: its control plane and its proxy.
func Istio() []Image {
	return []Image{
		{
			Tool:         istio.Tool("pilot-discovery", "pilot/cmd/pilot-discovery"),
			Path:         "/usr/local/bin/pilot-discovery",
			Repositories: []string{istio.Hub + "/pilot"},
		},
		{
			Tool:         istio.Tool("pilot-agent", "pilot/cmd/pilot-agent"),
			Path:         "/usr/local/bin/pilot-agent",
			With:         map[string]tool.Tool{envoyPath: envoyTool()},
			Files:        map[string]string{"/var/lib/istio/envoy/envoy_bootstrap_tmpl.json": "tools/packaging/common/envoy_bootstrap.json"},
			Repositories: []string{istio.Hub + "/proxyv2"},
			// The one that the program deploys, of the same release series.
			References: []string{istio.Hub + "/proxyv2:1.28.1"},
			StandsFor:  "Istio's proxyv2: a stock Envoy beside Istio's agent",
		},
	}
}

// Prometheus is the image of Prometheus.
func Prometheus() []Image {
	return []Image{{
		Tool:         prometheus.Server(),
		Path:         "/bin/prometheus",
		With:         map[string]tool.Tool{"/bin/promtool": prometheus.Promtool()},
		Repositories: []string{prometheus.Repository},
		StandsFor:    "the one of that name: without a web interface",
	}}
}

// KEDA are the images of KEDA: its operator and its metrics adapter.
func KEDA() []Image {
	return []Image{
		{
			Tool:         keda.Operator(),
			Path:         "/keda",
			Repositories: []string{keda.OperatorRepository},
			StandsFor:    "the one of that name: with metrics-api as its only trigger",
		},
		{Tool: keda.Adapter(), Path: "/keda-adapter", Repositories: []string{keda.AdapterRepository}},
	}
}

// Tools are the executables of images, each once.
func Tools(images []Image) []tool.Tool {
	byName := map[string]tool.Tool{}
	for _, image := range images {
		byName[image.Tool.Name] = image.Tool
		for _, other := range image.With {
			byName[other.Name] = other
		}
	}
	tools := make([]tool.Tool, 0, len(byName))
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		tools = append(tools, byName[name])
	}
	return tools
}

// Reference is the first name of an image.
func (i Image) Reference(version string) string { return i.names(version)[0] }

// names are all names of an image, with its tool's version.
func (i Image) names(version string) []string {
	names := append([]string{}, i.References...)
	for _, repository := range i.Repositories {
		names = append(names, repository+":"+version)
	}
	return names
}
