// Command lab runs the llm-d simulator stack on a local cluster: it builds the pinned
// tools, starts Kubernetes, and calls the real pulumi.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/cluster"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/crd"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/image"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/istio"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/node"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/stack"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/system"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// options are the flags of every command.
type options struct {
	repository, name, stack, cluster, crds, node string
	yes, istio, policies                         bool
}

// defaultName is that of the stack, and of the lab, if no other is asked for.
const defaultName = "dev"

// commands are the subcommands with what they do.
var commands = map[string]struct {
	help string
	run  func(ctx context.Context, l *lab, o options) error
}{
	"tools":   {"build the tools that are missing", func(ctx context.Context, l *lab, _ options) error { return l.ensureTools(ctx) }},
	"start":   {"start the cluster", start},
	"stop":    {"stop the cluster and remove it", stop},
	"env":     {"print the environment for using pulumi and kubectl by hand", printEnv},
	"up":      {"start the cluster and deploy the stack", up},
	"preview": {"show what up would change", preview},
	"status":  {"show what runs in the cluster, and what differs from the configuration", status},
	"smoke":   {"send requests through the stack's gateway", smoke},
	"down":    {"destroy the stack and stop the cluster", down},
}

func run(ctx context.Context, args []string) error {
	var o options
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	flags.StringVar(&o.repository, "repository", ".", "the clone of llm-d-sim")
	flags.StringVar(&o.name, "name", defaultName, "name of the cluster")
	flags.StringVar(&o.stack, "stack", defaultName, "name of the stack")
	flags.StringVar(&o.cluster, "cluster", "lab", "lab, or current: the cluster of the current kube context")
	flags.BoolVar(&o.yes, "yes", false, "do not ask before the current cluster is changed")
	flags.StringVar(&o.crds, "crds", "all", "CRDs to install: all, none, or some of inference,gateway,istio")
	flags.StringVar(&o.node, "node", "auto", "real runs the pods, kwok fakes them; auto is real on Linux as root")
	flags.BoolVar(&o.istio, "istio", false, "install Istio too, on a real node")
	flags.BoolVar(&o.policies, "policies", false, "enforce NetworkPolicies, on a real node")
	usage := "usage: lab COMMAND [flags], COMMAND being one of " + strings.Join(slices.Sorted(maps.Keys(commands)), ", ")
	if len(args) == 0 {
		return errors.New(usage)
	}
	command, found := commands[args[0]]
	if !found {
		return fmt.Errorf("unknown command %q; %s", args[0], usage)
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	// What `env` prints is evaluated: everything that is told goes elsewhere.
	l, err := newLab(o.repository, o.name, os.Stderr)
	if err != nil {
		return err
	}
	if err := l.chooseNode(o.node); err != nil {
		return err
	}
	l.istio, l.policies = o.istio, o.policies
	return command.run(ctx, l, o)
}

func start(ctx context.Context, l *lab, o options) error {
	names, err := crd.Parse(o.crds)
	if err != nil {
		return err
	}
	if l.istio && !l.real {
		return errors.New("KWOK's pods are fakes, and so cannot run Istio: use a real node (NODE=real)")
	}
	if l.policies && !l.real {
		return errors.New("KWOK's pods are fakes, nobody can connect to them: use a real node (NODE=real)")
	}
	if err := l.ensureTools(ctx); err != nil {
		return err
	}
	c, err := l.cluster()
	if err != nil {
		return err
	}
	if c.Healthy(ctx) {
		fmt.Fprintf(l.out, "cluster %s runs already\n", l.name)
	} else {
		if err := create(ctx, l, c); err != nil {
			return err
		}
		if err := c.MarkComplete(); err != nil {
			return err
		}
	}
	if err := crd.Install(ctx, c, filepath.Join(l.repository, "lab", "crds"), names, l.out); err != nil {
		return err
	}
	if err := installIstio(ctx, l, c); err != nil {
		return err
	}
	if l.policies {
		if err := node.EnforcePolicies(ctx, c, l.tools, l.out); err != nil {
			return err
		}
	}
	return l.preparePulumi()
}

// installIstio also works on a cluster that ran without it before.
func installIstio(ctx context.Context, l *lab, c *cluster.Cluster) error {
	if !l.istio || istio.Installed(ctx, c) {
		return nil
	}
	n, err := l.node(ctx, c, image.Istio())
	if err != nil {
		return err
	}
	if err := n.Import(ctx); err != nil {
		return err
	}
	return istio.Install(ctx, c, l.tools[istio.Installer().Name], l.out)
}

// create starts a cluster, after it removed what is left of one that died.
func create(ctx context.Context, l *lab, c *cluster.Cluster) error {
	if _, err := os.Stat(c.Dir); err == nil {
		fmt.Fprintf(l.out, "removing what is left of cluster %s\n", l.name)
		if err := c.Stop(ctx); err != nil {
			return err
		}
	}
	if !l.real {
		return c.Start(ctx)
	}
	err := createReal(ctx, l, c)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w\n  the same with faked pods needs neither packages nor images: make up NODE=kwok", err)
	}
	return err
}

// createReal starts a cluster with a node that runs its pods.
func createReal(ctx context.Context, l *lab, c *cluster.Cluster) error {
	if err := system.Ensure(ctx, l.out, node.Requirements()...); err != nil {
		return err
	}
	n, err := l.node(ctx, c, image.All())
	if err != nil {
		return err
	}
	if err := c.Sandbox.Start(ctx); err != nil {
		return err
	}
	group, both := errgroup.WithContext(ctx)
	group.Go(func() error { return c.Start(both) })
	group.Go(func() error { return n.StartRuntime(both) })
	err = group.Wait()
	if err == nil {
		err = n.Join(ctx)
	}
	if err != nil {
		return errors.Join(err, c.Stop(ctx))
	}
	return nil
}

