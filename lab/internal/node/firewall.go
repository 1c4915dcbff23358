package node

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/cluster"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/system"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// EnforcePolicies makes the node of a running cluster enforce NetworkPolicies, unless it
// already does. Only the firewall of kube-router runs. Nodes do without it by default,
// since every packet passes its rules, a handful for each pod.
func EnforcePolicies(ctx context.Context, c *cluster.Cluster, tools tool.Paths, out io.Writer) error {
	name := tool.Firewall().Name
	if c.Sandbox.Runs(name) {
		return nil
	}
	if err := system.Ensure(ctx, out, system.Command("ipset", "ipset")); err != nil {
		return err
	}
	if complaint, err := c.Sandbox.Command(ctx, "ipset", "list").CombinedOutput(); err != nil {
		return fmt.Errorf("this kernel cannot enforce NetworkPolicies, run without POLICIES=1: %w: %s", err, bytes.TrimSpace(complaint))
	}
	err := c.Sandbox.Daemon(ctx, name, tools[name],
		"--kubeconfig", c.Kubeconfig(),
		"--hostname-override", c.Name,
		"--service-cluster-ip-range", c.Sandbox.ServiceRange(),
		"--run-firewall",
		"--run-router=false",
		"--run-service-proxy=false",
		"--health-port=0")
	if err == nil {
		fmt.Fprintln(out, "NetworkPolicies are enforced")
	}
	return err
}
