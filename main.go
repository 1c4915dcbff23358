// Command llm-d-sim is the Pulumi program that deploys the llm-d inference-simulator
// stack on Kubernetes. Run it with `pulumi up`.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/stacks"
)

func main() { pulumi.Run(stacks.Deploy) }
