package config

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/internal/stackfile"
)

// TestInputsMeanTheSameAsTheConfiguration loads every example both ways.
func TestInputsMeanTheSameAsTheConfiguration(t *testing.T) {
	t.Parallel()
	for _, name := range stackfile.Names {
		values, err := stackfile.Values("..", name)
		require.NoError(t, err)
		configured, err := Load(Namespace, values, nil)
		require.NoError(t, err)
		inputs := map[string]any{}
		for full, raw := range values {
			key := strings.TrimPrefix(full, Namespace+":")
			field, found := fields(reflect.ValueOf(&Spec{}).Elem())[key]
			require.True(t, found, full)
			inputs[key] = treeOf(field.Type(), raw)
		}
		given, err := LoadInputs(inputs, nil, nil)
		require.NoError(t, err)
		require.Equal(t, configured.Spec, given.Spec, name)
	}
}

func TestBadInputsAreToldWithTheirPaths(t *testing.T) {
	t.Parallel()
	_, err := LoadInputs(map[string]any{
		"decode": map[string]any{"enabled": true, "replcas": json.Number("4")},
		"epp":    map[string]any{"enabled": true, "port": json.Number("0")},
		"prefil": map[string]any{"enabled": true},
		"image":  json.Number("1"),
	}, nil, nil)
	var refused *Error
	require.ErrorAs(t, err, &refused)
	details := map[string]string{}
	for _, p := range refused.Problems {
		details[p.Path] = p.Detail
	}
	require.Equal(t, map[string]string{
		"decode.replcas": "is not a known key, did you mean decode.replicas?",
		"epp.port":       "must be within 1 to 65535",
		"prefil":         "is not a known key, did you mean prefill?",
		"image":          "must be a string",
	}, details)
}

func TestInputsWithoutEffectAreWarnings(t *testing.T) {
	t.Parallel()
	l, err := LoadInputs(map[string]any{"decode": map[string]any{"replicas": json.Number("4")}}, nil, nil)
	require.NoError(t, err)
	require.Len(t, l.Warnings, 1)
	require.Equal(t, "decode.replicas", l.Warnings[0].Path)
}

func TestInputsComeWithTheSettingsOfTheProvider(t *testing.T) {
	t.Parallel()
	l, err := LoadInputs(nil, map[string]string{"kubernetes:context": "there"}, nil)
	require.NoError(t, err)
	require.Equal(t, "there", l.Provider.Context)
	_, err = LoadInputs(nil, map[string]string{"kubernetes:deleteUnreachable": "perhaps"}, nil)
	require.ErrorContains(t, err, "kubernetes:deleteUnreachable")
	require.Contains(t, ProviderKeys(), "kubernetes:kubeconfig")
}

func TestEnumsAreTheValuesThatAreAccepted(t *testing.T) {
	t.Parallel()
	for _, algorithm := range Enum(reflect.TypeFor[Algorithm]()) {
		_, err := LoadInputs(map[string]any{"loadBalancing": map[string]any{"algorithm": algorithm}}, nil, nil)
		require.NoError(t, err)
	}
	require.Nil(t, Enum(reflect.TypeFor[string]()))
}
