// Package lab is a local Kubernetes with everything that pulumi needs to deploy to it.
package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/cluster"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/image"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/node"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/program"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/pulumihome"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/sandbox"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/workspace"
)

// Lab is one lab of the user, whether it runs or not.
type Lab struct {
	Options
	// Out receives a line for each step.
	Out io.Writer

	cache string
	// real: pods run on a node in a sandbox. Otherwise KWOK fakes them.
	real  bool
	tools tool.Paths
}

// Open returns the lab that the options describe. It starts nothing.
func Open(o Options, out io.Writer) (*Lab, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	cache, err := cacheFolder()
	if err != nil {
		return nil, err
	}
	if o.Repository, err = filepath.Abs(o.Repository); err != nil {
		return nil, err
	}
	l := &Lab{Options: o, Out: out, cache: cache}
	l.real = l.existingNode() == NodeReal
	return l, os.Setenv("PATH", withoutLabs(cache, os.Getenv("PATH")))
}

// cacheFolder is the folder of all labs and tools of the user.
func cacheFolder() (string, error) {
	folder, err := os.UserCacheDir()
	return filepath.Join(folder, "llm-d-sim"), err
}

// labs is the folder of the labs, each in a folder of its name.
func labs(cache string) string { return filepath.Join(cache, "lab") }

// withoutLabs removes the folders of labs from a PATH, where `make env` puts them: a lab
// must not take its own links for installed tools.
func withoutLabs(cache, path string) string {
	folders := slices.DeleteFunc(filepath.SplitList(path), func(folder string) bool {
		return strings.HasPrefix(folder, labs(cache)+string(filepath.Separator))
	})
	return strings.Join(folders, string(os.PathListSeparator))
}

// dir is the folder of the lab, which Stop removes.
func (l *Lab) dir() string { return filepath.Join(labs(l.cache), l.Name) }

// Exists reports whether there is a lab, or what is left of one.
func (l *Lab) Exists() bool { return exists(l.dir()) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// FakesPods reports whether the pods are KWOK's, which nothing can connect to.
func (l *Lab) FakesPods() bool { return !l.real }

// make is the make command for this lab, for messages.
func (l *Lab) make(target string) string {
	if l.Name == Defaults().Name {
		return "make " + target
	}
	return "make " + target + " NAME=" + l.Name
}

// existingNode is the kind of node that an existing lab has, or empty.
func (l *Lab) existingNode() string {
	switch { // A start that was killed at once has left neither.
	case exists(l.sandbox().Dir):
		return NodeReal
	case exists(filepath.Join(l.dir(), cluster.KwokDir)):
		return NodeKWOK
	}
	return ""
}

// chooseNode decides between a real node and KWOK's, for a lab that has the given one.
func (l *Lab) chooseNode(existing string) error {
	chosen := l.Node
	switch {
	case chosen == NodeAuto:
		chosen = existing
	case existing != "" && existing != chosen:
		return fmt.Errorf("lab %s has NODE=%s already: run %s first", l.Name, existing, l.make("down"))
	}
	if chosen == "" {
		chosen = NodeReal
		if err := node.Supported(); err != nil {
			fmt.Fprintf(l.Out, "KWOK will fake the pods, no container runs: for real ones, %v\n", err)
			chosen = NodeKWOK
		}
	}
	l.real = chosen == NodeReal
	if l.real {
		return node.Supported()
	}
	return nil
}

func (l *Lab) sandbox() *sandbox.Sandbox {
	return &sandbox.Sandbox{
		Name: l.Name, Dir: filepath.Join(l.dir(), "sandbox"), Init: l.tools[image.PauseTool().Name],
	}
}

// cluster is the lab's Kubernetes.
func (l *Lab) cluster() (*cluster.Cluster, error) {
	version, err := tool.KubernetesVersion(filepath.Join(l.Repository, "lab"))
	if err != nil {
		return nil, err
	}
	c := &cluster.Cluster{
		Name: l.Name, Dir: l.dir(), Tools: l.tools, KubernetesVersion: version, Out: l.Out,
	}
	if l.real {
		c.Sandbox = l.sandbox()
		c.Sandbox.Load()
	}
	return c, nil
}

// ErrNotRunning is the error of Running without a lab.
var ErrNotRunning = errors.New("the lab does not run: start it with make up")

// Running fails unless the lab runs and is healthy.
func (l *Lab) Running(ctx context.Context) error {
	if !l.Exists() { // Before any tool is built for nothing.
		return ErrNotRunning
	}
	if err := l.ensureTools(ctx); err != nil {
		return err
	}
	c, err := l.cluster()
	if err != nil {
		return err
	}
	healthy, err := l.healthy(ctx, c)
	if err == nil && !healthy {
		return ErrNotRunning
	}
	return err
}

// healthy is the cluster's health. The error says what to do with an unhealthy one.
func (l *Lab) healthy(ctx context.Context, c *cluster.Cluster) (bool, error) {
	healthy, err := c.Healthy(ctx)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("lab %s runs but is not healthy: %w\n  try again, look into %s, or remove it with %s",
			l.Name, err, l.make("logs"), l.make("down"))
	}
	return healthy, err
}

// Kubectl runs kubectl on the lab's cluster and returns its output.
func (l *Lab) Kubectl(ctx context.Context, args ...string) (string, error) {
	c, err := l.cluster()
	if err != nil {
		return "", err
	}
	return c.Kubectl(ctx, nil, args...)
}

func (l *Lab) home() pulumihome.Home { return pulumihome.Home{Dir: l.dir()} }

// Env is the environment in which pulumi and kubectl work on the lab, for one stack.
func (l *Lab) Env(stack string) [][2]string {
	return slices.Concat(
		[][2]string{
			{"PATH", l.home().Bin() + string(os.PathListSeparator) + os.Getenv("PATH")},
			{"KUBECONFIG", filepath.Join(l.dir(), "kubeconfig")},
			{"PULUMI_OPTION_CONFIG_FILE", workspace.Config(l.stacks(), stack)},
		},
		l.home().Env(), program.Env(),
	)
}

func (l *Lab) stacks() string { return filepath.Join(l.dir(), "stacks") }

// Workspace is a stack on the lab.
func (l *Lab) Workspace(stack string) (*workspace.Workspace, error) {
	images, err := l.images()
	if err != nil {
		return nil, err
	}
	env := os.Environ()
	for _, pair := range l.Env(stack) {
		env = append(env, pair[0]+"="+pair[1])
	}
	return &workspace.Workspace{
		CLI: workspace.CLI{Path: l.home().CLI(), Repository: l.Repository, Stack: stack, Env: env},
		Dir: l.stacks(), State: l.home().State(), Images: images,
	}, nil
}

// images are those that the lab has in place of the default ones. KWOK runs none.
func (l *Lab) images() ([]workspace.Image, error) {
	if !l.real {
		return nil, nil
	}
	var images []workspace.Image
	for _, i := range image.LLMD(l.llmd()) {
		version, err := l.builder().Version(i.Tool)
		if err != nil {
			return nil, err
		}
		images = append(images, workspace.Image{Path: i.Key, Parts: i.Parts, Reference: i.Reference(version)})
	}
	return images, nil
}
