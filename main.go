// Command llm-d-sim is the Pulumi program that deploys the llm-d inference-simulator
// stack on Kubernetes. Run it with `pulumi up`.
package main

import (
	"errors"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/stacks"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		err := stacks.Deploy(ctx)
		var refused *stacks.RefusedError
		if errors.As(err, &refused) && ctx.Log.Error(refused.Error(), nil) == nil {
			// Told in full: Run would call it an unhandled error of the program.
			os.Exit(constant.ExitStatusLoggedError)
		}
		return err
	})
}
