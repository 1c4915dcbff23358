package construct

import (
	stderrors "errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/errors"

	"github.com/llm-d-sim/llm-d-sim/config"
)

// The checks say how to mend a problem by the commands that change a stack's configuration.
// The inputs of a resource stand in a program.
var (
	setCommand    = regexp.MustCompile(`pulumi config set (?:--path )?(?:--type \w+ )?(?:-- )?('[^']*'|[^\s']+) ('[^']*'|[^\s',;)]+)`)
	removeCommand = regexp.MustCompile(`pulumi config rm (?:--path )?(?:-- )?('[^']*'|[^\s',;)]+)`)
)

// edits replaces commands by what to edit. Settings of the Kubernetes provider remain part
// of the configuration.
func edits(text string) string {
	replace := func(pattern *regexp.Regexp, format string) {
		text = pattern.ReplaceAllStringFunc(text, func(command string) string {
			words := pattern.FindStringSubmatch(command)[1:]
			if strings.HasPrefix(words[0], "kubernetes:") {
				return command
			}
			operands := make([]any, len(words))
			for i := range words {
				operands[i] = strings.Trim(words[i], "'")
			}
			return fmt.Sprintf(format, operands...)
		})
	}
	replace(setCommand, "set %s to %s")
	replace(removeCommand, "remove %s")
	return text
}

// explained returns an error of the checks with its problems as those of inputs.
func explained(err error) error {
	var refused *config.Error
	if !stderrors.As(err, &refused) {
		return stderrors.New(edits(err.Error()))
	}
	explained := errors.InputPropertiesErrorf(nothingChanged)
	for _, p := range refused.Problems {
		fix := strings.ReplaceAll(edits(p.Fix), " && ", " and ")
		explained = explained.WithDetails(errors.InputPropertyErrorDetails{
			PropertyPath: p.Path, Reason: fmt.Sprintf("%s; to mend it, %s", p.Detail, fix),
		})
	}
	return explained
}
