package config

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var update = flag.Bool("update", false, "rewrite the README's configuration reference")

const (
	readme         = "../README.md"
	referenceBegin = "<!-- The reference is written by `go test ./config -update`. -->\n"
	referenceEnd   = "<!-- End of the reference. -->\n"
)

// TestReference keeps the README's configuration reference in step with the code.
func TestReference(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(readme)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(raw), referenceBegin)
	require.True(t, found, "the README has no place for the reference")
	written, after, found := strings.Cut(rest, referenceEnd)
	require.True(t, found)

	want := writeReference(t)
	if *update {
		require.NoError(t, os.WriteFile(readme, []byte(before+referenceBegin+want+referenceEnd+after), 0o600))
		return
	}
	require.Equal(t, want, written, "run go test ./config -update")
}

// section is one table: a struct, and all paths where it occurs.
type section struct {
	of    reflect.Type
	paths []string
	value reflect.Value
}

// writeReference renders a table for each struct of the Spec, from its comments.
func writeReference(t *testing.T) string {
	t.Helper()
	docs := fieldDocs(t)
	spec := Default()
	queue := []section{{of: reflect.TypeFor[Spec](), value: reflect.ValueOf(*spec.Resolved())}}
	placeOf := map[reflect.Type]string{}
	var out strings.Builder
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		out.WriteString("\n")
		if len(s.paths) > 0 {
			out.WriteString("**`" + strings.Join(s.paths, "`** and **`") + "`**\n\n")
		}
		if embedded, found := shared(s.of); found {
			fmt.Fprintf(&out, "Every field of `%s`, and:\n\n", placeOf[embedded])
		}
		out.WriteString("| Field | Type | Default | Meaning |\n|---|---|---|---|\n")
		for i := range s.of.NumField() {
			field := s.of.Field(i)
			if field.Anonymous {
				continue
			}
			name, place := field.Tag.Get("json"), s.of.Name()+"."+field.Name
			require.NotEmpty(t, docs[place], "%s has no comment", place)
			description, documented := splitDefault(docs[place])
			if nested := structOf(field.Type); nested != nil {
				value := reflect.Zero(nested)
				if field.Type == nested {
					value = s.value.Field(i)
				}
				path := join(s.paths, name)
				if field.Type.Kind() == reflect.Map {
					path += ".NAME"
				}
				queue = enqueue(queue, nested, path, value)
				placeOf[nested] = path
				description += " Its fields are below."
			} else {
				checkDefault(t, place, documented, s.value.Field(i))
			}
			fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", name, typeName(field.Type), documented, description)
		}
	}
	out.WriteString("\n")
	return out.String()
}

// enqueue adds a table, or a path to the table of the same type: both gateways share a
// type, and decode extends a stage.
func enqueue(queue []section, of reflect.Type, path string, value reflect.Value) []section {
	for i := range queue {
		if queue[i].of == of {
			queue[i].paths = append(queue[i].paths, path)
			return queue
		}
	}
	return append(queue, section{of: of, paths: []string{path}, value: value})
}

// shared returns the embedded struct whose fields a struct includes.
func shared(of reflect.Type) (reflect.Type, bool) {
	for i := range of.NumField() {
		if of.Field(i).Anonymous {
			return of.Field(i).Type, true
		}
	}
	return nil, false
}

func join(paths []string, name string) string {
	if len(paths) == 0 {
		return name
	}
	return paths[0] + "." + name
}

// structOf returns the struct behind a field, nil if its value is a leaf to the user.
func structOf(of reflect.Type) reflect.Type {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of.Kind() == reflect.Map && of.Elem().Kind() == reflect.Struct {
		of = of.Elem()
	}
	leaf := of == reflect.TypeFor[corev1.ResourceRequirements]() || of == reflect.TypeFor[metav1.Duration]()
	if of.Kind() != reflect.Struct || leaf {
		return nil
	}
	return of
}

func typeName(of reflect.Type) string {
	switch {
	case of.Kind() == reflect.Pointer:
		return typeName(of.Elem())
	case of == reflect.TypeFor[metav1.Duration]():
		return "duration"
	case of == reflect.TypeFor[corev1.ResourceRequirements]():
		return "ResourceRequirements"
	case of.Kind() == reflect.Struct, of.Kind() == reflect.Map:
		return "object"
	case of.Kind() == reflect.Slice:
		return "list of " + typeName(of.Elem()) + "s"
	case of.Kind() == reflect.String:
		return "string"
	case of.Kind() == reflect.Bool:
		return "bool"
	default:
		return of.Kind().String()
	}
}

// defaultPattern finds the default in a comment: the end of its last sentence.
var defaultPattern = regexp.MustCompile(`(?s) ?Default: (.*)\.$`)

func splitDefault(doc string) (description, value string) {
	match := defaultPattern.FindStringSubmatchIndex(doc)
	if match == nil {
		return doc, ""
	}
	return doc[:match[0]], doc[match[2]:match[3]]
}

// checkDefault compares the default in a comment with Default, if that is a plain value.
func checkDefault(t *testing.T, field, documented string, value reflect.Value) {
	t.Helper()
	if value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	if value.IsZero() && value.Kind() != reflect.Bool || value.Kind() == reflect.Struct || field == "GatewayInstance.Image" {
		return
	}
	require.Equal(t, fmt.Sprint(value.Interface()), documented, "the comment of %s and Default", field)
}

// fieldDocs reads the comment of every field in the files of Spec, by its struct and name.
func fieldDocs(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("spec*.go")
	require.NoError(t, err)
	docs := map[string]string{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		require.NoError(t, err)
		ast.Inspect(file, func(node ast.Node) bool {
			spec, is := node.(*ast.TypeSpec)
			if !is {
				return true
			}
			if list, is := spec.Type.(*ast.StructType); is {
				for _, field := range list.Fields.List {
					for _, name := range field.Names {
						docs[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(field.Doc.Text()), " ")
					}
				}
			}
			return false
		})
	}
	return docs
}
