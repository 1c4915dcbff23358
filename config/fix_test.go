package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/require"
)

func TestEveryFixSolvesItsProblem(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		project string
		bad     []map[string]string
	}{
		"project":         {Namespace, bad()},
		"renamed project": {"my-sim", bad()},
		"values":          {Namespace, badValues(t)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var found []Problem
			var stacks []*stack
			var fixes []string
			for _, values := range test.bad {
				full := in(values)
				for _, p := range newStack(t, test.project, full).problems() {
					found, stacks, fixes = append(found, p), append(stacks, newStack(t, test.project, full)), append(fixes, p.Fix)
				}
			}
			for i, commands := range shell(t, fixes) {
				p, s := found[i], stacks[i]
				before := s.json()
				s.run(p.Fix, commands)
				require.NotContains(t, withoutFix(s.problems()), withoutFix([]Problem{p})[0], "%s: %s", before, p)
			}
			require.Greater(t, len(fixes), 100)
		})
	}
}

// withoutFix removes the fixes, which may differ between equal problems.
func withoutFix(problems []Problem) []Problem {
	same := slices.Clone(problems)
	for i := range same {
		same[i].Fix = ""
	}
	return same
}

func TestAllFixesTogetherSolveAllProblems(t *testing.T) {
	t.Parallel()
	for _, values := range bad() {
		s := newStack(t, Namespace, in(values))
		for round := 0; ; round++ {
			problems := s.problems()
			if len(problems) == 0 {
				break
			}
			require.Less(t, round, 3, "%v: %v", values, problems)
			var fixes []string
			for _, p := range problems {
				if !slices.Contains(fixes, p.Fix) {
					fixes = append(fixes, p.Fix)
				}
			}
			for i, commands := range shell(t, fixes) {
				s.run(fixes[i], commands)
			}
		}
	}
}

func TestPathsArePulumiPropertyPaths(t *testing.T) {
	t.Parallel()
	for _, values := range append(bad(), badValues(t)...) {
		for _, p := range newStack(t, Namespace, in(values)).problems() {
			if strings.HasPrefix(p.Fix, "pulumi config rm ") && !strings.Contains(p.Fix, "--path") {
				continue // A whole key, whose name is not a path.
			}
			_, err := resource.ParsePropertyPathStrict(p.Path)
			require.NoError(t, err, p)
		}
	}
}

func TestFixesAreQuotedForShell(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ key, value, fix string }{
		"top level":     {"replicas", "0", "pulumi config set replicas 2"},
		"nested":        {"decode", `{"replicas":0}`, "pulumi config set --path decode.replicas 2"},
		"no default":    {"decode", `{"image":"Not An Image"}`, "pulumi config rm --path decode.image"},
		"dots":          {"resources", `{"limits":{"nvidia.com/gpu":"1500m"}}`, `pulumi config set --path 'resources.limits["nvidia.com/gpu"]' 2`},
		"index":         {"imagePullSecrets", `[{"name":"regcred"}]`, "pulumi config set --path 'imagePullSecrets[0]' regcred"},
		"text":          {"decode", `{"image":12345}`, "pulumi config set --path --type string decode.image 12345"},
		"leading dash":  {"prefill", `{"prot":-1}`, "pulumi config set --path prefill.port -- -1 && pulumi config rm --path prefill.prot"},
		"special":       {"simulator", `{"modell":"a&b;*'"}`, `pulumi config set --path simulator.model 'a&b;*'\''' && pulumi config rm --path simulator.modell`},
		"object":        {"decod", `{"enabled":true,"replicas":3}`, "pulumi config set --path decode.enabled true && pulumi config set --path decode.replicas 3 && pulumi config rm decod"},
		"flag's value":  {"decode", `{"args":["--seed","3"]}`, "pulumi config rm --path 'decode.args[1]' && pulumi config rm --path 'decode.args[0]'"},
		"type mismatch": {"decode", `{"replcas":"many"}`, "pulumi config rm --path decode.replcas"},
		"taken":         {"decode", `{"replcas":3,"replicas":2}`, "pulumi config rm --path decode.replcas"},
	} {
		_, err := load(map[string]string{test.key: test.value})
		all := new(Error)
		require.ErrorAs(t, err, &all, name)
		require.Equal(t, test.fix, all.Problems[0].Fix, name)
	}
}
