// Package envoy builds the static configuration of the standard gateway: an Envoy
// that asks the EPP where each request goes, and balances by itself when it can't.
// It imports no Pulumi.
package envoy

import (
	"cmp"
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
	// Port of the Service; of a headless one, the pods' own.
	Port int32
}

// Bootstrap describes a gateway.
type Bootstrap struct {
	// Namespace of the Services. Required.
	Namespace string
	// ClusterDomain is the DNS domain of the cluster. Default: llmd.ClusterDomain.
	ClusterDomain string
	// Backend is the headless Service of the decode pods. Requests are balanced over the
	// addresses that it resolves to, and go nowhere else. Required.
	Backend Upstream
	// EPP picks a pod for each request, by ext_proc. Default: none.
	EPP *Upstream
	// EPPSecure uses TLS to the EPP. Its certificate is self-signed, names no host and is not
	// verified. Default: plain HTTP/2.
	EPPSecure bool
	// SinglePrompts says that the EPP reads a completion's prompt only if it is one text, which
	// errors then explain. Default: it also reads lists and tokens.
	SinglePrompts bool
	// StripFairness removes the header by which clients name a tenant. Default: it passes.
	StripFairness bool
	// MaxRequestMiB is the largest request body that a simulator reads, in MiB; a larger one is
	// answered 413. Default: no limit.
	MaxRequestMiB int32
	// Names are the models and adapters that Backend answers to, which the gateway lists together
	// with those of Models. Required with Models.
	Names []string
	// Models are further models. A request that names one of them goes to its pods. Default: none.
	Models []Model
	// Keys are the API keys, of letters and digits: a request without one of them as its
	// bearer token is answered 401. Default: none, no key is required.
	Keys []string
	// Algorithm balances requests that no EPP schedules: ROUND_ROBIN, LEAST_REQUEST, RANDOM or
	// LEAST_CONN, which means LEAST_REQUEST. Required.
	Algorithm string
	// Tracing sends spans to a collector. Default: none.
	Tracing *Tracing
}

// Model is a model with pods of its own, and an EPP of its own if the gateway asks one.
type Model struct {
	// Name is appended to the names of the gateway's own Services for those of the model. Required.
	Name string
	// Names are those that requests ask for. Required.
	Names []string
}

// adminPort is on loopback only: the admin interface can stop Envoy.
const adminPort = 15000

// maxConnections bounds the memory that clients can use; it is far above what one gateway
// has to serve.
const maxConnections = 50_000

// Build returns the bootstrap as YAML, the same bytes for the same arguments. It fails on
// an unknown algorithm, or if Envoy's own constraints are violated.
func Build(b Bootstrap) (string, error) {
	p := &packer{}
	if b.Namespace == "" {
		p.errs = append(p.errs, errors.New("namespace is required"))
	}
	policy, err := p.balancing(b.Algorithm)
	if err != nil {
		return "", err
	}
	if err := CheckModels(b.Names, b.Models); err != nil {
		p.errs = append(p.errs, err)
	}
	clusters := append([]*clusterv3.Cluster{p.adminCluster()}, p.clustersOf(b, "", policy)...)
	for _, m := range b.Models {
		clusters = append(clusters, p.clustersOf(b, m.Name, policy)...)
	}
	if b.Tracing != nil {
		clusters = append(clusters, p.collectorCluster(b.Tracing.Collector))
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

// clustersOf returns the clusters of a model: its pods, and its EPP if there is one.
func (p *packer) clustersOf(b Bootstrap, model string, fallback *clusterv3.LoadBalancingPolicy) []*clusterv3.Cluster {
	clusters := []*clusterv3.Cluster{p.decodeCluster(llmd.ForModel(decodeName, model), b.qualified(b.Backend, model), fallback)}
	if b.EPP != nil {
		clusters = append(clusters, p.eppCluster(llmd.ForModel(eppName, model), b.qualified(*b.EPP, model), b.EPPSecure))
	}
	return clusters
}

// qualified returns a model's upstream with its fully qualified name. Its final dot disables
// search domains: a headless Service without a ready pod has no address, so the lookup
// would go on to the node's domains, whose owner would receive the prompts.
func (b Bootstrap) qualified(upstream Upstream, model string) Upstream {
	if upstream.Host != "" {
		upstream.Host = llmd.ServiceHost(llmd.ForModel(upstream.Host, model), b.Namespace, cmp.Or(b.ClusterDomain, llmd.ClusterDomain)) + "."
	}
	return upstream
}

// StripFilter returns the HTTP filter that removes the request headers that only the EPP
// may set, and with fairness also those that name a tenant, as a tree of JSON. It must come
// before the EPP's filter.
func StripFilter(fairness bool) (map[string]any, error) {
	p := &packer{}
	filter := p.stripFilter(stripped(fairness))
	p.check(filter)
	if err := errors.Join(p.errs...); err != nil {
		return nil, fmt.Errorf("envoy filter: %w", err)
	}
	return tree(filter)
}

// PlainPaths returns the settings of a connection manager that make it judge and pass on one
// spelling of each path, as a tree of JSON to merge into its configuration.
func PlainPaths() (map[string]any, error) {
	settings, err := anypb.New(plainPaths())
	if err != nil {
		return nil, fmt.Errorf("envoy paths: %w", err)
	}
	return tree(settings)
}

// packer packs messages into Any and collects what is wrong with them: validation does not
// descend into an Any.
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

// render goes through a sorted tree, since protojson deliberately varies its whitespace.
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
