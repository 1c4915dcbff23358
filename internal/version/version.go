// Package version holds the version number of this repository. There is one, in the file
// VERSION, so that the program, the lab and the Makefile can read the same.
package version

import (
	_ "embed"
	"strings"
)

//go:embed VERSION
var file string

// String returns the semantic version, without a leading v. Between releases it is that
// of the next release with the suffix -dev.
func String() string { return strings.TrimSpace(file) }
