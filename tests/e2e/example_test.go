package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/tests/labtest"
)

// example is the example stack in a language, in the project of a stack.
type example struct {
	t     *testing.T
	stack *labtest.Stack
	// file has the program, and project is its Pulumi.yaml.
	file, content, project string
	// pulumi runs up, a preview that expects no changes, or destroy.
	pulumi func(command string) (string, error)
}

// mistake is a wrong number of replicas, and what is said of it.
type mistake struct{ replicas, message string }

// example makes the example of a language that of a stack of the same name.
func (s *sdk) example(language, file string) *example {
	s.t.Helper()
	lab.InstallPackage(s.t)
	e := &example{
		t: s.t, stack: lab.NewStack(s.t, language, lab.Sample(s.t, "dev")),
		file: filepath.Join(s.dir, "stack", file), content: s.read(file), project: s.read("Pulumi.yaml"),
	}
	e.stack.Move(filepath.Dir(e.file))
	s.t.Cleanup(e.stack.Restore) // It is destroyed without the language.
	flags := map[string][]string{
		"up": {"--yes", "--skip-preview"}, "preview": {"--expect-no-changes"}, "destroy": {"--yes", "--skip-preview"},
	}
	e.pulumi = func(command string) (string, error) {
		return e.stack.Pulumi(append([]string{command}, flags[command]...)...)
	}
	own := "llm-d-sim-" + language
	e.edit(own, e.stack.Namespace)
	e.edit(`"sim",`, `"llm-d-sim",`) // The name that this repository's program gives its stack.
	require.Contains(s.t, e.project, "name: "+own+"\n")
	e.project = strings.Replace(e.project, "name: "+own+"\n", "name: llm-d-sim\n", 1)
	e.stack.Project(e.project)
	return e
}

// read returns a file of the example stack.
func (s *sdk) read(file string) string {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.dir, "stack", file))
	require.NoError(s.t, err)
	return string(raw)
}

// edit replaces a text that the program has once.
func (e *example) edit(from, to string) {
	e.t.Helper()
	require.Equal(e.t, 1, strings.Count(e.content, from), "%s in %s", from, e.file)
	e.content = strings.Replace(e.content, from, to, 1)
	require.NoError(e.t, os.WriteFile(e.file, []byte(e.content), 0o600))
}

// must runs a command that must succeed.
func (e *example) must(command string) string {
	e.t.Helper()
	out, err := e.pulumi(command)
	require.NoError(e.t, err, out)
	return out
}

// deploys takes a stack from its creation to its end, with two replicas and with four, and
// compares it with that of this repository's program.
func (e *example) deploys(replicas string, mistakes []mistake) {
	e.t.Helper()
	require.Contains(e.t, e.must("up"), "26 created")
	e.must("preview")
	objects := e.stack.Objects()
	for _, m := range mistakes {
		e.edit(replicas, m.replicas)
		out, err := e.pulumi("up")
		require.Error(e.t, err)
		require.Contains(e.t, out, m.message)
		require.Equal(e.t, objects, e.stack.Objects())
		e.edit(m.replicas, replicas)
	}
	e.edit(replicas, strings.Replace(replicas, "2", "4", 1))
	require.Contains(e.t, e.must("up"), "2 updated")
	objects, outputs := e.stack.Objects(), e.stack.Outputs()
	require.EqualValues(e.t, 4, outputs["readyReplicas"])

	e.stack.Restore()
	e.stack.Set("decode.replicas", "4")
	requireUnchanged(e.t, e.stack.Up())
	require.Equal(e.t, objects, e.stack.Objects())
	require.Equal(e.t, e.stack.Outputs(), outputs)

	e.stack.Project(e.project)
	e.must("destroy")
	require.False(e.t, e.stack.NamespaceExists())
}
