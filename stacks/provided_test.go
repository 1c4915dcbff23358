package stacks

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/config"
)

func TestOnlyWhatIsKnownIsPlanned(t *testing.T) {
	t.Parallel()
	unknown := pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) string { return "" }).(pulumi.StringOutput)
	spec := config.Default()
	known, err := Request{
		Loaded: &config.Loaded{Spec: &spec}, Kubeconfig: unknown,
		Provided: StackArgs{
			Namespace:        pulumi.String("theirs").ToStringOutput(),
			Images:           Images{EPP: unknown, Simulator: pulumi.String("mine").ToStringOutput()},
			ImagePullSecrets: pulumi.ToStringArray([]string{"secret"}).ToStringArrayOutput(),
		},
	}.known(t.Context())
	require.NoError(t, err)
	require.Equal(t, "the kubeconfig", known.missing)
	require.Equal(t, "theirs", known.args.Spec.Namespace)
	require.False(t, known.args.Spec.CreateNamespace)
	require.Nil(t, known.args.Namespace)
	require.Nil(t, known.args.Images.EPP)
	require.Equal(t, pulumi.String("mine"), known.args.Images.Simulator)
	require.Equal(t, pulumi.ToStringArray([]string{"secret"}), known.args.ImagePullSecrets)
	require.Equal(t, config.Default(), spec, "the request itself is unchanged")
}
