package construct

import (
	"fmt"
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/errors"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"

	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/stacks"
)

// StackArgs are the inputs of a Stack that other resources may provide. All others are the
// keys of config.Spec; a comment adds to that of the key of the same name.
type StackArgs struct {
	// Another resource may provide it if createNamespace is false; the stack then waits for it.
	Namespace pulumi.StringInput `pulumi:"namespace,optional"`

	// Images are those that other resources provide, such as builds of the same program. The
	// images and versions elsewhere in the inputs still say which releases they are. Default:
	// the images elsewhere in the inputs.
	Images stacks.Images `pulumi:"images,optional"`

	// Other resources may provide them.
	ImagePullSecrets pulumi.StringArrayInput `pulumi:"imagePullSecrets,optional"`

	// Kubeconfig is the path of a kubeconfig or its content, which stays secret. Another resource
	// may provide it, such as the cluster. Default: what the settings of the Kubernetes provider
	// say (kubernetes:kubeconfig, kubernetes:context), else $KUBECONFIG or ~/.kube/config.
	Kubeconfig pulumi.StringInput `pulumi:"kubeconfig,optional"`
}

var imagesType = reflect.TypeFor[stacks.Images]()

func stack(
	ctx *pulumi.Context, name string, inputs provider.ConstructInputs, options pulumi.ResourceOption,
) (*provider.ConstructResult, error) {
	values, err := plainValues(ctx, inputs, reflect.TypeFor[StackArgs]())
	if err != nil {
		return nil, err
	}
	args := &StackArgs{}
	if err := inputs.CopyTo(args); err != nil {
		return nil, err
	}
	if err := checkOptions(options); err != nil {
		return nil, err
	}
	request := stacks.Request{
		Provided: stacks.StackArgs{Images: args.Images}, Kubeconfig: args.Kubeconfig,
		Options: []pulumi.ResourceOption{options},
	}
	if err := args.divide(ctx, values, &request.Provided); err != nil {
		return nil, err
	}
	settings, secretKeys := providerSettings(ctx)
	if request.Loaded, err = config.LoadInputs(values, settings, secretKeys); err != nil {
		return nil, explained(err)
	}
	s, outputs, err := stacks.NewDeployer().Deploy(ctx, name, request)
	if err != nil {
		return nil, explained(err)
	}
	return &provider.ConstructResult{URN: s.URN(), State: outputs.Map()}, nil
}

// checkOptions refuses a provider: the checks need the cluster itself.
func checkOptions(options pulumi.ResourceOption) error {
	given, err := pulumi.NewResourceOptions(options)
	if err != nil {
		return err
	}
	for _, p := range given.Providers {
		return fmt.Errorf("a Stack makes its own providers, but was given %s: name the cluster by the input kubeconfig instead", p.PulumiResourceName())
	}
	return nil
}

// divide puts the values that are known from the start into the configuration, and leaves
// those of other resources to the stack.
func (a *StackArgs) divide(ctx *pulumi.Context, values map[string]any, provided *stacks.StackArgs) error {
	namespace, foreign, err := own(ctx, a.Namespace)
	if err != nil {
		return err
	}
	switch {
	case foreign && values["createNamespace"] != false:
		return errors.NewInputPropertiesError(nothingChanged, errors.InputPropertyErrorDetails{
			PropertyPath: "namespace",
			Reason:       "comes from another resource: set createNamespace to false, or name the namespace that the stack is to create",
		})
	case foreign:
		provided.Namespace = a.Namespace
	case namespace != nil:
		values["namespace"] = namespace
	}
	secrets, foreign, err := own(ctx, a.ImagePullSecrets)
	switch {
	case err != nil:
		return err
	case foreign:
		provided.ImagePullSecrets = a.ImagePullSecrets
	case secrets != nil:
		values["imagePullSecrets"] = secrets
	}
	return nil
}

// own returns the tree of an input that the program itself knows, nil if it is not set. foreign
// reports that another resource provides it.
func own(ctx *pulumi.Context, input pulumi.Input) (value any, foreign bool, err error) {
	if input == nil {
		return nil, false, nil
	}
	result, err := internals.UnsafeAwaitOutput(ctx.Context(), pulumi.ToOutput(input))
	if err != nil || !result.Known || len(result.Dependencies) > 0 {
		return nil, err == nil, err
	}
	value, err = tree(result.Value)
	return value, false, err
}

// providerSettings returns the settings of the Kubernetes provider in the configuration of the
// program's stack.
func providerSettings(ctx *pulumi.Context) (values map[string]string, secretKeys []string) {
	values = map[string]string{}
	for _, key := range config.ProviderKeys() {
		if value, is := ctx.GetConfig(key); is {
			values[key] = value
		}
		if ctx.IsConfigSecret(key) {
			secretKeys = append(secretKeys, key)
		}
	}
	return values, secretKeys
}
