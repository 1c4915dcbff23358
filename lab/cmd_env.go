package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/lab"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/shell"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/target"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/workspace"
)

func newEnv(o *target.Options) *cobra.Command {
	cmd := labCommand(&o.Lab, "env", "Print the environment for pulumi and kubectl on the lab, for eval",
		func(l *lab.Lab, _ context.Context) error {
			if err := workspace.CheckName(o.Stack); err != nil {
				return err
			}
			for _, pair := range l.Env(o.Stack) {
				fmt.Printf("export %s=%s\n", pair[0], shell.Quote(pair[1]))
			}
			return nil
		})
	addName(cmd.Flags(), &o.Lab)
	addStack(cmd.Flags(), o)
	return cmd
}
