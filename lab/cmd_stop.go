package main

import (
	"github.com/spf13/cobra"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/lab"
)

func newStop(o *lab.Options) *cobra.Command {
	cmd := labCommand(o, "stop", "Stop and remove the lab", (*lab.Lab).Stop)
	addName(cmd.Flags(), o)
	return cmd
}
