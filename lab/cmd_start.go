package main

import (
	"github.com/spf13/cobra"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/lab"
)

func newStart(o *lab.Options) *cobra.Command {
	cmd := labCommand(o, "start", "Start the lab without a stack", (*lab.Lab).Start)
	addName(cmd.Flags(), o)
	addNode(cmd.Flags(), o)
	addLLMD(cmd.Flags(), o)
	addCRDs(cmd.Flags(), o)
	return cmd
}
