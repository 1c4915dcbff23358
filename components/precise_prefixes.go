package components

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/endpointpicker"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/components/simulator"
)

// PrecisePrefixes makes an EPP follow what the simulators' KV caches hold. The simulators have to
// send it their events, see ModelServiceStage.
type PrecisePrefixes struct {
	// Model is the name that the simulators answer to. Default: random.
	Model string `pulumi:"model,optional"`

	// Tokenizer is the URL of a simulator, or of a Service of several, which the EPP asks for the
	// tokens of a prompt. Default: the Service of the model's decode stage, on the EPP's TargetPort.
	Tokenizer string `pulumi:"tokenizer,optional"`

	// BlockSize is the number of tokens in a block of the simulators' KV caches. Default: 16.
	BlockSize int `pulumi:"blockSize,optional"`
}

func (p *PrecisePrefixes) options(model string, targetPort int) *endpointpicker.Precise {
	if p == nil {
		return nil
	}
	return &endpointpicker.Precise{
		Model:       or(p.Model, simulator.DefaultModel),
		Tokenizer:   or(p.Tokenizer, fmt.Sprintf("http://%s:%d", llmd.ForModel(llmd.DecodeName, model), targetPort)),
		BlockTokens: or(p.BlockSize, simulator.DefaultKVCacheBlockSize),
	}
}

// eventsPort names the port for KV events.
const eventsPort = "kv-events"

func (p *PrecisePrefixes) containerPorts() corev1.ContainerPortArray {
	if p == nil {
		return nil
	}
	return corev1.ContainerPortArray{containerPort(eventsPort, llmd.EPPEventsPort)}
}

func (p *PrecisePrefixes) servicePorts() []corev1.ServicePortInput {
	if p == nil {
		return nil
	}
	return []corev1.ServicePortInput{corev1.ServicePortArgs{
		Name: pulumi.String(eventsPort), AppProtocol: pulumi.String("tcp"),
		Port: pulumi.Int(llmd.EPPEventsPort), TargetPort: pulumi.String(eventsPort),
	}}
}

// ingress lets the simulators of both stages send their events.
func (p *PrecisePrefixes) ingress() networkingv1.NetworkPolicyIngressRuleArray {
	if p == nil {
		return nil
	}
	return networkingv1.NetworkPolicyIngressRuleArray{networkingv1.NetworkPolicyIngressRuleArgs{
		Ports: networkPolicyPort(llmd.EPPEventsPort),
		From: networkingv1.NetworkPolicyPeerArray{
			fromPods(llmd.RoleLabel, llmd.RoleDecode), fromPods(llmd.RoleLabel, llmd.RolePrefill),
		},
	}}
}
