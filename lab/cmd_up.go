package main

import (
	"github.com/spf13/cobra"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/target"
)

func newUp(o *target.Options) *cobra.Command {
	cmd := targetCommand(o, "up", "Start the lab and deploy the stack", target.Target.Up)
	addNode(cmd.Flags(), &o.Lab)
	addLLMD(cmd.Flags(), &o.Lab)
	addCRDs(cmd.Flags(), &o.Lab)
	addYes(cmd.Flags(), o)
	return cmd
}
