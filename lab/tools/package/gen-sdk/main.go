// Command gen-sdk writes the SDK of a Pulumi package for a language, from the package's
// schema, as `pulumi package add` does for a program. It calls the same generators, without
// their language hosts, which are in no Go module of the same version.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

// alone loads no other packages: the schema refers to none.
type alone struct{ schema.ReferenceLoader }

func main() {
	file := flag.String("schema", "", "the schema of the package")
	language := flag.String("language", "", "nodejs or python")
	out := flag.String("out", "", "the folder to write the SDK to")
	flag.Parse()
	if err := run(*file, *language, *out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file, language, out string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(raw, &spec); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	pkg, problems, err := schema.BindSpec(spec, alone{}, schema.ValidationOptions{})
	if err := errors.Join(append(problems.Errs(), err)...); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	var files map[string][]byte
	switch language {
	case "nodejs":
		const compilesItself = true // When npm installs it.
		files, err = nodejs.GeneratePackage("pulumi", pkg, nil, nil, compilesItself, alone{})
	case "python":
		files, err = python.GeneratePackage("pulumi", pkg, nil, alone{})
	default:
		err = fmt.Errorf("no generator for %q", language)
	}
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(out, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
