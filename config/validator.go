package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/llm-d-sim/llm-d-sim/components/llmd"
	"github.com/llm-d-sim/llm-d-sim/internal/spelling"
)

// maxVerbosity is the highest level that klog's users give a meaning to.
const maxVerbosity = 10

// validator checks a Spec; its methods check bounds that several fields share.
type validator struct {
	collector
	roots
}

func (v *validator) between(path *field.Path, value, low, high int32) {
	if value < low || value > high {
		v.invalid(path, value, "must be within %d to %d", low, high)
	}
}

func (v *validator) port(path *field.Path, port int32) { v.between(path, port, 1, maxPort) }

const maxPort = 65535

func isPort(port int32) bool { return port >= 1 && port <= maxPort }

func (v *validator) atLeastOne(path *field.Path, value int32) {
	if value < 1 {
		v.invalid(path, value, "must be 1 or more")
	}
}

func (v *validator) duration(path *field.Path, value, low time.Duration) {
	if value < low {
		v.invalid(path, value.String(), "must be %s or more", low)
	}
}

func (v *validator) verbosity(path *field.Path, level int32) { v.between(path, level, 0, maxVerbosity) }

func (v *validator) name(path *field.Path, name string, check func(string) []string) {
	if msgs := check(name); len(msgs) > 0 {
		v.invalid(path, name, "%s", strings.Join(msgs, "; "))
	}
}

func oneOf[T ~string](v *validator, path *field.Path, value T, allowed ...T) {
	if slices.Contains(allowed, value) {
		return
	}
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	detail, fix := "must be one of "+strings.Join(words, ", "), resetCommand(path)
	if near := spelling.Nearest(string(value), words); near != "" {
		detail += fmt.Sprintf(", did you mean %s?", near)
		fix = setCommand(path, near)
	}
	v.add(path, value, fix, "%s", detail)
}

// image requires a reference that a container runtime can parse.
func (v *validator) image(path *field.Path, image string) {
	if _, err := reference.ParseNormalizedNamed(image); err != nil {
		v.invalid(path, image, "must be an image reference such as %s: %v", llmd.SimulatorImage, err)
	}
}

// release reports an image, or the version set for it, that is not a release the program
// knows. version is the path of the object with the key version; the image is in it, too,
// unless its own path is given.
func (v *validator) release(
	object *field.Path, image, version string, err error, imagePath ...*field.Path,
) {
	if err == nil {
		return
	}
	path, value := object.Child("image"), image
	if len(imagePath) > 0 {
		path = imagePath[0]
	}
	if version != "" {
		path, value = object.Child("version"), version
	}
	v.invalid(path, value, "%v", err)
}

// args refuses flags that the program itself sets, since the two would conflict. instead says
// for each flag what to use.
func (v *validator) args(path *field.Path, args []string, instead map[string]string) {
	for i, arg := range args {
		if arg == "" {
			v.invalid(path.Index(i), arg, "must not be empty")
			continue
		}
		flag, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		use, is := instead[flag]
		if !is || !strings.HasPrefix(arg, "-") {
			continue
		}
		fix := removeCommand(path.Index(i))
		if next := i + 1; !hasValue && next < len(args) && !strings.HasPrefix(args[next], "-") {
			fix = both(removeCommand(path.Index(next)), fix) // The flag's value.
		}
		v.add(path.Index(i), arg, fix, "cannot be set here: %s", use)
	}
}
