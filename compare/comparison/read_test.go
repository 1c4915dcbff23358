package comparison

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShippedComparisonsAreValid(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../examples/compare/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, image := range []string{"registry.example/epp:v0.7.1", "registry.example/epp:v0.10.0"} {
		for _, file := range files {
			c, err := Read(file, map[string]string{"epp.image": image})
			if filepath.Base(file) == "prefix-cache.yaml" && strings.HasSuffix(image, "v0.7.1") {
				require.ErrorContains(t, err, "needs an EPP from v0.9.0 on")
				continue
			}
			require.NoError(t, err, image)
			require.NotEmpty(t, c.Description, file)
			for _, candidate := range c.Candidates {
				require.Equal(t, candidate.Namespace(), candidate.Spec.Namespace)
				if candidate.Spec.EPP.Enabled {
					require.Equal(t, image, candidate.Spec.EPP.Image, "%s: %s", file, candidate.Name)
				}
			}
		}
	}
}

func TestAllProblemsAreReportedWithTheirLines(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content string
		want    []string
	}{
		"an empty file":   {"", []string{":1: candidates: must be two or more", ":1: workloads: must be one or more"}},
		"no YAML":         {"a: [", []string{"did not find expected node content"}},
		"unknown keys":    {"candidates: []\nworklods: []\nseeds: 1\n", []string{":2: field worklods not found here", ":3: field seeds not found here"}},
		"the wrong types": {"seed: one\nrepetitions: [1]\n", []string{":1: cannot unmarshal", ":2: cannot unmarshal"}},
		"types and values": {"seed: one\nrepetitions: 1\ncandidates:\n- name: errors\n- name: in\n", []string{
			":1: cannot unmarshal", ":2: repetitions: must be 2 or more", ":4: candidates[0].name: \"errors\" is the name of a figure",
			":5: candidates[1].name: \"in\" is a word of expectations",
		}},
		"bad values": {`
stack:
  replicas: 0
  inferenceGateway: {enabled: true, standard: {enabled: true}}
candidates:
- name: round robin
- name: epp
  stack:
    epp: {enabled: true, replcas: 2}
- name: EPP
  stack:
    namespace: mine
    replicas: 1
- name: bare
  stack:
    replicas: 1
    inferenceGateway: {enabled: false}
repetitions: 1
workloads:
- name: w
  sharedPrefix: {requests: 0, groups: 2, prefixTokens: [10, 0], questionTokens: 1, outputTokens: 1, hotShare: 2}
  concurrency: 2
  rate: 3
  expect:
  - hitRat(epp) > 0.5
  - hitRate(ep) > 0.5
  - hitRate(epp)
- name: w
  conversations: {count: 1, turns: 2, questionTokens: 5}
  trace: {file: none.jsonl}
`, []string{
			":3: stack.replicas: must be 1 or more (candidate epp has 0)",
			":6: candidates[0].name: \"round robin\" must be letters and digits",
			":9: candidates[1].stack.epp.replcas: is not a known key, did you mean epp.replicas?",
			":10: candidates[2].name: \"EPP\" is taken by another candidate",
			":11: candidates[2].stack: namespace cannot be set",
			":15: candidates[3].stack: candidate bare needs the standard gateway",
			":18: repetitions: must be 2 or more",
			":20: workloads[0]: needs either concurrency",
			":21: workloads[0].sharedPrefix.requests: 0 must be 1 or more",
			":21: workloads[0].sharedPrefix.prefixTokens: 0 must be 1 or more",
			":21: workloads[0].sharedPrefix.hotShare: 2 must be within 0 to 1",
			":25: workloads[0].expect[0]: \"hitRat(epp) > 0.5\": unknown name hitRat (1:1)",
			"did you mean hitRate?",
			":26: workloads[0].expect[1]: \"hitRate(ep) > 0.5\": unknown name ep (1:9)",
			":27: workloads[0].expect[2]: \"hitRate(epp)\": expected bool, but got float64",
			":28: workloads[1].name: \"w\" is taken by another workload",
			"workloads[1]: needs one of sharedPrefix, conversations, trace",
			":29: workloads[1].conversations.outputTokens: must be set",
			":30: workloads[1].trace.file: open ",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "c.yaml")
			require.NoError(t, os.WriteFile(file, []byte(test.content), 0o600))
			_, err := Read(file, nil)
			require.Error(t, err)
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestAValueOfTheWrongTypeIsOneProblem(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("seed: 1\ncandidates: 5\nworkloads: none\n"), 0o600))
	_, err := Read(file, nil)
	var refused *Error
	require.ErrorAs(t, err, &refused)
	require.Len(t, refused.Problems, 2)
}

func TestCandidatesPatchTheSharedConfiguration(t *testing.T) {
	t.Parallel()
	shared := map[string]any{"a": map[string]any{"x": 1, "y": 2}, "b": 1}
	merged := merge(shared, map[string]any{"a": map[string]any{"y": 3}, "c": 4})
	require.Equal(t, map[string]any{"a": map[string]any{"x": 1, "y": 3}, "b": 1, "c": 4}, merged)
	setDefault(merged, "a.z", "image")
	setDefault(merged, "a.y", "image")
	require.Equal(t, map[string]any{"x": 1, "y": 3, "z": "image"}, merged["a"])
	require.Equal(t, map[string]any{"x": 1, "y": 2}, shared["a"], "other candidates share it")
}
