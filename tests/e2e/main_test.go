// Package e2e tests the program with the real pulumi engine and providers on a real
// Kubernetes API, whose nodes fake their pods. `make test` runs it; it starts a
// cluster of its own and removes it.
package e2e

import (
	"os"
	"testing"

	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

var lab *labtest.Lab

func TestMain(m *testing.M) {
	code := labtest.Run(m, func() (_ *labtest.Lab, err error) {
		lab, err = labtest.Start("../..", "e2e", 2, "CRDS=none", "NODE=kwok")
		return lab, err
	})
	if len(faults) > 0 {
		printFaults()
	}
	os.Exit(code)
}
