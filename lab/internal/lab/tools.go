package lab

import (
	"context"
	"maps"
	"path/filepath"
	"slices"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/cluster"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/image"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/istio"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/node"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/pulumihome"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// BuildTools builds the tools of a new lab with these options, unless the cache has them.
func (l *Lab) BuildTools(ctx context.Context) error {
	if err := l.chooseNode(""); err != nil {
		return err
	}
	if err := l.ensureTools(ctx); err != nil || !l.Package {
		return err
	}
	_, err := l.builder().Ensure(ctx, tool.LanguageHosts())
	return err
}

func (l *Lab) builder() *tool.Builder {
	return &tool.Builder{
		Pins: filepath.Join(l.Repository, "lab"), Cache: filepath.Join(l.cache, "tools"), Out: l.Out,
	}
}

// ensureTools finds every tool, among those installed or in the cache, or builds it.
func (l *Lab) ensureTools(ctx context.Context) error {
	needed := l.clusterTools()
	l.tools = tool.Paths{}
	if kubectl := tool.InstalledKubectl(ctx); kubectl != nil {
		maps.Copy(l.tools, kubectl)
	} else {
		needed = append(needed, tool.Kubectl())
	}
	engine := tool.InstalledEngine(ctx)
	if engine != nil {
		maps.Copy(l.tools, engine)
	} else {
		needed = append(needed, tool.Engine()...)
	}
	if engine == nil || !l.downloadPlugins(ctx) {
		needed = append(needed, tool.Plugins()...)
	}
	built, err := l.builder().Ensure(ctx, needed)
	maps.Copy(l.tools, built)
	return err
}

// clusterTools are those of the cluster, which are always built.
func (l *Lab) clusterTools() []tool.Tool {
	tools := tool.ControlPlane()
	if !l.real {
		return tools
	}
	images := append(image.All(), image.LLMD(l.llmd())...)
	if l.Istio {
		images = append(images, image.Istio()...)
		tools = append(tools, istio.Installer())
	}
	if l.KEDA {
		images = append(images, image.KEDA()...)
	}
	if l.Policies {
		tools = append(tools, tool.Firewall())
	}
	if l.Monitoring {
		images = append(images, image.Prometheus()...)
	}
	return slices.Concat(tools, tool.Node(), image.Tools(images))
}

func (l *Lab) downloadPlugins(ctx context.Context) bool {
	plugins, err := pulumihome.Plugins(l.Repository)
	return err == nil && l.home().Download(ctx, l.tools["pulumi"], plugins)
}

// node is the real node of a cluster, with images to import.
func (l *Lab) node(ctx context.Context, c *cluster.Cluster, images []image.Image) (*node.Node, error) {
	builder := l.builder()
	archives, err := image.Archives(ctx, builder, l.tools, images)
	if err != nil {
		return nil, err
	}
	version, err := builder.Version(image.CoreDNSTool())
	if err != nil {
		return nil, err
	}
	return &node.Node{
		Cluster: c, Tools: l.tools, Archives: archives,
		Pause: image.Pause, CoreDNS: image.CoreDNS + ":" + version, Out: l.Out,
	}, nil
}
