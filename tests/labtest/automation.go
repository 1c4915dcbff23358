package labtest

import (
	"context"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/stretchr/testify/require"
)

// Automation returns the stack for Pulumi's Automation API, with the lab's own CLI.
func (s *Stack) Automation() auto.Stack {
	s.t.Helper()
	cli, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: s.lab.Dir()})
	require.NoError(s.t, err)
	variables := map[string]string{}
	for _, pair := range s.env {
		name, value, _ := strings.Cut(pair, "=")
		variables[name] = value
	}
	stack, err := auto.SelectStackLocalSource(context.Background(), s.Name, s.Dir, auto.Pulumi(cli), auto.EnvVars(variables))
	require.NoError(s.t, err)
	return stack
}
