package bench

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// request is a kind of request that the API server counts.
type request struct{ resource, subresource, verb string }

// counts is the number of requests of each kind.
type counts map[request]int

// ours are the resources of a stack's objects. Others use them too, but not these objects:
// controllers only write their status.
var ours = []string{
	"configmaps", "deployments", "namespaces", "networkpolicies", "rolebindings", "roles", "serviceaccounts", "services",
}

var label = regexp.MustCompile(`(\w+)="([^"]*)"`)

// requests reads the counts since the API server started.
func requests(t *testing.T) counts {
	t.Helper()
	all := counts{}
	for line := range strings.Lines(lab.Kubectl(t, "get", "--raw", "/metrics")) {
		rest, is := strings.CutPrefix(line, "apiserver_request_total{")
		if !is {
			continue
		}
		labels := map[string]string{}
		for _, match := range label.FindAllStringSubmatch(rest, -1) {
			labels[match[1]] = match[2]
		}
		if !slices.Contains(ours, labels["resource"]) {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndex(rest, " ")+1:]), 64)
		require.NoError(t, err)
		all[request{labels["resource"], labels["subresource"], labels["verb"]}] += int(n)
	}
	return all
}

// since returns the requests since an earlier reading.
func (c counts) since(before counts) counts {
	difference := counts{}
	for r, n := range c {
		if n > before[r] {
			difference[r] = n - before[r]
		}
	}
	return difference
}

// writes counts the requests that change objects of a resource themselves, not their
// status.
func (c counts) writes(resource string) int {
	sum := 0
	for r, n := range c {
		if r.resource == resource && r.subresource == "" && slices.Contains([]string{"POST", "PUT", "PATCH", "APPLY", "DELETE"}, r.verb) {
			sum += n
		}
	}
	return sum
}

// total counts all requests, except for what controllers write.
func (c counts) total() int {
	sum := 0
	for r, n := range c {
		if r.subresource == "" {
			sum += n
		}
	}
	return sum
}

func (c counts) rows() []string {
	rows := make([]string, 0, len(c))
	for r := range maps.Keys(c) {
		rows = append(rows, fmt.Sprintf("%s %s\t%d", r.verb, strings.TrimSuffix(r.resource+"/"+r.subresource, "/"), c[r]))
	}
	slices.Sort(rows)
	return rows
}
