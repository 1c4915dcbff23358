package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOtherNamespacesAreIgnored(t *testing.T) {
	t.Parallel()
	loaded, err := Load(Namespace, map[string]string{
		"pulumi:disable-default-providers": `["*"]`, "aws:region": "x", "random:foo": "y", "policy:replcas": "1",
	}, []string{"random:foo"})
	require.NoError(t, err)
	require.Empty(t, loaded.Warnings)
}

func TestMistypedNamespacesAreRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		project     string
		values      map[string]string
		detail, fix string
	}{
		"typo":         {Namespace, map[string]string{"llm-d-sin:replicas": "4"}, "did you mean the namespace llm-d-sim?", "pulumi config set replicas 4 && pulumi config rm llm-d-sin:replicas"},
		"case":         {Namespace, map[string]string{"llm-d-Sim:zzz": "4"}, "did you mean the namespace llm-d-sim?", "pulumi config rm llm-d-Sim:zzz"},
		"old project":  {"my-sim", map[string]string{"your-sim:replicas": "4"}, "did you mean the namespace my-sim?", "pulumi config set replicas 4 && pulumi config rm your-sim:replicas"},
		"set already":  {"my-sim", map[string]string{"your-sim:replicas": "4", "llm-d-sim:replicas": "3"}, "did you mean the namespace my-sim?", "pulumi config rm your-sim:replicas"},
		"wrong type":   {Namespace, map[string]string{"llm-d-sin:replicas": "four"}, "did you mean the namespace llm-d-sim?", "pulumi config rm llm-d-sin:replicas"},
		"the provider": {Namespace, map[string]string{"kubernets:context": "x"}, "did you mean the namespace kubernetes?", "pulumi config rm kubernets:context"},
	} {
		_, err := Load(test.project, test.values, nil)
		all := new(Error)
		require.ErrorAs(t, err, &all, name)
		require.Len(t, all.Problems, 1, name)
		require.Contains(t, all.Problems[0].Detail, test.detail, name)
		require.Equal(t, test.fix, all.Problems[0].Fix, name)
	}
}

func TestRenamedProjectsReadTheirOwnKeys(t *testing.T) {
	t.Parallel()
	loaded, err := Load("my-sim", map[string]string{"my-sim:replicas": "4", "llm-d-sim:namespace": "a"}, nil)
	require.NoError(t, err)
	require.EqualValues(t, 4, loaded.Spec.Replicas)
	require.Equal(t, "a", loaded.Spec.Namespace)

	_, err = Load("my-sim", map[string]string{"my-sim:replicas": "4", "llm-d-sim:replicas": "3"}, nil)
	require.ErrorContains(t, err, "is also set as my-sim:replicas")
	require.ErrorContains(t, err, "fix: pulumi config rm llm-d-sim:replicas")

	_, err = Load("my-sim", map[string]string{"my-sim:replicas": "0", "llm-d-sim:decode": `{"port":0}`}, nil)
	require.ErrorContains(t, err, "fix: pulumi config set replicas 2")
	require.ErrorContains(t, err, "fix: pulumi config set --path llm-d-sim:decode.port 8200")

	_, err = Load("a", map[string]string{"a:decode.port": "1", "llm-d-sim:decode": `{"replicas":1}`}, nil)
	require.ErrorContains(t, err, "fix: pulumi config set --path llm-d-sim:decode.port 1 && pulumi config rm decode.port")
}

func TestSecretsOfMistypedNamespacesAreNotShown(t *testing.T) {
	t.Parallel()
	_, err := Load(Namespace, map[string]string{"llm-d-sin:name": "hush"}, []string{"llm-d-sin:name"})
	require.ErrorContains(t, err, "llm-d-sin:name")
	require.NotContains(t, err.Error(), "hush")
}
