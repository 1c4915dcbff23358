package main

import (
	"github.com/spf13/cobra"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/lab"
)

func newPackage(o *lab.Options) *cobra.Command {
	cmd := labCommand(o, "package", "Build the Pulumi package and the language hosts for YAML and TypeScript, and put them into the lab",
		(*lab.Lab).InstallPackage)
	addName(cmd.Flags(), o)
	return cmd
}
