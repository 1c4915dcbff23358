// Package fuzz is one of its own, since the fuzzer compiles whatever its package imports once more.
package fuzz

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/config"
)

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		`{"enabled":true,"replicas":3}`, `{"resources":{"requests":{"cpu":"1"}}}`, `[1]`, `null`, `"x"`, `{"args":["--port=1"]}`,
	} {
		f.Add("decode", seed)
		f.Add("epp", seed)
		f.Add("simulator", seed)
	}
	f.Fuzz(func(t *testing.T, key, raw string) {
		loaded, err := config.Load(config.Namespace, map[string]string{config.Namespace + ":" + key: raw}, nil)
		if err == nil {
			require.NoError(t, loaded.Spec.Validate())
			return
		}
		var all *config.Error
		require.ErrorAs(t, err, &all)
		for _, p := range all.Problems {
			require.True(t, strings.HasPrefix(p.Fix, "pulumi config "), p)
		}
	})
}
