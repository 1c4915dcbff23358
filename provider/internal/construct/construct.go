// Package construct creates the resources of the package from the inputs that Pulumi passes.
package construct

import (
	"fmt"
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"

	"github.com/llm-d-sim/llm-d-sim/components"
	"github.com/llm-d-sim/llm-d-sim/config"
)

// Part is a component that a program can have without the rest of a stack.
type Part struct {
	// Args and State are the structs whose fields are the inputs and the outputs.
	Args, State reflect.Type

	construct func(*pulumi.Context, string, provider.ConstructInputs, pulumi.ResourceOption) (*provider.ConstructResult, error)
}

// Parts are all components but the Stack.
var Parts = []Part{
	part(components.NewAutoscaler),
	part(components.NewEPP),
	part(components.NewGatewayAPI),
	part(components.NewInferenceGateway),
	part(components.NewInferenceObjectives),
	part(components.NewIstioLoadBalancing),
	part(components.NewModelServiceStage),
	part(components.NewMonitoring),
	part(components.NewPodDisruptionBudgets),
	part(components.NewProxyService),
}

func part[Args any, State any, Component interface {
	*State
	pulumi.ComponentResource
}](register func(*pulumi.Context, string, *Args, ...pulumi.ResourceOption) (Component, error)) Part {
	return Part{
		Args: reflect.TypeFor[Args](), State: reflect.TypeFor[State](),
		construct: func(
			ctx *pulumi.Context, name string, inputs provider.ConstructInputs, options pulumi.ResourceOption,
		) (*provider.ConstructResult, error) {
			if _, err := plainValues(ctx, inputs, reflect.TypeFor[Args]()); err != nil {
				return nil, err
			}
			args := new(Args)
			if err := inputs.CopyTo(args); err != nil {
				return nil, err
			}
			component, err := register(ctx, name, args, options)
			if err != nil {
				return nil, err
			}
			return provider.NewConstructResult(component)
		},
	}
}

// Token is the type of the part, as the state names it.
func (p Part) Token() string { return Token(p.State.Name()) }

// Token is the type of a resource or a value of the package.
func Token(name string) string { return config.Namespace + ":index:" + name }

// Construct creates a resource.
func Construct(
	ctx *pulumi.Context, typ, name string, inputs provider.ConstructInputs, options pulumi.ResourceOption,
) (*provider.ConstructResult, error) {
	if typ == Token("Stack") {
		return stack(ctx, name, inputs, options)
	}
	for _, p := range Parts {
		if typ == p.Token() {
			return p.construct(ctx, name, inputs, options)
		}
	}
	return nil, fmt.Errorf("this version of the package has no resource %s", typ)
}
