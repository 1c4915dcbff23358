package components

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/envoy"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// GatewayModel is a model behind a gateway that serves others as well. Its Services, and its
// InferencePool, are called like those of the gateway's own model with Model appended, and have the
// same ports.
type GatewayModel struct {
	// Model is that of its ModelServiceStage, EPP and ProxyService, a DNS label.
	Model string `pulumi:"model"`

	// Names are those that requests ask for: first the model's, then those of its adapters.
	Names []string `pulumi:"names"`
}

// named returns the name that an object of the gateway's own model has for this one.
func (m GatewayModel) named(own pulumi.StringInput) pulumi.StringOutput {
	return own.ToStringOutput().ApplyT(func(name string) string { return llmd.ForModel(name, m.Model) }).(pulumi.StringOutput)
}

// forEnvoy converts models to what a bootstrap has of them.
func forEnvoy(models []GatewayModel) []envoy.Model {
	var list []envoy.Model
	for _, m := range models {
		list = append(list, envoy.Model{Name: m.Model, Names: m.Names})
	}
	return list
}

// checkModels checks that a request's model tells where it goes.
func checkModels(own []string, models []envoy.Model) error {
	for _, m := range models {
		if err := checkModel(m.Name); err != nil {
			return err
		}
	}
	if err := envoy.CheckModels(own, models); err != nil {
		return fmt.Errorf("models: %w", err)
	}
	return nil
}

// istioModels are what makes Istio's proxies set the header with the model of a request, and list
// all models. Of the filters, each is inserted before those that are already there.
func (a *gatewayAPI) istioModels() (pulumi.Array, error) {
	filters, list, err := envoy.ModelFilters(a.ModelNames, forEnvoy(a.Models), llmd.ModelHeader)
	if err != nil {
		return nil, err
	}
	var patches pulumi.Array
	for i := range filters {
		patches = append(patches, istioPatch("HTTP_FILTER", "INSERT_FIRST", filters[len(filters)-1-i]))
	}
	gateways := pulumi.Map{"context": pulumi.String("GATEWAY")}
	return append(patches,
		pulumi.Map{
			"applyTo": pulumi.String("LISTENER"), "match": gateways,
			"patch": pulumi.Map{"operation": pulumi.String("MERGE"), "value": pulumi.Map{
				"per_connection_buffer_limit_bytes": pulumi.Int(a.MaxRequestMiB << 20),
			}},
		},
		pulumi.Map{
			"applyTo": pulumi.String("HTTP_ROUTE"), "match": gateways,
			"patch": pulumi.Map{"operation": pulumi.String("INSERT_FIRST"), "value": pulumi.ToMap(list)},
		},
	), nil
}
