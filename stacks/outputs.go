package stacks

import (
	"context"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// The provider can be ahead of the pods: after a scaling it may judge a Deployment by its
// ReplicaSet as that was before. A pod takes about a second to start and get ready.
const (
	settleTime = 5 * time.Second
	lookAgain  = 100 * time.Millisecond
)

// export sets the stack outputs. Those that describe the cluster are read from it
// once all Deployments are done, at the end of every `up`, also of one that changes
// nothing: the state would only repeat what an earlier `up` saw.
func (s *stack) export() {
	s.ctx.Export("namespace", s.common.Namespace)
	s.ctx.Export("endpoints", s.endpoints())
	s.ctx.Export("gatewayURL", s.gatewayURL())
	if len(s.apiKeys) > 0 {
		s.ctx.Export(llmd.APIKey, pulumi.ToSecret(s.apiKeys[0]))
	}

	observed := s.observe()
	for _, name := range []string{"replicas", "readyReplicas", "conditions", "status"} {
		s.ctx.Export(name, observed.ApplyT(func(v any) any { return v.(map[string]any)[name] }))
	}
}

// observe reads the status of all parts. In a preview it is unknown.
func (s *stack) observe() pulumi.Output {
	done := make([]any, len(s.parts))
	for i, p := range s.parts {
		done[i] = p.resource.ID()
	}
	if s.ctx.DryRun() {
		return pulumi.UnsafeUnknownOutput(nil)
	}
	return pulumi.All(append(done, s.common.Namespace)...).ApplyT(func(ids []any) (map[string]any, error) {
		namespace := ids[len(ids)-1].(string)
		for until := time.Now().Add(s.settle); ; time.Sleep(lookAgain) {
			deployments, err := s.live.Deployments(context.Background(), namespace, components.PartOfSelector(s.spec.Name))
			if err != nil {
				return nil, fmt.Errorf("reading the status from the cluster: %w", err)
			}
			if outputs, ready := observe(s.parts, deployments); ready || time.Now().After(until) {
				return outputs, nil
			}
		}
	})
}

// endpoints lists the Services that clients can use, as host:port: the gateways,
// the proxy Service, and the decode stage's own.
func (s *stack) endpoints() pulumi.StringArray {
	var list pulumi.StringArray
	for _, g := range s.gateways {
		list = append(list, s.hostPort(g.name, g.port))
	}
	list = append(list, s.hostPort(pulumi.String(s.spec.Service.Name), s.spec.Service.Port))
	for _, p := range s.parts {
		if p.decode && p.service != "" {
			list = append(list, s.hostPort(pulumi.String(p.service), p.port))
		}
	}
	return list
}

func (s *stack) hostPort(service pulumi.StringInput, port int32) pulumi.StringOutput {
	return pulumi.Sprintf("%s:%d", components.ServiceHost(service, s.common.Namespace), port)
}

// gatewayURL is the URL of the first gateway, empty without any.
func (s *stack) gatewayURL() pulumi.StringInput {
	if len(s.gateways) == 0 {
		return pulumi.String("")
	}
	return pulumi.Sprintf("http://%s", s.hostPort(s.gateways[0].name, s.gateways[0].port))
}
