package envoy

import (
	"fmt"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	commondnsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/clusters/common/dns/v3"
	dnsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/clusters/dns/v3"
	leastrequestv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/least_request/v3"
	overridehostv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/override_host/v3"
	randomv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/random/v3"
	roundrobinv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/load_balancing_policies/round_robin/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	metadatav3 "github.com/envoyproxy/go-control-plane/envoy/type/metadata/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
)

// Names of the clusters. Those of further models have the model appended.
const (
	adminName  = "admin"
	decodeName = "decode"
	eppName    = "epp"
)

// Where the EPP names the pod it chose: dynamic metadata, which no client can forge.
const (
	endpointNamespace = "envoy.lb"
	endpointKey       = "x-gateway-destination-endpoint"
)

// maxInFlight raises Envoy's limit of 1024 connections and requests per cluster, which
// overflows under load. Upstream's own bootstrap has the same value.
const maxInFlight = 40_000

const (
	// connectTimeout is short, since a pod that is gone may not even refuse.
	connectTimeout = time.Second
	// dnsRefresh is how long a new pod may stay unknown and a deleted one still be tried.
	dnsRefresh = time.Second
	// Requests go to an EPP that has gone away, and are lost with their bodies, until a health
	// check or a failed connection reports it. Within a cluster, connecting takes about a
	// millisecond.
	healthInterval    = 500 * time.Millisecond
	eppConnectTimeout = 250 * time.Millisecond
	// healthTimeout is long enough for an EPP that is short of CPU on a busy node to accept a
	// TLS connection and answer: otherwise Envoy would bypass it.
	healthTimeout = time.Second
	// ejectionTime is long enough for a health check to take over.
	ejectionTime = healthInterval + healthTimeout + 500*time.Millisecond
	// HTTP/2 pings notice an EPP that hangs. gRPC servers close a connection at the fourth
	// ping within 5 minutes of each other unless they have sent something in between, and an
	// EPP sends nothing while a pod generates: pings must not end a response before
	// streamIdleTimeout would.
	keepaliveInterval = streamIdleTimeout / 4
	keepaliveTimeout  = 2 * time.Second
	// TCP keepalives notice within seconds an EPP whose node went away.
	tcpKeepaliveSeconds  = 5
	tcpKeepaliveProbes   = 3
	tcpKeepaliveInterval = 1
)

// balancing returns the policy for a configured algorithm.
func (p *packer) balancing(algorithm string) (*clusterv3.LoadBalancingPolicy, error) {
	switch algorithm {
	case "ROUND_ROBIN":
		return policy("round_robin", p.any(&roundrobinv3.RoundRobin{})), nil
	case "LEAST_REQUEST", "LEAST_CONN":
		return policy("least_request", p.any(&leastrequestv3.LeastRequest{})), nil
	case "RANDOM":
		return policy("random", p.any(&randomv3.Random{})), nil
	}
	return nil, fmt.Errorf(
		"envoy bootstrap: algorithm must be ROUND_ROBIN, LEAST_REQUEST, RANDOM or LEAST_CONN, got %q", algorithm)
}

func policy(name string, config *anypb.Any) *clusterv3.LoadBalancingPolicy {
	return &clusterv3.LoadBalancingPolicy{Policies: []*clusterv3.LoadBalancingPolicy_Policy{{
		TypedExtensionConfig: &corev3.TypedExtensionConfig{
			Name: "envoy.load_balancing_policies." + name, TypedConfig: config,
		},
	}}}
}

// decodeCluster sends to the pod that the EPP chose, if it is one of the backend's, and
// otherwise to one chosen by the fallback policy.
func (p *packer) decodeCluster(name string, backend Upstream, fallback *clusterv3.LoadBalancingPolicy) *clusterv3.Cluster {
	chosen := p.any(&overridehostv3.OverrideHost{
		OverrideHostSources: []*overridehostv3.OverrideHost_OverrideHostSource{{
			Metadata: &metadatav3.MetadataKey{
				Key: endpointNamespace,
				Path: []*metadatav3.MetadataKey_PathSegment{{
					Segment: &metadatav3.MetadataKey_PathSegment_Key{Key: endpointKey},
				}},
			},
		}},
		FallbackPolicy: fallback,
	})
	c := p.dnsCluster(name, backend)
	c.LoadBalancingPolicy = policy("override_host", chosen)
	return c
}

