// Command pulumi-resource-llm-d-sim is the Pulumi package llm-d-sim: the components of this
// repository for programs in any of Pulumi's languages. Pulumi starts it.
package main

import (
	_ "embed"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"

	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/internal/version"
	"github.com/llm-d-sim/llm-d-sim/provider/internal/construct"
)

// schema describes the package to Pulumi. `go test ./internal/schema -update` writes it.
//
//go:embed schema.json
var schema []byte

func main() {
	if err := provider.MainWithOptions(provider.Options{
		Name: config.Namespace, Version: version.String(), Schema: schema, Construct: construct.Construct,
	}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
