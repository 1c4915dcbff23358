package main

import (
	"github.com/spf13/cobra"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/target"
)

func newSmoke(o *target.Options) *cobra.Command {
	return targetCommand(o, "smoke", "Send requests through the gateway", target.Target.Smoke)
}
