package main

import (
	"github.com/spf13/cobra"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/target"
)

func newPreview(o *target.Options) *cobra.Command {
	return targetCommand(o, "preview", "Show what up would change", target.Target.Preview)
}
