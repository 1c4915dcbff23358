package main

import (
	"github.com/spf13/cobra"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/target"
)

func newStatus(o *target.Options) *cobra.Command {
	return targetCommand(o, "status", "Show what runs, and what differs from the configuration", target.Target.Status)
}
