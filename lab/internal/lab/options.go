package lab

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/crd"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/image"
)

// Options describe a lab. Defaults returns valid ones; the zero value is not.
type Options struct {
	// Repository is the clone of llm-d-sim.
	Repository string
	// Name is unique among the labs of a user: a DNS label.
	Name string
	// Node is NodeAuto, NodeReal or NodeKWOK.
	Node string
	// CRDs lists the custom resource definitions to install: all, none, or some of
	// inference, gateway, istio and monitoring, separated by commas.
	CRDs string
	// LLMD is the release of llm-d whose EPP and routing sidecar stacks get, one of
	// image.LLMDReleases. Default: the newest that works with CRDs.
	LLMD string
	// Istio and KEDA install these, Policies enforces NetworkPolicies, and Monitoring runs a
	// Prometheus. All need a real node.
	Istio, KEDA, Policies, Monitoring bool
	// Package also builds the language hosts that programs with the Pulumi package need.
	Package bool
}

// The kinds of nodes.
const (
	// NodeAuto is the node of the existing lab, otherwise a real one where that works.
	NodeAuto = "auto"
	// NodeReal runs pods; it needs Linux and root.
	NodeReal = "real"
	// NodeKWOK fakes pods.
	NodeKWOK = "kwok"
)

// Defaults are the options of the lab that users get without any flags.
func Defaults() Options {
	return Options{Repository: ".", Name: "dev", Node: NodeAuto, CRDs: "all"}
}

// label is the pattern of DNS labels (RFC 1123): a name becomes a folder, a node and a
// control group.
var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// Validate reports every problem with the options.
func (o Options) Validate() error {
	var errs []error
	if !label.MatchString(o.Name) {
		errs = append(errs, fmt.Errorf(
			"invalid lab name %q: use a DNS label, up to 63 lower-case letters, digits and dashes", o.Name))
	}
	switch o.Node {
	case NodeAuto, NodeReal, NodeKWOK:
	default:
		errs = append(errs, fmt.Errorf("unknown node %q: known are %s, %s, %s", o.Node, NodeAuto, NodeReal, NodeKWOK))
	}
	if o.LLMD != "" && !slices.Contains(image.LLMDReleases, o.LLMD) {
		errs = append(errs, fmt.Errorf(
			"unknown release %q of llm-d: the lab has %s", o.LLMD, strings.Join(image.LLMDReleases, ", ")))
	}
	crds, err := crd.Parse(o.CRDs)
	if err == nil && o.LLMD == image.V07 && !slices.Contains(crds, crd.Inference) {
		err = fmt.Errorf("LLMD=%s needs the InferencePool, which CRDS=%s does not install: add %s, or use LLMD=%s",
			o.LLMD, o.CRDs, crd.Inference, image.V04)
	}
	return errors.Join(append(errs, err)...)
}

// crds are the names of the custom resource definitions to install.
func (o Options) crds() ([]string, error) {
	names, err := crd.Parse(o.CRDs)
	if o.Monitoring && !slices.Contains(names, crd.Monitoring) {
		names = append(names, crd.Monitoring)
	}
	return names, err
}

// llmd is the release of llm-d that stacks get.
func (o Options) llmd() string {
	crds, err := crd.Parse(o.CRDs)
	switch {
	case o.LLMD != "":
		return o.LLMD
	case err == nil && !slices.Contains(crds, crd.Inference):
		return image.V04
	}
	return image.V07
}
