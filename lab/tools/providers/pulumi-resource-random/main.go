// Command pulumi-resource-random is the Terraform provider as a Pulumi plugin.
package main

import (
	"context"
	_ "embed"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"

	"github.com/llm-d-sim/llm-d-sim/lab/tools/providers/random"
)

//go:generate go run ../pulumi-tfgen-random schema --out .

//go:embed schema.json
var schema []byte

func main() {
	tfbridge.Main(context.Background(), "random", random.Provider(), tfbridge.ProviderMetadata{PackageSchema: schema})
}
