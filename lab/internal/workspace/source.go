package workspace

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// stackName is Pulumi's rule for the names of stacks; the name becomes part of a path.
var stackName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$`)

// CheckName refuses what cannot be the name of a stack.
func CheckName(stack string) error {
	if !stackName.MatchString(stack) {
		return fmt.Errorf("invalid stack name %q: use letters, digits, dots, dashes and underscores", stack)
	}
	return nil
}

// Config is Pulumi's own file with the configuration of a stack.
func Config(repository, stack string) string {
	return filepath.Join(repository, "Pulumi."+stack+".yaml")
}

// Source returns the file with the configuration of a stack: Pulumi.NAME.yaml at the top of
// the repository, or the example of that name.
func Source(repository, stack string) (string, error) {
	for _, path := range []string{Config(repository, stack), Config(filepath.Join(repository, "examples"), stack)} {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("stack %s: there is neither Pulumi.%[1]s.yaml nor examples/Pulumi.%[1]s.yaml", stack)
}

// WithoutEncryption returns a configuration without the lines in which Pulumi records how
// its secrets are encrypted, which belong to one backend.
func WithoutEncryption(config string) string {
	var kept strings.Builder
	for line := range strings.Lines(config) {
		key, _, _ := strings.Cut(line, ":")
		switch key {
		case "encryptionsalt", "encryptedkey", "secretsprovider":
		default:
			kept.WriteString(line)
		}
	}
	return kept.String()
}
