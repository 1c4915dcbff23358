package main

import (
	"github.com/spf13/cobra"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/target"
)

func newDown(o *target.Options) *cobra.Command {
	cmd := targetCommand(o, "down", "Destroy the stack, then stop and remove the lab", target.Target.Down)
	addYes(cmd.Flags(), o)
	return cmd
}
