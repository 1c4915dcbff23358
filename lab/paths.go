package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/cluster"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/image"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/istio"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/node"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/sandbox"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/stack"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// lab is where everything lies, and the tools once they are there.
type lab struct {
	repository, cache, name string
	// real: pods run on a node in a sandbox. Otherwise KWOK fakes them.
	real bool
	// istio: it runs on the node. policies: the node enforces NetworkPolicies.
	istio, policies bool
	out             io.Writer
	tools           tool.Paths
}

func newLab(repository, name string, out io.Writer) (*lab, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	repository, err = filepath.Abs(repository)
	if err != nil {
		return nil, err
	}
	l := &lab{repository: repository, cache: filepath.Join(cache, "llm-d-sim"), name: name, out: out}
	return l, os.Setenv("PATH", l.withoutLabs(os.Getenv("PATH")))
}

// withoutLabs leaves out the folders of labs, which `make env` puts into the PATH: a lab
// must not take its own links for what is installed.
func (l *lab) withoutLabs(path string) string {
	folders := slices.DeleteFunc(filepath.SplitList(path), func(folder string) bool {
		return strings.HasPrefix(folder, filepath.Join(l.cache, "lab")+string(filepath.Separator))
	})
	return strings.Join(folders, string(os.PathListSeparator))
}

// dir holds the cluster, and home and bin what the pulumi CLI needs beside it.
func (l *lab) dir() string  { return filepath.Join(l.cache, "lab", l.name) }
func (l *lab) bin() string  { return filepath.Join(l.dir(), "bin") }
func (l *lab) home() string { return filepath.Join(l.dir(), "pulumi") }

// exists reports whether there is a cluster, or what is left of one.
func (l *lab) exists() bool { return exists(l.dir()) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (l *lab) builder() *tool.Builder {
	return &tool.Builder{
		Pins: filepath.Join(l.repository, "lab"), Cache: filepath.Join(l.cache, "tools"), Out: l.out,
	}
}

// ensureTools finds or builds every tool.
func (l *lab) ensureTools(ctx context.Context) error {
	l.tools = tool.Paths{}
	needed := tool.ControlPlane()
	if l.real {
		images := image.All()
		if l.istio {
			images = append(images, image.Istio()...)
			needed = append(needed, istio.Installer())
		}
		if l.policies {
			needed = append(needed, tool.Firewall())
		}
		needed = slices.Concat(needed, tool.Node(), image.Tools(images))
	}
	adopt := func(found tool.Paths, otherwise ...tool.Tool) bool {
		for name, path := range found {
			l.tools[name] = path
		}
		if found == nil {
			needed = append(needed, otherwise...)
		}
		return found != nil
	}
	adopt(tool.InstalledKubectl(ctx), tool.Kubectl())
	if !adopt(tool.InstalledEngine(ctx), tool.Engine()...) || !l.downloadPlugins(ctx) {
		needed = append(needed, tool.Plugins()...)
	}
	built, err := l.builder().Ensure(ctx, needed)
	if err != nil {
		return err
	}
	adopt(built)
	return nil
}

// plugins returns the versions of the providers, as the program's SDKs ask for them.
func (l *lab) plugins() (map[string]string, error) {
	versions := map[string]string{}
	for _, name := range []string{"kubernetes", "random"} {
		version, err := l.required("github.com/pulumi/pulumi-" + name + "/sdk/v4")
		if err != nil {
			return nil, err
		}
		versions[name] = version
	}
	return versions, nil
}

// downloadPlugins lets an installed pulumi fetch the providers' releases, and reports
// whether that worked.
func (l *lab) downloadPlugins(ctx context.Context) bool {
	versions, err := l.plugins()
	if err != nil {
		return false
	}
	for name, version := range versions {
		cmd := exec.CommandContext(ctx, l.tools["pulumi"], "plugin", "install", "resource", name, version)
		cmd.Env = append(os.Environ(), "PULUMI_HOME="+l.home())
		if err := cmd.Run(); err != nil {
			return false
		}
	}
	return true
}

func (l *lab) cluster() (*cluster.Cluster, error) {
	version, err := tool.KubernetesVersion(filepath.Join(l.repository, "lab"))
	if err != nil {
		return nil, err
	}
	c := &cluster.Cluster{
		Name: l.name, Dir: l.dir(), Tools: l.tools, KubernetesVersion: version, Out: l.out,
	}
	if l.real {
		c.Sandbox = l.sandbox()
		c.Sandbox.Load()
	}
	return c, nil
}

func (l *lab) sandbox() *sandbox.Sandbox {
	return &sandbox.Sandbox{Name: l.name, Dir: filepath.Join(l.dir(), "sandbox"), Init: l.tools[image.PauseTool().Name]}
}

// node returns the real node of a cluster, with images to import.
func (l *lab) node(ctx context.Context, c *cluster.Cluster, images []image.Image) (*node.Node, error) {
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
		Pause: image.Pause, CoreDNS: image.CoreDNS + ":" + version, Out: l.out,
	}, nil
}

