package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/lab"
)

func newList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the labs", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			names, err := lab.List()
			for _, name := range names {
				fmt.Fprintln(cmd.OutOrStdout(), name)
			}
			return err
		},
	}
}
