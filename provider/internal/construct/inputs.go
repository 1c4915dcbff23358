package construct

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/errors"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/provider"
)

var inputType = reflect.TypeFor[pulumi.Input]()

// plainValues returns the inputs that have to be known at once as trees of JSON, by their
// names: all but those whose fields in args take a pulumi.Input.
func plainValues(ctx *pulumi.Context, inputs provider.ConstructInputs, args reflect.Type) (map[string]any, error) {
	later := map[string]bool{}
	for i := range args.NumField() {
		name, _, _ := strings.Cut(args.Field(i).Tag.Get("pulumi"), ",")
		later[name] = args.Field(i).Type.Implements(inputType) || args.Field(i).Type == imagesType
	}
	all, err := inputs.Map()
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	var problems []errors.InputPropertyErrorDetails
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if later[name] {
			continue
		}
		result, err := internals.UnsafeAwaitOutput(ctx.Context(), pulumi.ToOutput(all[name]))
		if err != nil {
			return nil, err
		}
		if result.Secret { // Not as a problem of the input, with which Pulumi would show the value.
			return nil, fmt.Errorf("nothing was changed: the input %s must not be a secret, since it would be stored in plain text", name)
		}
		if !result.Known || len(result.Dependencies) > 0 {
			problems = append(problems, errors.InputPropertyErrorDetails{
				PropertyPath: name, Reason: "must be a plain value: it says what to create, so it cannot wait for another resource",
			})
			continue
		}
		if path := notANumber(name, result.Value); path != "" {
			problems = append(problems, errors.InputPropertyErrorDetails{PropertyPath: path, Reason: "is not a number"})
			continue
		}
		if values[name], err = tree(result.Value); err != nil {
			return nil, err
		}
	}
	if len(problems) > 0 {
		return nil, errors.NewInputPropertiesError(nothingChanged, problems...)
	}
	return values, nil
}

// nothingChanged introduces the problems of the inputs.
const nothingChanged = "nothing was changed, since the inputs have problems"

// notANumber returns the path of a number that JSON cannot express, empty if there is none. It is
// what JavaScript makes of a text that is no number.
func notANumber(path string, value any) string {
	switch value := value.(type) {
	case float64:
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return path
		}
	case []any:
		for i, entry := range value {
			if found := notANumber(fmt.Sprintf("%s[%d]", path, i), entry); found != "" {
				return found
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if found := notANumber(path+"."+name, value[name]); found != "" {
				return found
			}
		}
	}
	return ""
}

// tree converts a value to what its JSON decodes to, with numbers as they are written.
func tree(value any) (decoded any, err error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return decoded, decoder.Decode(&decoded)
}
