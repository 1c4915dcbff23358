package stacks

import (
	"reflect"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/stacks/preflight"
)

// stamp annotates every Kubernetes object with the Pulumi stack that it belongs to, which
// distinguishes it from other people's.
func stamp(owner string) pulumi.ResourceTransformation {
	return func(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
		return annotated(args, llmd.StackAnnotation, owner)
	}
}

// reapply annotates objects that somebody has edited with who did, so that the provider
// applies them again: it would not see what was added.
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
		return annotated(args, llmd.EditedByAnnotation, by)
	}
}

func annotated(args *pulumi.ResourceTransformationArgs, key, value string) *pulumi.ResourceTransformationResult {
	metadata := metadataOf(args)
	if metadata == nil {
		return nil
	}
	metadata.Annotations.(pulumi.StringMap)[key] = pulumi.String(value)
	return &pulumi.ResourceTransformationResult{Props: args.Props, Opts: args.Opts}
}

// metadataOf returns the metadata of a Kubernetes object, nil for any other resource.
// Package components makes fresh ones for each object, annotations included.
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
