package stacks

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/config"
)

// object is a namespaced object that the stack creates.
type object struct {
	resource schema.GroupVersionResource
	name     string
}

func v1(group, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource}
}

// The resources of the objects.
var (
	configMaps       = v1("", "configmaps")
	secrets          = v1("", "secrets")
	services         = v1("", "services")
	serviceAccounts  = v1("", "serviceaccounts")
	deployments      = v1("apps", "deployments")
	networkPolicies  = v1("networking.k8s.io", "networkpolicies")
	roles            = v1("rbac.authorization.k8s.io", "roles")
	roleBindings     = v1("rbac.authorization.k8s.io", "rolebindings")
	destinationRules = v1("networking.istio.io", "destinationrules")
	gateways         = v1("gateway.networking.k8s.io", "gateways")
	httpRoutes       = v1("gateway.networking.k8s.io", "httproutes")
	envoyFilters     = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1alpha3", Resource: "envoyfilters"}
	inferencePools   = v1("inference.networking.k8s.io", "inferencepools")
)

// objects lists what the stack will create in its namespace, before anything is
// registered. The tests hold it to what is then registered.
func objects(spec *config.Spec) []object {
	list := []object{{services, spec.Service.Name}, {deployments, spec.DecodeName()}}
	add := func(enabled bool, name string, resources ...schema.GroupVersionResource) {
		if !enabled {
			return
		}
		for _, r := range resources {
			list = append(list, object{r, name})
		}
	}
	add(spec.DecodeService(), spec.DecodeName(), services)
	add(spec.Prefill.Enabled, llmd.PrefillName, deployments, services)
	add(spec.EPP.Enabled, llmd.EPPName, serviceAccounts, roles, roleBindings, configMaps, deployments, services)
	add(spec.EPP.Enabled && spec.EPP.SecureServing && spec.IstioProxies(), llmd.EPPName, destinationRules)
	add(spec.Pool(), llmd.PoolName, inferencePools)
	add(spec.StandardGateway(), llmd.StandardGatewayName, deployments, services)
	add(spec.StandardGateway() && !spec.Auth(), llmd.StandardGatewayName, configMaps)
	add(spec.Auth(), llmd.StandardGatewayName, secrets)
	add(spec.IstioGateway(), llmd.IstioGatewayName, serviceAccounts, deployments, services, gateways, httpRoutes, envoyFilters)
	add(spec.Gateway.Enabled, spec.Gateway.RouteName, gateways, httpRoutes)
	add(spec.Gateway.Enabled && spec.Gateway.ClassName == llmd.IstioClassName, spec.Gateway.RouteName, configMaps, envoyFilters)
	add(spec.LoadBalancing.Enabled, spec.Service.Name+"-lb", destinationRules)
	if spec.NetworkPolicy.Enabled {
		add(true, spec.DecodeName(), networkPolicies)
		add(spec.Prefill.Enabled, llmd.PrefillName, networkPolicies)
		add(spec.EPP.Enabled, llmd.EPPName, networkPolicies)
		add(spec.StandardGateway(), llmd.StandardGatewayName, networkPolicies)
		add(spec.IstioGateway(), llmd.IstioGatewayName, networkPolicies)
	}
	return list
}
