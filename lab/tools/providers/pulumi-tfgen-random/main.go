// Command pulumi-tfgen-random writes the schema of the random provider.
package main

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfgen"

	"github.com/llm-d-sim/llm-d-sim/lab/tools/providers/random"
)

func main() { tfgen.Main("random", random.Provider()) }
