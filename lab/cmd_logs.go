package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/lab"
)

func newLogs(o *lab.Options) *cobra.Command {
	cmd := labCommand(o, "logs", "Print the logs of the lab, or of its last start if that failed",
		func(l *lab.Lab, _ context.Context) error {
			files, err := l.Logs()
			for _, file := range files {
				content, readErr := os.ReadFile(file)
				if readErr != nil {
					return readErr
				}
				fmt.Printf("==> %s <==\n%s\n", file, content)
			}
			return err
		})
	addName(cmd.Flags(), o)
	return cmd
}
