package stacks

import (
	"reflect"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/stacks/preflight"
)

// owner identifies the state of a Pulumi stack by a UUID that is made once and kept in
// it: whatever the stack is called or wherever its state moves, it is the same, and no
// other state has it.
type owner struct {
	random *random.Provider
	uuid   pulumi.StringOutput
}

func (r *run) newOwner() (*owner, error) {
	name, opts, err := r.around("random")
	if err != nil {
		return nil, err
	}
	provider, err := random.NewProvider(r.ctx, name, nil, opts)
	if err != nil {
		return nil, err
	}
	if name, opts, err = r.around("owner"); err != nil {
		return nil, err
	}
	uuid, err := random.NewRandomUuid(r.ctx, name, nil, opts, pulumi.Provider(provider))
	if err != nil {
		return nil, err
	}
	return &owner{random: provider, uuid: uuid.Result}, nil
}

// id waits for the UUID. It is empty in a preview before the first update, which knows none.
func (o *owner) id(ctx *pulumi.Context) (string, error) {
	result, err := internals.UnsafeAwaitOutput(ctx.Context(), o.uuid)
	if err != nil || !result.Known {
		return "", err
	}
	return result.Value.(string), nil
}

// annotations mark what this state owns. A preview before the first update leaves the
// unknown UUID out: with an unknown annotation, the provider would take all of an object's
// metadata for unknown, and show a replacement of whatever depends on it.
func (o *owner) annotations(ctx *pulumi.Context, stack string) (pulumi.StringMap, error) {
	annotations := pulumi.StringMap{llmd.StackAnnotation: pulumi.String(stack), llmd.OwnerAnnotation: o.uuid}
	if ctx.DryRun() {
		id, err := o.id(ctx)
		if err != nil {
			return nil, err
		}
		if id == "" {
			delete(annotations, llmd.OwnerAnnotation)
		}
	}
	return annotations, nil
}

// stamp annotates every Kubernetes object.
func stamp(annotations pulumi.StringMap) pulumi.ResourceTransformation {
	return func(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
		return annotated(args, annotations)
	}
}

// reapply annotates objects that somebody has edited with the name of the editor, so that
// the provider applies them again: it would not see what was added.
func reapply(edits preflight.Edits) pulumi.ResourceTransformation {
	return func(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
		metadata := metadataOf(args)
		if metadata == nil {
			return nil
		}
		name, _ := metadata.Name.(pulumi.String)
		by := edits[preflight.Edited{Type: args.Type, Name: string(name)}]
		if by == "" {
			return nil
		}
		return annotated(args, pulumi.StringMap{llmd.EditedByAnnotation: pulumi.String(by)})
	}
}

func annotated(args *pulumi.ResourceTransformationArgs, annotations pulumi.StringMap) *pulumi.ResourceTransformationResult {
	metadata := metadataOf(args)
	if metadata == nil {
		return nil
	}
	for key, value := range annotations {
		metadata.Annotations.(pulumi.StringMap)[key] = value
	}
	return &pulumi.ResourceTransformationResult{Props: args.Props, Opts: args.Opts}
}

// metadataOf returns the metadata of a Kubernetes object, nil for any other resource.
// Package components creates new metadata for each object, including annotations.
func metadataOf(args *pulumi.ResourceTransformationArgs) *metav1.ObjectMetaArgs {
	if custom, is := args.Props.(kubernetes.UntypedArgs); is {
		metadata, _ := custom["metadata"].(*metav1.ObjectMetaArgs)
		return metadata
	}
	v := reflect.Indirect(reflect.ValueOf(args.Props))
	if v.Kind() != reflect.Struct || !v.FieldByName("Metadata").IsValid() {
		return nil
	}
	metadata, _ := v.FieldByName("Metadata").Interface().(*metav1.ObjectMetaArgs)
	return metadata
}
