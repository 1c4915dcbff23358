package lab

import (
	"context"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/program"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// InstallPackage builds the Pulumi package llm-d-sim and the language hosts for YAML and
// TypeScript, and puts all to where the lab's pulumi finds them.
func (l *Lab) InstallPackage(ctx context.Context) error {
	if err := l.Running(ctx); err != nil {
		return err
	}
	hosts, err := l.builder().Ensure(ctx, tool.LanguageHosts())
	if err != nil {
		return err
	}
	plugin, err := program.BuildPackage(ctx, l.Repository)
	if err != nil {
		return err
	}
	version, err := program.Version(l.Repository)
	if err != nil {
		return err
	}
	return l.home().AddPackage(program.PackageName, "v"+version, plugin, hosts)
}
