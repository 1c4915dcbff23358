package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the schemas")

// TestSchemasMatchTheCode keeps what editors show in step with the types and their comments.
func TestSchemasMatchTheCode(t *testing.T) { //nolint:paralleltest // Before those that read what it writes.
	for file, generate := range map[string]func() (*jsonschema.Schema, error){
		StackFile: Stack, ComparisonFile: Comparison,
	} {
		generated, err := generate()
		require.NoError(t, err)
		raw, err := json.MarshalIndent(generated, "", "  ")
		require.NoError(t, err)
		raw = append(raw, '\n')
		committed := filepath.Join(root, file)
		if *update {
			require.NoError(t, os.WriteFile(committed, raw, 0o600))
		}
		was, err := os.ReadFile(committed)
		require.NoError(t, err)
		require.Equal(t, string(was), string(raw), "run cd compare && go test ./schema -update")
		for _, line := range strings.Split(string(raw), "\n") {
			require.NotContains(t, line, "llmd.", "a description has to stand for itself")
		}
	}
}

// compiled returns a committed schema.
func compiled(t *testing.T, file string) *validator.Schema {
	t.Helper()
	s, err := validator.NewCompiler().Compile(filepath.Join(root, file))
	require.NoError(t, err)
	return s
}

// document reads YAML as an editor does, with some text replaced.
func document(t *testing.T, path string, replace ...string) any {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := 0; i < len(replace); i += 2 {
		require.Contains(t, string(raw), replace[i])
	}
	raw, err = yaml.YAMLToJSON([]byte(strings.NewReplacer(replace...).Replace(string(raw))))
	require.NoError(t, err)
	v, err := validator.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err)
	return v
}

// files of the repository that name their schema.
func files(t *testing.T, patterns ...string) []string {
	t.Helper()
	var all []string
	for _, p := range patterns {
		matches, err := filepath.Glob(filepath.Join(root, p))
		require.NoError(t, err)
		require.NotEmpty(t, matches, p)
		all = append(all, matches...)
	}
	return all
}

// TestExamplesFollowTheirSchemas finds keys that the schemas lack.
func TestExamplesFollowTheirSchemas(t *testing.T) {
	t.Parallel()
	for schema, list := range map[string][]string{
		StackFile:      files(t, "Pulumi.*.yaml", "examples/Pulumi.*.yaml"),
		ComparisonFile: files(t, "examples/compare/*.yaml"),
	} {
		for _, file := range list {
			require.NoError(t, compiled(t, schema).Validate(document(t, file)), file)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			reference, err := filepath.Rel(filepath.Dir(file), filepath.Join(root, schema))
			require.NoError(t, err)
			require.Contains(t, string(text), "# yaml-language-server: $schema="+reference+"\n", file)
		}
	}
}

func TestMistakesAreMarked(t *testing.T) {
	t.Parallel()
	for _, mistake := range []struct{ schema, file, right, wrong string }{
		{StackFile, "Pulumi.dev.yaml", "llm-d-sim:prefill:", "llm-d-sim:prefil:"},
		{StackFile, "Pulumi.dev.yaml", "replicas: 1", "replicas: one"},
		{StackFile, "Pulumi.dev.yaml", "    replicas: 1", "    replica: 1"},
		{ComparisonFile, "examples/compare/epp.yaml", "prefillOverhead: 20ms", "prefillOverhead: 20"},
		{ComparisonFile, "examples/compare/epp.yaml", "  replicas: 8", "  image: {}"},
		{ComparisonFile, "examples/compare/epp.yaml", "candidates:", "candidate:"},
		{ComparisonFile, "examples/compare/epp.yaml", "prefixTokens:", "prefixToken:"},
	} {
		err := compiled(t, mistake.schema).Validate(document(t, filepath.Join(root, mistake.file), mistake.right, mistake.wrong))
		require.Error(t, err, mistake.wrong)
	}
}

// TestSchemasAllowWhatPulumiWrites has values as `pulumi config set` writes them.
func TestSchemasAllowWhatPulumiWrites(t *testing.T) {
	t.Parallel()
	require.NoError(t, compiled(t, StackFile).Validate(map[string]any{
		"encryptionsalt": "v1:x",
		"config": map[string]any{
			"kubernetes:context": "kind-kind", "llm-d-sim:replicas": "3", "llm-d-sim:createNamespace": "false", "llm-d-sim:epp": `{"enabled":true}`,
		},
	}))
}
