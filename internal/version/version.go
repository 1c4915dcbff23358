// Package version holds the version number of this repository. It comes from the file
// VERSION, which the lab and the Makefile read as well.
package version

import (
	_ "embed"
	"strings"
)

//go:embed VERSION
var file string

// String returns the semantic version, without a leading v. Between releases, it is the
// next release's version with the suffix -dev.
func String() string { return strings.TrimSpace(file) }
