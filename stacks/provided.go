package stacks

import (
	"context"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
)

// knowledge is what is known of a Request. In a preview, other resources may not have their
// outputs yet.
type knowledge struct {
	// args hold plain values. The Spec has the namespace that is provided.
	args       StackArgs
	kubeconfig string
	// missing is what has to be known to look at the cluster.
	missing string
}

// known waits for what is provided.
func (r Request) known(ctx context.Context) (knowledge, error) {
	spec := *r.Loaded.Spec
	k := knowledge{args: r.Provided}
	k.args.Spec = &spec
	for _, image := range k.args.Images.all() {
		value, err := await[string](ctx, *image)
		if err != nil {
			return k, err
		}
		*image = nil
		if value != nil {
			*image = pulumi.String(*value)
		}
	}
	secrets, err := await[[]string](ctx, k.args.ImagePullSecrets)
	if err != nil {
		return k, err
	}
	k.args.ImagePullSecrets = nil
	if secrets != nil {
		k.args.ImagePullSecrets = pulumi.ToStringArray(*secrets)
	}
	if k.args.Namespace != nil {
		namespace, err := await[string](ctx, k.args.Namespace)
		if err != nil {
			return k, err
		}
		if k.args.Namespace = nil; namespace == nil {
			k.missing = "the namespace"
		} else {
			spec.Namespace = *namespace
		}
		spec.CreateNamespace = false
	}
	if r.Kubeconfig != nil {
		kubeconfig, err := await[string](ctx, r.Kubeconfig)
		if err != nil {
			return k, err
		}
		if kubeconfig == nil {
			k.missing = "the kubeconfig"
		} else {
			k.kubeconfig = *kubeconfig
		}
	}
	return k, nil
}

// await returns the value of an input, nil if it is not set or not known.
func await[T any](ctx context.Context, input pulumi.Input) (*T, error) {
	if input == nil {
		return nil, nil
	}
	result, err := internals.UnsafeAwaitOutput(ctx, pulumi.ToOutput(input))
	if err != nil || !result.Known {
		return nil, err
	}
	value, _ := result.Value.(T)
	return &value, nil
}
