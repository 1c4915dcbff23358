// Package stacks turns a configuration into a whole llm-d simulator stack: Stack is the
// component resource for programs in Go; a Deployer checks configuration and cluster before it
// registers a Stack, and then reads its status back; Deploy, the program of this repository,
// is a Deployer with the stack configuration.
package stacks

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/config"
)

// stackName is the logical name of the program's Stack. It is constant, whatever the Pulumi
// stack is called: another name would be another resource.
const stackName = "llm-d-sim"

// Deploy is the Pulumi program: it reads the stack configuration and the cluster,
// and registers the stack with its outputs.
func Deploy(ctx *pulumi.Context) error {
	program := Program{Deployer: NewDeployer()}
	// The SDK returns only single values; finding unknown keys takes all of them.
	for name, dst := range map[string]any{
		pulumi.EnvConfig:           &program.Values,
		pulumi.EnvConfigSecretKeys: &program.SecretKeys,
	} {
		if raw := os.Getenv(name); raw != "" {
			if err := json.Unmarshal([]byte(raw), dst); err != nil {
				return fmt.Errorf("reading %s: %w", name, err)
			}
		}
	}
	return program.Run(ctx)
}

// Program is Deploy with its surroundings as parameters.
type Program struct {
	Deployer

	// Values are all configuration values by full key; SecretKeys are those that are secret.
	Values     map[string]string
	SecretKeys []string
}

// Run deploys the configuration, and exports the outputs. It returns a *RefusedError if a check
// fails.
func (p *Program) Run(ctx *pulumi.Context) error {
	loaded, err := config.Load(ctx.Project(), p.Values, p.SecretKeys)
	if err != nil {
		return &RefusedError{err}
	}
	_, outputs, err := p.deploy(ctx, stackName, Request{Loaded: loaded}, true)
	if err != nil {
		return err
	}
	for name, value := range outputs.Map() {
		ctx.Export(name, value)
	}
	return nil
}
