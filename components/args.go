package components

import (
	"reflect"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// or returns the value if it is set, and otherwise the default.
func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// orValue returns what the pointer points to if it is set, and otherwise the default.
func orValue[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}

// orImage returns the image if it is set, and otherwise the default.
func orImage(image pulumi.StringInput, otherwise string) pulumi.StringInput {
	if image == nil {
		return pulumi.String(otherwise)
	}
	return image
}

// knownImage returns the image if it is known now. An image that another resource provides
// counts as the newest release, unless a version is given as well.
func knownImage(image pulumi.StringInput) string {
	if known, is := image.(pulumi.String); is {
		return string(known)
	}
	return newestImage
}

// newestImage counts as the newest known release, unless a version is given as well.
const newestImage = "image:latest"

// inputs returns the fields of an Args by their tags: the inputs of the component in the
// state, in diffs and in unit tests.
func inputs(args any) pulumi.Map {
	m := pulumi.Map{}
	v := reflect.ValueOf(args).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("pulumi"), ",")
		if !v.Field(i).IsZero() {
			m[name] = input(v.Field(i))
		}
	}
	return m
}

func input(v reflect.Value) pulumi.Input {
	if input, is := v.Interface().(pulumi.Input); is {
		return input
	}
	if v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
		return inputs(v.Interface())
	}
	return pulumi.Any(v.Interface())
}
