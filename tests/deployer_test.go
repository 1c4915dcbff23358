package tests

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/config"
	"github.com/llm-d-sim/llm-d-sim/internal/recorder"
	"github.com/llm-d-sim/llm-d-sim/stacks"
	"github.com/llm-d-sim/llm-d-sim/stacks/cluster"
)

// deployWithin deploys stacks within a program of its own under mocks.
func deployWithin(
	t *testing.T, live *fakeCluster, isPreview bool, requests map[string]stacks.Request,
) (*recorder.Recorder, error) {
	t.Helper()
	r := recorder.New()
	r.Preview = isPreview
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		for name, request := range requests {
			if _, _, err := (stacks.Deployer{Connect: live.connect}).Deploy(ctx, name, request); err != nil {
				return err
			}
		}
		return nil
	}, pulumi.WithMocks("my-app", "dev", r), func(info *pulumi.RunInfo) {
		info.Organization, info.DryRun = "organization", isPreview
	})
	require.Empty(t, r.Errors())
	return r, err
}

func loaded(t *testing.T, inputs map[string]any) *config.Loaded {
	t.Helper()
	l, err := config.LoadInputs(inputs, nil, nil)
	require.NoError(t, err)
	return l
}

// provided is a value of another resource.
func provided(value string) pulumi.StringInput { return pulumi.String(value).ToStringOutput() }

func unknown() pulumi.StringInput {
	return pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) string { return "" }).(pulumi.StringOutput)
}

func TestTwoStacksOfOneProgramHaveTheirOwnOwnersAndProviders(t *testing.T) {
	t.Parallel()
	r, err := deployWithin(t, bareCluster(), false, map[string]stacks.Request{
		"one": {Loaded: loaded(t, map[string]any{"namespace": "one"})},
		"two": {Loaded: loaded(t, map[string]any{"namespace": "two"})},
	})
	require.NoError(t, err)
	for _, reg := range r.Registrations() {
		if reg.Type == "llm-d-sim:index:Stack" {
			continue
		}
		require.NotEmpty(t, reg.Parent, reg.Name)
		stack, _, _ := strings.Cut(reg.Name, "-")
		require.Contains(t, []string{"one", "two"}, stack, "the stack's name is in front of all")
		if strings.HasPrefix(reg.Type, "kubernetes:") {
			require.Equal(t, "pulumi:providers:kubernetes::"+stack+"-kubernetes", reg.Provider)
			annotations := reg.Inputs["metadata"].(map[string]any)["annotations"].(map[string]any)
			require.Equal(t, recorder.UUID, annotations[llmd.OwnerAnnotation])
		}
	}
}

func TestProvidedImagesAreOfTheConfiguredRelease(t *testing.T) {
	t.Parallel()
	const old = "ghcr.io/llm-d/llm-d-inference-scheduler:v0.4.0"
	configured := map[string]any{"epp": map[string]any{"enabled": true, "image": old}, "decode": map[string]any{"enabled": true}}
	container := func(images stacks.Images) map[string]any {
		r, err := deployWithin(t, bareCluster(), false, map[string]stacks.Request{
			"sim": {Loaded: loaded(t, configured), Provided: stacks.StackArgs{Images: images}},
		})
		require.NoError(t, err)
		d, found := r.Find("kubernetes:apps/v1:Deployment", llmd.EPPName)
		require.True(t, found)
		pod := d.Inputs["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
		return pod["containers"].([]any)[0].(map[string]any)
	}
	was := container(stacks.Images{})
	for _, image := range []pulumi.StringInput{provided("mine@sha256:0"), pulumi.String("mine:v0.10.0")} {
		is := container(stacks.Images{EPP: image})
		require.NotEqual(t, was["image"], is["image"])
		require.Equal(t, was["args"], is["args"], "the arguments of another release differ")
	}
}

func TestProvidedNamespaceNeedNotExistInAPreview(t *testing.T) {
	t.Parallel()
	request := map[string]stacks.Request{"sim": {
		Loaded: loaded(t, nil), Provided: stacks.StackArgs{Namespace: provided("theirs")},
	}}
	r, err := deployWithin(t, bareCluster(), true, request)
	require.NoError(t, err)
	_, found := r.Find("kubernetes:core/v1:Namespace", "theirs")
	require.False(t, found, "the other resource creates it")

	_, err = deployWithin(t, bareCluster(), false, request)
	require.ErrorContains(t, err, "namespace theirs does not exist")

	live := bareCluster()
	live.namespaces = map[string]metav1.PartialObjectMetadata{"theirs": {ObjectMeta: metav1.ObjectMeta{Name: "theirs"}}}
	r, err = deployWithin(t, live, false, request)
	require.NoError(t, err)
	service, found := r.Find("kubernetes:core/v1:Service", llmd.ProxyServiceName)
	require.True(t, found)
	require.Equal(t, "theirs", service.Inputs["metadata"].(map[string]any)["namespace"])
}

func TestUnknownNamespaceIsNotChecked(t *testing.T) {
	t.Parallel()
	live := bareCluster()
	live.version = "v1.0.0" // Too old, if it were asked.
	_, err := deployWithin(t, live, true, map[string]stacks.Request{
		"sim": {Loaded: loaded(t, nil), Provided: stacks.StackArgs{Namespace: unknown()}},
	})
	require.NoError(t, err)
}

func TestProvidedKubeconfigIsUsedAndStaysSecret(t *testing.T) {
	t.Parallel()
	live := bareCluster()
	r, err := deployWithin(t, live, false, map[string]stacks.Request{
		"sim": {Loaded: loaded(t, nil), Kubeconfig: provided("content")},
	})
	require.NoError(t, err)
	require.Equal(t, cluster.Target{Kubeconfig: "content"}, live.target)
	provider, found := r.Find("pulumi:providers:kubernetes", "sim-kubernetes")
	require.True(t, found)
	require.Equal(t, "content", provider.Inputs["kubeconfig"])
	require.True(t, provider.IsSecret("kubeconfig"))
}
