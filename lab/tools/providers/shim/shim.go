// Package shim hands out the Terraform provider, which upstream keeps in an internal
// package: only a module whose path lies below upstream's may import it.
package shim

import (
	"github.com/hashicorp/terraform-plugin-framework/provider"
	internal "github.com/terraform-providers/terraform-provider-random/internal/provider"
)

// NewProvider returns the random provider.
func NewProvider() provider.Provider { return internal.New() }
