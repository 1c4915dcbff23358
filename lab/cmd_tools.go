package main

import (
	"github.com/spf13/cobra"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/lab"
)

func newTools(o *lab.Options) *cobra.Command {
	cmd := labCommand(o, "tools", "Build the tools of a new lab that are missing", (*lab.Lab).BuildTools)
	addNode(cmd.Flags(), o)
	addLLMD(cmd.Flags(), o)
	cmd.Flags().BoolVar(&o.Package, "package", false, "build the language hosts for programs with the Pulumi package, too")
	return cmd
}
