package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/image"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/lab"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/target"
)

// version is that of the repository, which the Makefile links in.
var version = "unknown"

// newRoot returns the command with all its subcommands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "lab",
		Short:         "Run the llm-d simulator stack on a local cluster",
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	o := &target.Options{Lab: lab.Defaults(), Stack: target.DefaultStack, Cluster: target.Lab}
	root.PersistentFlags().StringVar(&o.Lab.Repository, "repository", o.Lab.Repository, "the clone of llm-d-sim")
	root.AddCommand(
		newUp(o), newPreview(o), newStatus(o), newSmoke(o), newCompare(o), newDown(o), newEnv(o),
		newStart(&o.Lab), newStop(&o.Lab), newList(), newLogs(&o.Lab), newTools(&o.Lab), newPackage(&o.Lab),
	)
	return root
}

// targetCommand returns a command on a target.
func targetCommand(
	o *target.Options, use, short string, run func(t target.Target, ctx context.Context) error,
) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := target.New(*o, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return run(t, cmd.Context())
		},
	}
	flags := cmd.Flags()
	addName(flags, &o.Lab)
	addStack(flags, o)
	flags.StringVar(&o.Cluster, "cluster", o.Cluster, "lab, or current: the cluster of the current kube context")
	return cmd
}

// labCommand returns a command on a lab. Its progress goes to the standard error, apart from
// output that is meant for eval.
func labCommand(
	o *lab.Options, use, short string, run func(l *lab.Lab, ctx context.Context) error,
) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := lab.Open(*o, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			return run(l, cmd.Context())
		},
	}
}

// The flags that several commands have.

func addName(flags *pflag.FlagSet, o *lab.Options) {
	flags.StringVar(&o.Name, "name", o.Name, "name of the lab, a DNS label")
}

func addStack(flags *pflag.FlagSet, o *target.Options) {
	flags.StringVar(&o.Stack, "stack", o.Stack, "name of the stack")
}

func addYes(flags *pflag.FlagSet, o *target.Options) {
	flags.BoolVar(&o.Yes, "yes", false, "answer yes to pulumi's question before it changes the current cluster")
}

func addNode(flags *pflag.FlagSet, o *lab.Options) {
	flags.StringVar(&o.Node, "node", o.Node, "real runs the pods, kwok fakes them; auto is real on Linux as root")
	flags.BoolVar(&o.Istio, "istio", false, "install Istio, on a real node")
	flags.BoolVar(&o.KEDA, "keda", false, "install KEDA, on a real node")
	flags.BoolVar(&o.Monitoring, "monitoring", false, "run a Prometheus, on a real node")
	flags.BoolVar(&o.Policies, "policies", false, "enforce NetworkPolicies, on a real node")
}

func addLLMD(flags *pflag.FlagSet, o *lab.Options) {
	flags.StringVar(&o.LLMD, "llm-d", o.LLMD,
		"release of llm-d's EPP and routing sidecar: "+strings.Join(image.LLMDReleases, " or ")+"; the newest that works with the CRDs if empty")
}

func addCRDs(flags *pflag.FlagSet, o *lab.Options) {
	flags.StringVar(&o.CRDs, "crds", o.CRDs, "CRDs to install: all, none, or some of inference,gateway,istio,monitoring")
}