func stop(ctx context.Context, l *lab, _ options) error {
	if !l.exists() {
		fmt.Fprintf(l.out, "cluster %s does not run\n", l.name)
		return nil
	}
	if !l.real {
		if err := l.ensureTools(ctx); err != nil { // kwokctl stops what it started.
			return err
		}
	}
	c, err := l.cluster()
	if err != nil {
		return err
	}
	if err := c.Stop(ctx); err != nil {
		return err
	}
	fmt.Fprintf(l.out, "cluster %s is stopped and removed\n", l.name)
	return nil
}

func printEnv(_ context.Context, l *lab, o options) error {
	for _, pair := range l.env(l.stack(o.stack)) {
		fmt.Printf("export %s=%s\n", pair[0], shellQuote(pair[1]))
	}
	return nil
}

func up(ctx context.Context, l *lab, o options) error {
	if _, err := stack.Source(l.repository, o.stack); err != nil {
		return err // Before a cluster is started for nothing.
	}
	switch o.cluster {
	case "lab":
	case "current":
		return upCurrent(ctx, l, o)
	default:
		return fmt.Errorf("unknown cluster %q: known are lab and current", o.cluster)
	}
	began := time.Now()
	if err := start(ctx, l, o); err != nil {
		return err
	}
	s := l.stack(o.stack)
	if err := initStack(ctx, l, s); err != nil {
		return err
	}
	// On the lab nothing is at stake that a preview would protect.
	if err := s.Run(ctx, "up", "--yes", "--skip-preview"); err != nil {
		return err
	}
	fmt.Fprintf(l.out, `
stack %s is up, after %.1f s. What next:
  %-57s use pulumi and kubectl by hand
  pulumi config set --path decode.replicas 4 && pulumi up   scale
  pulumi stack output status --json                         see the parts
  %-57s send requests through the gateway
  %-57s remove everything
`, o.stack, time.Since(began).Seconds(),
		`eval "$(make -s env`+l.variables(o)+`)"`, "make smoke"+l.variables(o), "make down"+l.variables(o))
	return nil
}

// variables are what further commands need to find the same lab and stack.
func (l *lab) variables(o options) string {
	variables := ""
	if o.stack != defaultName {
		variables += " STACK=" + o.stack
	}
	if l.name != defaultName {
		variables += " NAME=" + l.name
	}
	return variables
}

func initStack(ctx context.Context, l *lab, s *stack.Stack) error {
	replaced, err := s.Init(ctx)
	if replaced {
		fmt.Fprintf(l.out, "the configuration of stack %s changed in the repository: it replaces what `pulumi config set` made\n", s.Name)
	}
	return err
}

var errNotRunning = errors.New("the lab does not run: start it with make up")

// running returns the stack of a lab that runs.
func running(ctx context.Context, l *lab, o options) (*stack.Stack, error) {
	if !l.exists() { // Before tools are built for nothing.
		return nil, errNotRunning
	}
	if err := l.ensureTools(ctx); err != nil {
		return nil, err
	}
	c, err := l.cluster()
	if err != nil {
		return nil, err
	}
	if !c.Healthy(ctx) {
		return nil, errNotRunning
	}
	s := l.stack(o.stack)
	return s, initStack(ctx, l, s)
}

func preview(ctx context.Context, l *lab, o options) error {
	s, err := running(ctx, l, o)
	if err != nil {
		return err
	}
	return s.Run(ctx, "preview", "--diff")
}

// status changes nothing, not even what drifted.
func status(ctx context.Context, l *lab, o options) error {
	s, err := running(ctx, l, o)
	if err != nil {
		return err
	}
	namespace, err := s.Output(ctx, "namespace")
	if err != nil {
		return err
	}
	c, err := l.cluster()
	if err != nil {
		return err
	}
	objects, err := c.Kubectl(ctx, nil, "get", "deployments,pods,services", "--namespace", namespace)
	if err != nil {
		return err
	}
	fmt.Println(objects)
	return s.Run(ctx, "preview", "--refresh", "--diff")
}

// smoke runs the checks of tests/smoke, which work on any cluster.
func smoke(ctx context.Context, l *lab, o options) error {
	cmd := exec.CommandContext(ctx, "go", "run", "./tests/smoke")
	cmd.Dir, cmd.Stdout, cmd.Stderr = l.repository, os.Stdout, os.Stderr
	if o.cluster == "lab" {
		s, err := running(ctx, l, o)
		if err != nil {
			return err
		}
		if !l.real {
			return errors.New("nothing answers here, KWOK fakes the pods: make down, then make up NODE=real")
		}
		namespace, err := s.Output(ctx, "namespace")
		if err != nil {
			return err
		}
		cmd.Args, cmd.Env = append(cmd.Args, "--namespace", namespace), s.Env
	}
	if err := cmd.Run(); err != nil {
		return errors.New("the smoke test failed, see above")
	}
	return nil
}

func down(ctx context.Context, l *lab, o options) error {
	if !l.exists() {
		return stop(ctx, l, o)
	}
	s, err := running(ctx, l, o)
	if err == nil {
		err = s.Run(ctx, "destroy", "--yes", "--skip-preview")
	}
	if err != nil {
		fmt.Fprintf(l.out, "the stack was not destroyed (%v); the cluster goes, and the stack with it\n", err)
	}
	return stop(ctx, l, o)
}
