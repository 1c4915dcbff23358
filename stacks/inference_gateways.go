package stacks

import (
	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

func (c *composer) standardGateway() error {
	standard := &components.StandardGateway{
		Backend:       c.spec.DecodeName(),
		BackendPort:   int(c.spec.DecodeStage().Port),
		Algorithm:     string(c.spec.LoadBalancing.Algorithm),
		MaxRequestMiB: int(c.spec.Simulator.MaxRequestMiB),
		Tracing:       c.tracing(),
	}
	if epp := c.spec.EPP; epp.Enabled {
		standard.EPP, standard.EPPPort, standard.EPPSecure = llmd.EPPName, int(epp.Port), epp.SecureServing
		standard.StripFairness = stripFairness(c.spec)
		standard.EPPSinglePrompts = !c.spec.EPPRelease().PromptLists
	}
	if models := c.gatewayModels(); len(models) > 0 {
		standard.ModelNames, standard.Models = c.spec.ModelNames(), models
	}
	gateway := c.spec.InferenceGateway.Standard
	args := &components.InferenceGatewayArgs{
		Namespace:        c.Namespace,
		Instance:         c.spec.Name,
		Replicas:         integer(gateway.Replicas),
		Image:            image(c.args.Images.StandardGateway, gateway.Image),
		ImagePullPolicy:  c.pullPolicy(gateway.Image),
		ImagePullSecrets: c.pullSecrets(),
		Resources:        resources(gateway.Resources),
		Port:             int(gateway.Port),
		Standard:         standard,
		NetworkPolicy:    c.spec.NetworkPolicy.Enabled,
		Metrics:          c.metrics(),
		DrainTimeout:     c.spec.InferenceGateway.DrainTimeout.Duration.String(),
		ClusterDomain:    c.spec.ClusterDomain,
		ReadyTimeout:     c.spec.ReadyTimeout.Duration.String(),
	}
	if len(c.apiKeys) > 0 {
		args.APIKeys = c.apiKeys
	}
	return c.inferenceGateway("standard-gateway", llmd.StandardGatewayName, args)
}

// gatewayModels returns the further models of the gateways.
func (c *composer) gatewayModels() []components.GatewayModel {
	var models []components.GatewayModel
	for _, key := range c.spec.ModelKeys() {
		models = append(models, components.GatewayModel{Model: key, Names: c.spec.ForModel(key).ModelNames()})
	}
	return models
}

func (c *composer) istioGateway() error {
	gateway := c.spec.InferenceGateway.Istio
	return c.inferenceGateway("istio-gateway", llmd.IstioGatewayName, &components.InferenceGatewayArgs{
		Namespace:        c.Namespace,
		Instance:         c.spec.Name,
		Replicas:         integer(gateway.Replicas),
		Image:            image(c.args.Images.IstioGateway, gateway.Image),
		ImagePullPolicy:  c.pullPolicy(gateway.Image),
		ImagePullSecrets: c.pullSecrets(),
		Resources:        resources(gateway.Resources),
		Port:             int(gateway.Port),
		Istio:            &components.IstioGateway{GatewayName: llmd.IstioGatewayName},
		NetworkPolicy:    c.spec.NetworkPolicy.Enabled,
		Metrics:          c.metrics(),
		DrainTimeout:     c.spec.InferenceGateway.DrainTimeout.Duration.String(),
		ClusterDomain:    c.spec.ClusterDomain,
		ReadyTimeout:     c.spec.ReadyTimeout.Duration.String(),
	})
}

func (c *composer) inferenceGateway(name, object string, args *components.InferenceGatewayArgs) error {
	g, err := components.NewInferenceGateway(c.ctx, c.name+"-"+name, args, c.child(name))
	if err != nil {
		return err
	}
	c.targets = append(c.targets, g.Target)
	c.deployments = append(c.deployments, deployed{resource: g.Deployment, name: object, several: *args.Replicas > 1})
	c.gateways = append(c.gateways, g.Endpoint)
	return nil
}