// chooseNode decides between a real node and KWOK's: a lab that is there stays what it
// is, otherwise `auto` is real where that works.
func (l *lab) chooseNode(asked string) error {
	there := ""
	switch { // A start that was killed at once has left neither.
	case exists(l.sandbox().Dir):
		there = "real"
	case exists(filepath.Join(l.dir(), cluster.KwokDir)):
		there = "kwok"
	}
	switch asked {
	case "auto":
		asked = there
		if there == "" {
			asked = "real"
			if err := node.Supported(); err != nil {
				fmt.Fprintf(l.out, "no container will run, KWOK fakes the pods: for real ones, %v\n", err)
				asked = "kwok"
			}
		}
	case "real", "kwok":
		if there != "" && there != asked {
			return fmt.Errorf("cluster %s is there with NODE=%s already: make down first", l.name, there)
		}
	default:
		return fmt.Errorf("unknown node %q: known are auto, real, kwok", asked)
	}
	l.real = asked == "real"
	if l.real {
		return node.Supported()
	}
	return nil
}

// preparePulumi links the tools and plugins to where the CLI looks, and makes the
// passphrase of the local state.
func (l *lab) preparePulumi() error {
	links := map[string]string{}
	for _, name := range []string{"pulumi", "pulumi-language-go", "kubectl"} {
		links[filepath.Join(l.bin(), name)] = l.tools[name]
	}
	versions, err := l.plugins()
	if err != nil {
		return err
	}
	for name, version := range versions {
		executable := "pulumi-resource-" + name
		if built := l.tools[executable]; built != "" {
			folder := fmt.Sprintf("resource-%s-%s", name, version)
			links[filepath.Join(l.home(), "plugins", folder, executable)] = built
		}
	}
	for path, target := range links {
		if err := link(target, path); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(l.backend(), 0o700); err != nil {
		return err
	}
	// Pulumi 3.259 keeps a compressed, encrypted log of every property of every resource,
	// whether asked to or not, for a third of the CPU that it takes itself. It has no
	// setting for that, but goes without where it cannot make the folder.
	if err := writeNew(filepath.Join(l.home(), "logs"), ""); err != nil {
		return err
	}
	return writeNew(l.passphrase(), hex.EncodeToString(randomBytes()))
}

// writeNew writes a file that only its owner reads, unless something is there already.
func writeNew(path, content string) error {
	if exists(path) {
		return nil
	}
	return os.WriteFile(path, []byte(content), 0o600)
}

// link puts an executable at a path. A hard link where that is possible, since the
// CLI looks for its language hosts beside its own file and not beside a symbolic link.
func link(target, path string) error {
	// A hard link to a symbolic one would lead elsewhere from here, if that is relative.
	target, err := filepath.EvalSymlinks(target)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Link(target, path); err == nil {
		return nil
	}
	return os.Symlink(target, path)
}

func randomBytes() []byte {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // Never fails.
	return b
}

// required reads the version of a module from the program's go.mod, so that the plugin
// is known under the version that the program's SDK asks for.
func (l *lab) required(module string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(l.repository, "go.mod"))
	if err != nil {
		return "", err
	}
	mod, err := modfile.Parse("go.mod", raw, nil)
	if err != nil {
		return "", err
	}
	for _, require := range mod.Require {
		if require.Mod.Path == module {
			return require.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("go.mod does not require %s", module)
}

func (l *lab) backend() string    { return filepath.Join(l.dir(), "state") }
func (l *lab) passphrase() string { return filepath.Join(l.dir(), "passphrase") }

// env is what pulumi and kubectl need to work on the lab.
func (l *lab) env(s *stack.Stack) [][2]string {
	return [][2]string{
		{"PATH", l.bin() + string(os.PathListSeparator) + os.Getenv("PATH")},
		{"KUBECONFIG", filepath.Join(l.dir(), "kubeconfig")},
		{"PULUMI_HOME", l.home()},
		// A killed pulumi may leave half of a file of metadata, which nobody needs, and every
		// command fails then. The state itself is written beside the old one and moved.
		{"PULUMI_BACKEND_URL", "file://" + l.backend() + "?metadata=skip"},
		{"PULUMI_CONFIG_PASSPHRASE_FILE", l.passphrase()},
		{"PULUMI_OPTION_CONFIG_FILE", s.Config()},
		{"PULUMI_SKIP_UPDATE_CHECK", "true"},
		// One build cache for the program's tests and for pulumi's own builds.
		{"GOFLAGS", "-trimpath"},
	}
}

// stack returns a stack on the lab's cluster.
func (l *lab) stack(name string) *stack.Stack {
	s := &stack.Stack{
		Name: name, Repository: l.repository, Dir: filepath.Join(l.dir(), "stacks"),
		Pulumi: filepath.Join(l.bin(), "pulumi"), State: l.backend(),
	}
	s.Env = os.Environ()
	for _, pair := range l.env(s) {
		s.Env = append(s.Env, pair[0]+"="+pair[1])
	}
	return s
}

// shellQuote makes a word safe for `eval`.
func shellQuote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
