package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProviderSettingsAreTyped(t *testing.T) {
	t.Parallel()
	loaded, err := Load(Namespace, map[string]string{
		"kubernetes:kubeconfig":                  "apiVersion: v1\nkind: Config\n",
		"kubernetes:context":                     "a",
		"kubernetes:cluster":                     "second",
		"kubernetes:deleteUnreachable":           "true",
		"kubernetes:skipUpdateUnreachable":       "false",
		"kubernetes:suppressDeprecationWarnings": "null",
		"kubernetes:kubeClientSettings":          `{"burst":10,"qps":2.5}`,
		"kubernetes:enableServerSideApply":       "true",
		"kubernetes:enableConfigMapMutable":      "null",
	}, []string{"kubernetes:kubeconfig"})
	require.NoError(t, err)
	yes, no, burst, qps := true, false, int32(10), 2.5
	require.Equal(t, Provider{
		Kubeconfig: "apiVersion: v1\nkind: Config\n", Context: "a", Cluster: "second",
		DeleteUnreachable: &yes, SkipUpdateUnreachable: &no,
		ClientSettings: ClientSettings{Burst: &burst, QPS: &qps},
	}, loaded.Provider)
	require.Empty(t, loaded.Warnings)
}

func TestBadProviderSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ key, value, message, fix string }{
		{"foo", "1", "is not a known key: the keys here are", "pulumi config rm kubernetes:foo"},
		{"contxt", "a b", "did you mean kubernetes:context?", "pulumi config set kubernetes:context 'a b' && pulumi config rm kubernetes:contxt"},
		{"nmespace", "x", "did you mean kubernetes:namespace?", "pulumi config rm kubernetes:nmespace"},
		{"namespace", "x", "the key namespace", "pulumi config set namespace x && pulumi config rm kubernetes:namespace"},
		{"enableServerSideApply", "false", "must be true", "pulumi config set kubernetes:enableServerSideApply true"},
		{"renderYamlToDirectory", "x", "cannot be used", "pulumi config rm kubernetes:renderYamlToDirectory"},
		{"clusterIdentifier", "x", "kube-system", "pulumi config rm kubernetes:clusterIdentifier"},
		{"deleteUnreachable", "yes", "must be true or false", "pulumi config rm kubernetes:deleteUnreachable"},
		{"kubeClientSettings", `{"timeout":"1s"}`, "must be a whole number", "pulumi config rm --path kubernetes:kubeClientSettings.timeout"},
	} {
		_, err := Load(Namespace, map[string]string{"kubernetes:" + test.key: test.value}, nil)
		all := new(Error)
		require.ErrorAs(t, err, &all, test.key)
		require.Len(t, all.Problems, 1, test.key)
		require.Contains(t, all.Problems[0].Detail, test.message, test.key)
		require.Equal(t, test.fix, all.Problems[0].Fix, test.key)
	}
}

func TestKubeconfigsAreNotShown(t *testing.T) {
	t.Parallel()
	for _, values := range []map[string]string{
		{"kubernetes:kubeconfg": "users:\n- token: hush"},
		{"kubernetes:kubeconfg": `{"users":[{"token":"hush"}]}`},
		{"kubernets:kubeconfig": "hush"},
	} {
		_, err := Load(Namespace, values, nil)
		require.ErrorContains(t, err, notShown)
		require.NotContains(t, err.Error(), "hush")
	}
	_, err := Load(Namespace, map[string]string{"kubernetes:contxt": "hush"}, []string{"kubernetes:contxt"})
	require.ErrorContains(t, err, "did you mean kubernetes:context?")
	require.NotContains(t, err.Error(), "hush")
}
