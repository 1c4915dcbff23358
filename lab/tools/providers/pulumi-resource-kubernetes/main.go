// Command pulumi-resource-kubernetes is upstream's provider, served with the schema of the module it is built from.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

//go:embed schema.json
var schema []byte

func main() { provider.Serve("kubernetes", "4.27.0", schema, []byte("{}")) }
