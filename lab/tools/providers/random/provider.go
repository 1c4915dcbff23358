// Package random describes Pulumi's random provider: the Terraform provider bridged,
// under the tokens of the published SDK (github.com/pulumi/pulumi-random/sdk/v4).
package random

import (
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/pf/tfbridge"
	bridge "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/terraform-providers/terraform-provider-random/shim"
)

// Version is that of the SDK in the program's go.mod.
const Version = "4.19.0"

// Provider returns the description that both the schema generator and the plugin use.
func Provider() bridge.ProviderInfo {
	info := bridge.ProviderInfo{
		Name:         "random",
		P:            tfbridge.ShimProvider(shim.NewProvider()),
		Version:      Version,
		Resources:    map[string]*bridge.ResourceInfo{},
		MetadataInfo: bridge.NewProviderMetadata([]byte("{}")),
	}
	// The kinds that the program uses.
	for _, kind := range []string{"Integer", "Password", "Uuid"} {
		name := "random" + kind
		info.Resources["random_"+strings.ToLower(kind)] = &bridge.ResourceInfo{
			Tok: tokens.Type("random:index/" + name + ":Random" + kind),
		}
	}
	info.IgnoreMappings = []string{
		"random_id", "random_pet", "random_shuffle", "random_string", "random_bytes",
		"random_uuid4", "random_uuid7",
	}
	return info
}
