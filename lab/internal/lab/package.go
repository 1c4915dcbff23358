package lab

import (
	"context"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/program"
	"github.com/llm-d-sim/llm-d-sim/lab/internal/tool"
)

// InstallPackage builds the Pulumi package llm-d-sim and the language host for YAML, and puts
// both to where the lab's pulumi finds them.
func (l *Lab) InstallPackage(ctx context.Context) error {
	if err := l.Running(ctx); err != nil {
		return err
	}
	host, err := l.languageHost(ctx)
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
	return l.home().AddPackage(program.PackageName, "v"+version, plugin, host)
}

// languageHost builds the language host for YAML, unless the cache has it.
func (l *Lab) languageHost(ctx context.Context) (string, error) {
	host := tool.LanguageYAML()
	built, err := l.builder().Ensure(ctx, []tool.Tool{host})
	return built[host.Name], err
}
