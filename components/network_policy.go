package components

import (
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// closePods closes the pods of `object`, if asked to, except for one port, which stays open
// to peers in the namespace, or to everyone if peers is nil, and for what others allow. The
// kubelet's probes always pass.
func (c common) closePods(
	ctx *pulumi.Context, name, object, component string, port int,
	peers networkingv1.NetworkPolicyPeerArray, others networkingv1.NetworkPolicyIngressRuleArray, opts ...pulumi.ResourceOption,
) error {
	if !c.networkPolicy {
		return nil
	}
	ingress := networkingv1.NetworkPolicyIngressRuleArgs{Ports: networkPolicyPort(port)}
	if peers != nil {
		ingress.From = peers
	}
	_, err := networkingv1.NewNetworkPolicy(ctx, name+"-network-policy", &networkingv1.NetworkPolicyArgs{
		Metadata: c.metadata(object, component, nil, nil),
		Spec: &networkingv1.NetworkPolicySpecArgs{
			PodSelector: &metav1.LabelSelectorArgs{MatchLabels: pulumi.ToStringMap(selector(object))},
			PolicyTypes: pulumi.ToStringArray([]string{"Ingress"}),
			Ingress:     append(networkingv1.NetworkPolicyIngressRuleArray{ingress}, others...),
		},
	}, opts...)
	return err
}

func networkPolicyPort(port int) networkingv1.NetworkPolicyPortArray {
	return networkingv1.NetworkPolicyPortArray{networkingv1.NetworkPolicyPortArgs{
		Port: pulumi.Int(port), Protocol: pulumi.String("TCP"),
	}}
}

// fromGateways allows this package's gateways, and those that a Gateway API controller runs
// in the namespace.
func fromGateways() networkingv1.NetworkPolicyPeerArray {
	return networkingv1.NetworkPolicyPeerArray{
		fromPods(llmd.ComponentLabel, llmd.ComponentGateway),
		networkingv1.NetworkPolicyPeerArgs{PodSelector: &metav1.LabelSelectorArgs{
			MatchExpressions: metav1.LabelSelectorRequirementArray{metav1.LabelSelectorRequirementArgs{
				Key: pulumi.String(gatewayNameLabel), Operator: pulumi.String("Exists"),
			}},
		}},
	}
}

// fromKEDA allows KEDA's operator, which has this label however it is installed.
func fromKEDA(namespace string) networkingv1.NetworkPolicyPeerArgs {
	return fromNamespace(namespace, map[string]string{"app": "keda-operator"})
}

// fromNamespace allows the pods with some labels in another namespace.
func fromNamespace(namespace string, podLabels map[string]string) networkingv1.NetworkPolicyPeerArgs {
	return networkingv1.NetworkPolicyPeerArgs{
		NamespaceSelector: &metav1.LabelSelectorArgs{
			MatchLabels: pulumi.StringMap{"kubernetes.io/metadata.name": pulumi.String(namespace)},
		},
		PodSelector: &metav1.LabelSelectorArgs{MatchLabels: pulumi.ToStringMap(podLabels)},
	}
}

func fromPods(label, value string) networkingv1.NetworkPolicyPeerArgs {
	return networkingv1.NetworkPolicyPeerArgs{PodSelector: &metav1.LabelSelectorArgs{
		MatchLabels: pulumi.StringMap{label: pulumi.String(value)},
	}}
}
