// Command lab runs the llm-d simulator stack on a local cluster: it builds the pinned
// tools, starts Kubernetes and calls the real pulumi.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/process"
)

func main() {
	ctx, stop := process.Context()
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	root := newRoot()
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}
