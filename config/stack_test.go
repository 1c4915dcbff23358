package config

import (
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumi "github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/stretchr/testify/require"
)

// stack is a stack configuration that commands can change, using Pulumi's own code.
type stack struct {
	t       *testing.T
	project string
	values  pulumi.Map
}

// newStack makes a stack from raw values by full key. Objects are JSON.
func newStack(t *testing.T, project string, values map[string]string) *stack {
	t.Helper()
	s := &stack{t, project, pulumi.Map{}}
	for full, raw := range values {
		value := pulumi.NewValue(raw)
		if json.Valid([]byte(raw)) && strings.ContainsAny(raw[:1], "{[n") {
			value = pulumi.NewObjectValue(raw)
		}
		namespace, key, _ := strings.Cut(full, ":")
		s.values[pulumi.MustMakeKey(namespace, key)] = value
	}
	return s
}

func (s *stack) load() (*Loaded, error) {
	s.t.Helper()
	values, err := s.values.Decrypt(pulumi.NopDecrypter)
	require.NoError(s.t, err)
	full := map[string]string{}
	for key, raw := range values {
		full[key.String()] = raw
	}
	return Load(s.project, full, nil)
}

func (s *stack) problems() []Problem {
	s.t.Helper()
	all := new(Error)
	if _, err := s.load(); err != nil {
		require.ErrorAs(s.t, err, &all)
	}
	return all.Problems
}

// shell returns the words of each `pulumi` command in some lines, as a shell parses them.
func shell(t *testing.T, lines []string) [][][]string {
	t.Helper()
	script := `pulumi() { printf '%s\0' "$#" "$@"; }; ` + strings.Join(lines, " && printf 'end\\0'; ") + ` && printf 'end\0'`
	cmd := exec.Command("sh", "-eu") // The script is too long for an argument.
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	all := make([][][]string, len(lines))
	words, line := strings.Split(string(out), "\x00"), 0
	for words[0] != "" {
		if words[0] == "end" {
			words, line = words[1:], line+1
			continue
		}
		n, err := strconv.Atoi(words[0])
		require.NoError(t, err)
		all[line] = append(all[line], words[1:n+1])
		words = words[n+1:]
	}
	require.Len(t, all, line)
	return all
}

// run executes the commands of a fix.
func (s *stack) run(fix string, commands [][]string) {
	s.t.Helper()
	for _, args := range commands {
		s.config(fix, args)
	}
}

// config executes `pulumi config set` and `rm`.
func (s *stack) config(fix string, args []string) {
	s.t.Helper()
	require.GreaterOrEqual(s.t, len(args), 3, fix)
	require.Equal(s.t, "config", args[0], fix)
	verb, path, of := args[1], false, pulumi.Type(pulumi.TypeUnknown)
	var operands []string
	for rest := args[2:]; len(rest) > 0; rest = rest[1:] {
		switch word := rest[0]; {
		case word == "--":
			operands, rest = append(operands, rest[1:]...), rest[:1]
		case word == "--path":
			path = true
		case word == "--type":
			of = map[string]pulumi.Type{"string": pulumi.TypeString, "float": pulumi.TypeFloat}[rest[1]]
			require.NotZero(s.t, of, fix)
			rest = rest[1:]
		case strings.HasPrefix(word, "-"):
			require.Fail(s.t, "an option that pulumi does not know", fix)
		default:
			operands = append(operands, word)
		}
	}
	key := s.key(operands[0], path)
	if path {
		_, err := resource.ParsePropertyPathStrict(key.Name())
		require.NoError(s.t, err, fix)
	}
	switch verb {
	case "set":
		require.Len(s.t, operands, 2, fix)
		require.NoError(s.t, s.values.Set(key, pulumi.NewTypedValue(operands[1], of), path), fix)
	case "rm":
		require.Len(s.t, operands, 1, fix)
		before := len(s.json())
		require.NoError(s.t, s.values.Remove(key, path), fix)
		require.Less(s.t, len(s.json()), before, "%s: removes nothing", fix)
	default:
		require.Fail(s.t, "a command that pulumi does not know", fix)
	}
}

func (s *stack) json() string {
	s.t.Helper()
	raw, err := json.Marshal(s.values)
	require.NoError(s.t, err)
	return string(raw)
}

// key parses a key as pulumi does: without a namespace, it has the project's.
func (s *stack) key(typed string, path bool) pulumi.Key {
	s.t.Helper()
	top, rest := typed, ""
	if i := strings.IndexAny(typed, "[."); path && i > 0 {
		top, rest = typed[:i], typed[i:]
	}
	if !strings.Contains(top, ":") {
		top = s.project + ":" + top
	}
	key, err := pulumi.ParseKey(top)
	require.NoError(s.t, err, typed)
	return pulumi.MustMakeKey(key.Namespace(), key.Name()+rest)
}