// eppCluster is the EPP's Service, over HTTP/2. The ext_proc filter can let a request go on
// without an EPP only if it knows before it sends the body: hence the health checks, and
// the first failed connection counts as well.
func (p *packer) eppCluster(name string, epp Upstream, secure bool) *clusterv3.Cluster {
	c := p.dnsCluster(name, epp)
	c.ConnectTimeout = durationpb.New(eppConnectTimeout)
	c.UpstreamConnectionOptions = &clusterv3.UpstreamConnectionOptions{TcpKeepalive: &corev3.TcpKeepalive{
		KeepaliveTime:     wrapperspb.UInt32(tcpKeepaliveSeconds),
		KeepaliveProbes:   wrapperspb.UInt32(tcpKeepaliveProbes),
		KeepaliveInterval: wrapperspb.UInt32(tcpKeepaliveInterval),
	}}
	c.CommonLbConfig = &clusterv3.Cluster_CommonLbConfig{HealthyPanicThreshold: &typev3.Percent{Value: 0}}
	c.HealthChecks = []*corev3.HealthCheck{{
		HealthChecker: &corev3.HealthCheck_GrpcHealthCheck_{GrpcHealthCheck: &corev3.HealthCheck_GrpcHealthCheck{
			ServiceName: llmd.EPPHealthService,
		}},
		Timeout:            durationpb.New(healthTimeout),
		Interval:           durationpb.New(healthInterval),
		NoTrafficInterval:  durationpb.New(healthInterval),
		UnhealthyThreshold: wrapperspb.UInt32(1),
		HealthyThreshold:   wrapperspb.UInt32(1),
		// A new connection each time, so that the check sees what a new request would.
		ReuseConnection: wrapperspb.Bool(false),
	}}
	c.OutlierDetection = &clusterv3.OutlierDetection{
		SplitExternalLocalOriginErrors:         true,
		ConsecutiveLocalOriginFailure:          wrapperspb.UInt32(1),
		EnforcingConsecutiveLocalOriginFailure: wrapperspb.UInt32(100),
		EnforcingLocalOriginSuccessRate:        wrapperspb.UInt32(0),
		EnforcingConsecutive_5Xx:               wrapperspb.UInt32(0),
		EnforcingConsecutiveGatewayFailure:     wrapperspb.UInt32(0),
		EnforcingSuccessRate:                   wrapperspb.UInt32(0),
		MaxEjectionPercent:                     wrapperspb.UInt32(100),
		Interval:                               durationpb.New(healthInterval),
		BaseEjectionTime:                       durationpb.New(ejectionTime),
		MaxEjectionTime:                        durationpb.New(ejectionTime),
	}
	c.TypedExtensionProtocolOptions = map[string]*anypb.Any{
		"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": p.any(&httpv3.HttpProtocolOptions{
			CommonHttpProtocolOptions: &corev3.HttpProtocolOptions{MaxConnectionDuration: durationpb.New(llmd.EPPConnectionTime)},
			UpstreamProtocolOptions: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_{
				ExplicitHttpConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig{
					ProtocolConfig: &httpv3.HttpProtocolOptions_ExplicitHttpConfig_Http2ProtocolOptions{
						Http2ProtocolOptions: &corev3.Http2ProtocolOptions{
							ConnectionKeepalive: &corev3.KeepaliveSettings{
								Interval: durationpb.New(keepaliveInterval),
								Timeout:  durationpb.New(keepaliveTimeout),
							},
						},
					},
				},
			},
		}),
	}
	if secure {
		c.TransportSocket = &corev3.TransportSocket{
			Name: "envoy.transport_sockets.tls",
			ConfigType: &corev3.TransportSocket_TypedConfig{TypedConfig: p.any(&tlsv3.UpstreamTlsContext{
				CommonTlsContext: &tlsv3.CommonTlsContext{AlpnProtocols: []string{"h2"}},
			})},
		}
	}
	return c
}

// adminCluster lets the probe listener reach the admin interface.
func (*packer) adminCluster() *clusterv3.Cluster {
	return &clusterv3.Cluster{
		Name:                 adminName,
		ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_STATIC},
		ConnectTimeout:       durationpb.New(connectTimeout),
		LoadAssignment:       assignment(adminName, Upstream{Host: "127.0.0.1", Port: adminPort}),
	}
}

// dnsCluster balances over all addresses of a name.
func (p *packer) dnsCluster(name string, upstream Upstream) *clusterv3.Cluster {
	limits := &clusterv3.CircuitBreakers_Thresholds{
		MaxConnections:     wrapperspb.UInt32(maxInFlight),
		MaxPendingRequests: wrapperspb.UInt32(maxInFlight),
		MaxRequests:        wrapperspb.UInt32(maxInFlight),
		MaxRetries:         wrapperspb.UInt32(maxInFlight),
	}
	resolution := p.any(&dnsv3.DnsCluster{
		DnsRefreshRate: durationpb.New(dnsRefresh),
		DnsFailureRefreshRate: &dnsv3.DnsCluster_RefreshRate{
			BaseInterval: durationpb.New(dnsRefresh), MaxInterval: durationpb.New(dnsRefresh),
		},
		DnsLookupFamily: commondnsv3.DnsLookupFamily_V4_PREFERRED,
	})
	return &clusterv3.Cluster{
		Name: name,
		ClusterDiscoveryType: &clusterv3.Cluster_ClusterType{ClusterType: &clusterv3.Cluster_CustomClusterType{
			Name: "envoy.cluster.dns", TypedConfig: resolution,
		}},
		ConnectTimeout:  durationpb.New(connectTimeout),
		CircuitBreakers: &clusterv3.CircuitBreakers{Thresholds: []*clusterv3.CircuitBreakers_Thresholds{limits}},
		LoadAssignment:  assignment(name, upstream),
	}
}

func assignment(cluster string, upstream Upstream) *endpointv3.ClusterLoadAssignment {
	return &endpointv3.ClusterLoadAssignment{
		ClusterName: cluster,
		Endpoints: []*endpointv3.LocalityLbEndpoints{{LbEndpoints: []*endpointv3.LbEndpoint{{
			HostIdentifier: &endpointv3.LbEndpoint_Endpoint{
				Endpoint: &endpointv3.Endpoint{Address: address(upstream.Host, upstream.Port)},
			},
		}}}},
	}
}

func address(host string, port int32) *corev3.Address {
	return &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
		Address: host, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(port)},
	}}}
}
