package e2e

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/llm-d-sim/llm-d-sim/internal/configgen"
)

// bad is a configuration with one mistake.
type bad struct {
	// path of the value, and the path that the message must report.
	path, reported string
	value          any
}

// bads returns everything that can be wrong with each value of the configuration: a typo in
// its name, a wrong type, and a value out of bounds.
func bads() []bad {
	var list []bad
	for _, l := range configgen.Leaves() {
		typo := l.Path[:len(l.Path)-1]
		list = append(list, bad{typo, typo, "1"}, bad{l.Path, l.Path, otherType(l.Of)})
		for _, value := range outOfBounds(l) {
			reported := l.Path
			if l.Of.Kind() == reflect.Slice {
				reported += "[0]"
			}
			list = append(list, bad{l.Path, reported, value})
		}
	}
	return list
}

func otherType(of reflect.Type) any {
	switch of.Kind() {
	case reflect.Bool:
		return "maybe"
	case reflect.Int32, reflect.Int64, reflect.Float64:
		return "many"
	case reflect.Slice:
		return "no list"
	}
	switch of {
	case reflect.TypeFor[metav1.Duration]():
		return 5
	case reflect.TypeFor[configgen.Quantity]():
		return true
	}
	return map[string]any{"no": "string"}
}

func outOfBounds(l configgen.Leaf) []any {
	switch key := l.Key(); {
	case l.Of == reflect.TypeFor[metav1.Duration]():
		return []any{"-1s"}
	case l.Of == reflect.TypeFor[configgen.Quantity]():
		return []any{"-1", "1 or so"}
	case strings.EqualFold(key, "port"):
		return []any{0, 65536, math.MaxInt32 + 1}
	case strings.HasSuffix(strings.ToLower(key), "verbosity"):
		return []any{-1, 11}
	case key == "rate":
		return []any{-1, 101}
	case key == "maxRequestMiB":
		return []any{0, 513}
	case key == "priority" || key == "seed":
		return nil // Every number is one.
	case l.Of.Kind() == reflect.Int32 || l.Of.Kind() == reflect.Int64:
		return []any{0, -1}
	case key == "sampling":
		return []any{-0.1, 1.1}
	case l.Of.Kind() == reflect.Float64:
		return []any{0.5}
	case l.Of.Kind() == reflect.Slice:
		return []any{[]any{""}, []any{7}}
	case key == "endpoint":
		return []any{"collector", "http://collector:4317", "collector:0"}
	case key == "image":
		return []any{"Not An Image"}
	case strings.HasSuffix(strings.ToLower(key), "name"):
		return []any{"Not_A_Name"}
	case strings.HasSuffix(key, "olicy") || key == "type" || key == "algorithm" || key == "profile":
		return []any{"OTHER"}
	}
	return nil
}

// TestGeneratedBadConfigurationsChangeNothing previews each of them, in one process.
func TestGeneratedBadConfigurationsChangeNothing(t *testing.T) {
	t.Parallel()
	before := lab.Dev(t).Objects()
	list := bads()
	t.Run("previews", func(t *testing.T) {
		half := len(list) / 2
		for name, some := range map[string][]bad{"bad": list[:half], "worse": list[half:]} {
			t.Run(name, func(t *testing.T) { t.Parallel(); refused(t, name, some) })
		}
	})
	require.Equal(t, before, lab.Dev(t).Objects(), "no resourceVersion changed")
	fmt.Printf("%d generated bad configurations refused, nothing changed\n", len(list))
	require.Greater(t, len(list), 200)
}

// refused previews bad configurations of a stack one after the other.
func refused(t *testing.T, name string, list []bad) {
	t.Helper()
	s := lab.NewStack(t, name, nil)
	preview := s.Automation()
	for _, b := range list {
		what := fmt.Sprintf("%s = %v", b.path, b.value)
		config := map[string]any{}
		configgen.Set(config, b.path, b.value)
		s.Configure(config)
		_, err := preview.Preview(t.Context())
		require.Error(t, err, what)
		require.Regexp(t, `\n *`+regexp.QuoteMeta(b.reported)+" = ", err.Error(), what)
		require.Contains(t, err.Error(), "nothing was changed", what)
		require.Contains(t, err.Error(), "fix: pulumi config", what)
		require.NotContains(t, err.Error(), "panic", what)
	}
	require.False(t, s.NamespaceExists())
}
