package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/cluster"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/crd"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/image"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/istio"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/keda"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/lock"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/node"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/prometheus"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/pulumihome"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/system"
)

// Start starts the lab, or gives a running one what the options ask for in addition.
func (l *Lab) Start(ctx context.Context) error {
	names, err := l.crds()
	if err != nil {
		return err
	}
	unlock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := l.chooseNode(l.existingNode()); err != nil {
		return err
	}
	for variable, set := range map[string]bool{"ISTIO": l.Istio, "KEDA": l.KEDA, "POLICIES": l.Policies, "MONITORING": l.Monitoring} {
		if set && !l.real {
			return fmt.Errorf("%s=1 needs a real node (NODE=real): KWOK only fakes pods", variable)
		}
	}
	if err := l.ensureTools(ctx); err != nil {
		return err
	}
	c, err := l.cluster()
	if err != nil {
		return err
	}
	healthy, err := l.healthy(ctx, c)
	if err != nil {
		return err
	}
	install := func(ctx context.Context) error {
		return crd.Install(ctx, c, filepath.Join(l.Repository, "lab", "crds"), filepath.Join(c.Dir, "crds.json"), names, l.Out)
	}
	if healthy {
		fmt.Fprintf(l.Out, "lab %s runs already\n", l.Name)
		err = install(ctx)
	} else {
		err = l.create(ctx, c, install)
	}
	if err != nil {
		return err
	}
	if err := l.importLLMD(ctx, c); err != nil {
		return err
	}
	if err := l.installIstio(ctx, c); err != nil {
		return err
	}
	if err := l.installKEDA(ctx, c); err != nil {
		return err
	}
	if l.Policies {
		if err := node.EnforcePolicies(ctx, c, l.tools, l.Out); err != nil {
			return err
		}
	}
	if err := l.monitor(ctx, c); err != nil {
		return err
	}
	plugins, err := pulumihome.Plugins(l.Repository)
	if err != nil {
		return err
	}
	return l.home().Prepare(l.tools, plugins)
}

// lock keeps two commands from starting and stopping the same lab at once.
func (l *Lab) lock(ctx context.Context) (unlock func(), err error) {
	return lock.Take(ctx, filepath.Join(labs(l.cache), "."+l.Name+".lock"), func() {
		fmt.Fprintf(l.Out, "waiting for another command that starts or stops lab %s ...\n", l.Name)
	})
}

// create starts a cluster after it removed what is left of one that died. install needs
// no node.
func (l *Lab) create(ctx context.Context, c *cluster.Cluster, install func(context.Context) error) error {
	if exists(c.Dir) {
		fmt.Fprintf(l.Out, "removing what is left of lab %s\n", l.Name)
		if err := c.Stop(ctx); err != nil {
			return err
		}
	}
	var err error
	if l.real {
		err = l.startReal(ctx, c, install)
	} else if err = c.Start(ctx); err == nil {
		err = install(ctx)
	}
	if err == nil {
		return errors.Join(os.RemoveAll(l.keptLogs()), c.MarkComplete())
	}
	return l.discard(ctx, c, err)
}

// startReal starts a cluster with a node that runs its pods.
func (l *Lab) startReal(ctx context.Context, c *cluster.Cluster, install func(context.Context) error) error {
	if err := system.Ensure(ctx, l.Out, node.Requirements()...); err != nil {
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
	if err := group.Wait(); err != nil {
		return err
	}
	group, both = errgroup.WithContext(ctx)
	group.Go(func() error { return n.Join(both) })
	group.Go(func() error { return install(both) })
	return group.Wait()
}

// discard removes a cluster whose start failed with err, but for its logs.
func (l *Lab) discard(ctx context.Context, c *cluster.Cluster, err error) error {
	if ctx.Err() != nil {
		err = fmt.Errorf("starting lab %s: %w", l.Name, context.Cause(ctx))
	} else if l.real {
		err = fmt.Errorf("%w\n  NODE=kwok needs neither packages nor images: it fakes the pods", err)
	}
	if kept, keepErr := l.keepLogs(c); keepErr != nil {
		err = errors.Join(err, fmt.Errorf("keeping the logs: %w", keepErr))
	} else if kept {
		err = fmt.Errorf("%w\n  the logs are kept: %s", err, l.make("logs"))
	}
	// An interrupt must not leave processes.
	return errors.Join(err, c.Stop(context.WithoutCancel(ctx)))
}

// importLLMD imports the images of llm-d, also to a node that has those of another release.
func (l *Lab) importLLMD(ctx context.Context, c *cluster.Cluster) error {
	if !l.real {
		return nil
	}
	return l.importImages(ctx, c, image.LLMD(l.llmd()))
}

// importImages gives a node that runs further images.
func (l *Lab) importImages(ctx context.Context, c *cluster.Cluster, images []image.Image) error {
	n, err := l.node(ctx, c, images)
	if err != nil {
		return err
	}
	return n.Import(ctx)
}

// installIstio installs Istio, also on a cluster that has run without it.
func (l *Lab) installIstio(ctx context.Context, c *cluster.Cluster) error {
	if !l.Istio || istio.Installed(ctx, c) {
		return nil
	}
	if err := l.importImages(ctx, c, image.Istio()); err != nil {
		return err
	}
	return istio.Install(ctx, c, l.tools[istio.Installer().Name], l.Out)
}

// installKEDA installs KEDA, also on a cluster that has run without it.
func (l *Lab) installKEDA(ctx context.Context, c *cluster.Cluster) error {
	if !l.KEDA || keda.Installed(ctx, c) {
		return nil
	}
	images := image.KEDA()
	if err := l.importImages(ctx, c, images); err != nil {
		return err
	}
	version, err := l.builder().Version(images[0].Tool)
	if err != nil {
		return err
	}
	return keda.Install(ctx, c, version, l.Out)
}

// monitor runs a Prometheus with what the monitors on the cluster say now, if it is asked for.
func (l *Lab) monitor(ctx context.Context, c *cluster.Cluster) error {
	if !l.Monitoring {
		return nil
	}
	images := image.Prometheus()
	if err := l.importImages(ctx, c, images); err != nil {
		return err
	}
	version, err := l.builder().Version(images[0].Tool)
	if err != nil {
		return err
	}
	return prometheus.Install(ctx, c, images[0].Reference(version), l.Out)
}

// Monitor gives the lab's Prometheus, if it was asked for, what the monitors on the cluster say now.
func (l *Lab) Monitor(ctx context.Context) error {
	c, err := l.cluster()
	if err != nil {
		return err
	}
	return l.monitor(ctx, c)
}

// Stop ends the lab and removes it, with what a failed start has left.
func (l *Lab) Stop(ctx context.Context) error {
	unlock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := os.RemoveAll(l.keptLogs()); err != nil {
		return err
	}
	if !l.Exists() {
		fmt.Fprintf(l.Out, "lab %s does not run\n", l.Name)
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
	fmt.Fprintf(l.Out, "lab %s is stopped and removed\n", l.Name)
	return nil
}
