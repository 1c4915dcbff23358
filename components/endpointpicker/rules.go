package endpointpicker

// Rule allows Verbs on Resources of APIGroups, in the EPP's namespace.
type Rule struct {
	APIGroups, Resources, Verbs []string
}

// read are the verbs that watching requires.
var read = []string{"get", "list", "watch"}

// Rules returns the permissions that the EPP needs, and no more. Without one of them, it
// exits two minutes after it starts.
func Rules(o Options) []Rule {
	rules := []Rule{{[]string{""}, []string{"pods"}, read}}
	if o.PoolName != "" {
		rules = append(rules, Rule{[]string{"inference.networking.k8s.io"}, []string{"inferencepools"}, read})
		for _, watched := range o.Release.Watched {
			rules = append(rules, Rule{[]string{watched.Group}, watched.Names, read})
		}
	}
	if o.LeaderElection {
		rules = append(rules,
			Rule{
				[]string{"coordination.k8s.io"},
				[]string{"leases"},
				[]string{"get", "list", "watch", "create", "update", "patch", "delete"},
			},
			Rule{[]string{""}, []string{"events"}, []string{"create", "patch"}})
	}
	return rules
}
