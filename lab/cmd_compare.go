package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/target"
)

func newCompare(o *target.Options) *cobra.Command {
	var c target.Comparison
	cmd := targetCommand(o, "compare", "Compare scheduler configurations", func(t target.Target, ctx context.Context) error {
		return t.Compare(ctx, c)
	})
	cmd.Flags().StringVar(&c.File, "file", "examples/compare/epp.yaml", "describes the comparison")
	cmd.Flags().StringVar(&c.Out, "out", "compare.out", "folder of the report")
	addYes(cmd.Flags(), o)
	addNode(cmd.Flags(), &o.Lab)
	addLLMD(cmd.Flags(), &o.Lab)
	addCRDs(cmd.Flags(), &o.Lab)
	return cmd
}
