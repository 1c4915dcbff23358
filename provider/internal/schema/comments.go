package schema

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
)

// module is the path of the product's module.
const module = "github.com/llm-d-sim/llm-d-sim"

// comments are those of the types, their fields and the constants of some packages.
type comments struct {
	// root is the folder of the repository.
	root   string
	parsed map[string]bool
	// texts are comments by import path, type and field: path.EPPArgs.Image.
	texts map[string]string
	// constants are the literals of constants by package name: llmd.EPPImage.
	constants map[string]string
}

// of returns the comment of a type, or of one of its fields.
func (c *comments) of(t reflect.Type, field string) (string, error) {
	if err := c.parse(t.PkgPath()); err != nil {
		return "", err
	}
	text := c.texts[strings.TrimSuffix(t.PkgPath()+"."+t.Name()+"."+field, ".")]
	if text == "" {
		return "", fmt.Errorf("%s.%s has no comment", t, field)
	}
	return c.resolved(text)
}

var constantPattern = regexp.MustCompile(`\bllmd\.[A-Z]\w+\b`)

// resolved replaces the names of constants by their values.
func (c *comments) resolved(text string) (string, error) {
	if err := c.parse(module + "/components/llmd"); err != nil {
		return "", err
	}
	var unknown error
	text = constantPattern.ReplaceAllStringFunc(text, func(name string) string {
		value := c.constants[name]
		if value == "" {
			unknown = fmt.Errorf("%s is not a constant with a literal value", name)
		}
		return value
	})
	return text, unknown
}

// parse reads a package of the repository.
func (c *comments) parse(path string) error {
	if c.parsed[path] {
		return nil
	}
	c.parsed[path] = true
	folder := filepath.Join(c.root, filepath.FromSlash(strings.TrimPrefix(path, module)))
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: %w", folder, fs.ErrNotExist)
	}
	for _, name := range files {
		var file *ast.File
		if file, err = parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments); err != nil {
			return err
		}
		for _, declaration := range file.Decls {
			if list, is := declaration.(*ast.GenDecl); is {
				c.read(path, file.Name.Name, list)
			}
		}
	}
	return err
}

func (c *comments) read(path, name string, list *ast.GenDecl) {
	for _, spec := range list.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			for i, constant := range spec.Names {
				if i < len(spec.Values) {
					c.constants[name+"."+constant.Name] = literal(spec.Values[i])
				}
			}
		case *ast.TypeSpec:
			doc := spec.Doc
			if doc == nil {
				doc = list.Doc
			}
			// What follows the first paragraph is for programs in Go.
			first, _, _ := strings.Cut(doc.Text(), "\n\n")
			c.texts[path+"."+spec.Name.Name] = oneLine(first)
			fields, is := spec.Type.(*ast.StructType)
			if !is {
				continue
			}
			text := ""
			for _, field := range fields.Fields.List {
				for _, name := range field.Names {
					// Two fields may share a comment, which names both.
					if field.Doc != nil || !strings.Contains(text, name.Name) {
						text = oneLine(field.Doc.Text())
					}
					c.texts[path+"."+spec.Name.Name+"."+name.Name] = text
				}
			}
		}
	}
}

// units are those of the durations among the constants.
var units = map[string]string{"Second": "s", "Minute": "m"}

// literal returns the value of a literal, or of a number of seconds or minutes, empty for
// another expression.
func literal(expression ast.Expr) string {
	switch e := expression.(type) {
	case *ast.BasicLit:
		return strings.Trim(e.Value, `"`)
	case *ast.BinaryExpr:
		if unit, is := e.Y.(*ast.SelectorExpr); is && e.Op == token.MUL && units[unit.Sel.Name] != "" {
			return literal(e.X) + units[unit.Sel.Name]
		}
	}
	return ""
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
