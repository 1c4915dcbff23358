// Package envoy builds the static configuration of the standard gateway: an Envoy
// that asks the EPP where each request goes, and balances by itself when it can't.
// It imports no Pulumi.
package envoy

import (
	"encoding/json"
	"errors"
	"fmt"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	overloadv3 "github.com/envoyproxy/go-control-plane/envoy/config/overload/v3"
	connectionsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/resource_monitors/downstream_connections/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"sigs.k8s.io/yaml"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// Upstream is a Service that Envoy connects to.
type Upstream struct {
	// Host is the name of a Service in the gateway's namespace.
	Host string
	// Port is the Service's, which for a headless one is the pods' own.
	Port int32
}

// Bootstrap describes a gateway.
type Bootstrap struct {
	// Namespace of the Services. Required.
	Namespace string
	// Backend is a headless Service of the decode pods: each address that it resolves
	// to is balanced over, and no other is ever sent to. Required.
	Backend Upstream
	// EPP is asked for a pod by ext_proc. Default: nobody is asked.
	EPP *Upstream
	// EPPSecure speaks TLS with the EPP, whose certificate is its own word (self-signed,
	// without a name) and is not checked. Default: plain HTTP/2.
	EPPSecure bool
	// Keys are the API keys: a request has to show one of them as its bearer token, or it is
	// answered 401. Letters and digits. Default: none, anyone may send.
	Keys []string
	// Algorithm balances where no EPP decides: ROUND_ROBIN, LEAST_REQUEST, RANDOM or
	// LEAST_CONN, which is LEAST_REQUEST. Required.
	Algorithm string
}

// adminPort is on loopback only: the admin interface can stop Envoy.
const adminPort = 15000

// maxConnections bounds the memory that clients can take; far above what one gateway
// is used for.
const maxConnections = 50_000

// Build returns the bootstrap as YAML, the same bytes for the same arguments. It
// fails on an unknown algorithm, or when Envoy's own constraints are not met.
func Build(b Bootstrap) (string, error) {
	p := &packer{}
	if b.Namespace == "" {
		p.errs = append(p.errs, errors.New("namespace is required"))
	}
	policy, err := p.balancing(b.Algorithm)
	if err != nil {
		return "", err
	}
	clusters := []*clusterv3.Cluster{p.adminCluster(), p.decodeCluster(b.qualified(b.Backend), policy)}
	if b.EPP != nil {
		clusters = append(clusters, p.eppCluster(b.qualified(*b.EPP), b.EPPSecure))
	}
	bootstrap := &bootstrapv3.Bootstrap{
		Admin: &bootstrapv3.Admin{Address: address("127.0.0.1", adminPort)},
		StaticResources: &bootstrapv3.Bootstrap_StaticResources{
			Listeners: []*listenerv3.Listener{p.mainListener(b), p.probeListener()},
			Clusters:  clusters,
		},
		OverloadManager: &overloadv3.OverloadManager{
			ResourceMonitors: []*overloadv3.ResourceMonitor{{
				Name: "envoy.resource_monitors.global_downstream_max_connections",
				ConfigType: &overloadv3.ResourceMonitor_TypedConfig{TypedConfig: p.any(
					&connectionsv3.DownstreamConnectionsConfig{MaxActiveDownstreamConnections: maxConnections},
				)},
			}},
		},
	}
	p.check(bootstrap)
	if err := errors.Join(p.errs...); err != nil {
		return "", fmt.Errorf("envoy bootstrap: %w", err)
	}
	return render(bootstrap)
}

// qualified returns an upstream by its full name. With the final dot no search domain is
// tried: a headless Service without a ready pod has no address, and the lookup would go on
// to the domains of the node, whose owner would get the prompts.
func (b Bootstrap) qualified(upstream Upstream) Upstream {
	if upstream.Host != "" {
		upstream.Host = llmd.ServiceHost(upstream.Host, b.Namespace) + "."
	}
	return upstream
}

// StripFilter returns the HTTP filter that removes from a request what only the EPP may
// set, as the tree of its JSON. It has to come before the EPP's.
func StripFilter() (map[string]any, error) {
	p := &packer{}
	filter := p.stripFilter(trustedHeaders)
	p.check(filter)
	if err := errors.Join(p.errs...); err != nil {
		return nil, fmt.Errorf("envoy filter: %w", err)
	}
	return tree(filter)
}

// packer puts messages into Any and gathers what is wrong with them: validation does
// not look into an Any.
type packer struct{ errs []error }

func (p *packer) check(m interface{ ValidateAll() error }) {
	if err := m.ValidateAll(); err != nil {
		p.errs = append(p.errs, err)
	}
}

func (p *packer) any(m interface {
	proto.Message
	ValidateAll() error
},
) *anypb.Any {
	p.check(m)
	packed, err := anypb.New(m)
	if err != nil {
		p.errs = append(p.errs, err)
	}
	return packed
}

// render goes through a sorted tree, since protojson varies its spaces on purpose.
func render(m proto.Message) (string, error) {
	sorted, err := tree(m)
	if err != nil {
		return "", err
	}
	out, err := yaml.Marshal(sorted)
	if err != nil {
		return "", fmt.Errorf("rendering for envoy: %w", err)
	}
	return string(out), nil
}

func tree(m proto.Message) (map[string]any, error) {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("rendering for envoy: %w", err)
	}
	var t map[string]any
	if err := json.Unmarshal(raw, &t); err != nil {
		return nil, fmt.Errorf("rendering for envoy: %w", err)
	}
	return t, nil
}
