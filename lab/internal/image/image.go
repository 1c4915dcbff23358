// Package image builds the container images that the lab's node runs: no registry is
// asked, each comes from the pinned sources of what it is named after.
package image

import (
	"path/filepath"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// Image is one container image, of one executable.
type Image struct {
	// Tool is the executable.
	Tool tool.Tool
	// Path is where upstream's image has it, and its entry point.
	Path string
	// Repositories are the names that the image carries, each with the tool's version
	// as its tag.
	Repositories []string
	// References are further names, with their tags.
	References []string
	// StandsFor says what else the image is not, empty if it is what its name says.
	StandsFor string
}

const (
	llmd      = "github.com/llm-d/llm-d-inference-scheduler"
	simulator = "github.com/llm-d/llm-d-inference-sim"
	coreDNS   = "github.com/coredns/coredns"
)

// Pause is the image of the first process of every pod, which containerd asks for.
const Pause = "registry.k8s.io/pause:3.10"

// PauseTool is the executable of Pause.
func PauseTool() tool.Tool {
	return tool.Tool{Name: "pause", Module: "images/cluster", Package: "./pause"}
}

// CoreDNS is the repository of the cluster's DNS server.
const CoreDNS = "registry.k8s.io/coredns/coredns"

// CoreDNSTool is the executable of CoreDNS.
func CoreDNSTool() tool.Tool {
	return tool.Tool{Name: "coredns", Module: "images/cluster", Package: "./coredns", Source: coreDNS}
}

// All are the images of the lab.
func All() []Image {
	return []Image{
		{Tool: PauseTool(), Path: "/pause", References: []string{Pause}},
		{Tool: CoreDNSTool(), Path: "/coredns", Repositories: []string{CoreDNS}},
		{
			Tool: tool.Tool{
				Name: "llm-d-inference-sim", Module: "images/simulator",
				Package: simulator + "/cmd/llm-d-inference-sim", Source: simulator,
			},
			Path:         "/app/llm-d-inference-sim",
			Repositories: []string{"ghcr.io/llm-d/llm-d-inference-sim"},
			// The name that the operator's samples have for it.
			References: []string{"docker.io/library/llm-d-simulator:local"},
		},
		{
			Tool: tool.Tool{
				Name: "epp", Module: "images/llm-d", Package: llmd + "/cmd/epp", Source: llmd,
				Libraries: []string{"libzmq", "python3-embed"}, Rust: "github.com/daulet/tokenizers",
			},
			Path:         "/app/epp",
			Repositories: []string{"ghcr.io/llm-d/llm-d-inference-scheduler"},
		},
		{
			Tool:         tool.Tool{Name: "pd-sidecar", Module: "images/llm-d", Package: llmd + "/cmd/pd-sidecar", Source: llmd},
			Path:         "/app/pd-sidecar",
			Repositories: []string{"ghcr.io/llm-d/llm-d-routing-sidecar"},
		},
		{
			Tool: tool.Tool{Name: "envoy", Module: "images/envoy", Wheel: "envoy/_bin/envoy"},
			Path: "/usr/local/bin/envoy",
			References: []string{
				"cr.kgateway.dev/kgateway-dev/envoy-wrapper:v2.1.1", "docker.io/istio/proxyv2:1.28.1",
			},
			StandsFor: "the gateways' images: a stock Envoy in the place of theirs",
		},
	}
}

// Tools are the executables of images.
func Tools(images []Image) []tool.Tool {
	tools := make([]tool.Tool, len(images))
	for i, image := range images {
		tools[i] = image.Tool
	}
	return tools
}

// names are all names of an image, with its tool's version.
func (i Image) names(version string) []string {
	names := append([]string{}, i.References...)
	for _, repository := range i.Repositories {
		names = append(names, repository+":"+version)
	}
	return names
}

// archive is where the image's archive lies: beside the executable, so that both have
// the same age and the same key.
func (i Image) archive(executable string) string {
	return filepath.Join(filepath.Dir(executable), i.Tool.Name+".tar")
}
