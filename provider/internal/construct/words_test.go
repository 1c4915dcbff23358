package construct

import (
	"errors"
	"testing"

	inputerrors "github.com/pulumi/pulumi/sdk/v3/go/pulumi/errors"
	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/config"
)

func TestCommandsBecomeEdits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"switch it off: pulumi config set --path gateway.enabled false":                         "switch it off: set gateway.enabled to false",
		"another (pulumi config set namespace NAME), or":                                        "another (set namespace to NAME), or",
		"pulumi config set --path --type string -- 'decode.args[0]' -v":                         "set decode.args[0] to -v",
		"pulumi config set --path 'a' 'two words' && pulumi config rm --path 'limits[\"x/y\"]'": "set a to two words && remove limits[\"x/y\"]",
		"pulumi config rm kubernetes:timeout":                                                   "pulumi config rm kubernetes:timeout",
		"kubectl get pods":                                                                      "kubectl get pods",
	} {
		require.Equal(t, want, edits(text))
	}
}

func TestProblemsAreThoseOfInputs(t *testing.T) {
	t.Parallel()
	_, err := config.LoadInputs(map[string]any{"decode": map[string]any{"replicas": "many"}}, nil, nil)
	var explainedErr *inputerrors.InputPropertiesError
	require.ErrorAs(t, explained(err), &explainedErr)
	require.Equal(t, []inputerrors.InputPropertyErrorDetails{{
		PropertyPath: "decode.replicas", Reason: "must be a whole number; to mend it, set decode.replicas to 2",
	}}, explainedErr.Errors)

	require.EqualError(t, explained(errors.New("no: pulumi config set namespace NAME")), "no: set namespace to NAME")
}
