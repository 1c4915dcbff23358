package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// resources checks a container's resources as the API server does, which would otherwise
// reject the Deployment halfway through.
func (v *validator) resources(path *field.Path, resources corev1.ResourceRequirements) {
	before := len(v.problems)
	for key, list := range map[string]corev1.ResourceList{"requests": resources.Requests, "limits": resources.Limits} {
		for name, quantity := range list {
			v.quantity(property(path.Child(key), string(name)), string(name), quantity)
		}
	}
	if len(v.problems) > before {
		return // Invalid values need not be compared.
	}
	for _, name := range slices.Sorted(maps.Keys(resources.Requests)) {
		requestPath, limitPath := property(path.Child("requests"), string(name)), property(path.Child("limits"), string(name))
		request := resources.Requests[name]
		limit, limited := resources.Limits[name]
		switch {
		case !limited && !overcommits(string(name)):
			v.add(requestPath, request.String(), setQuantity(limitPath, request),
				"needs a limit of the same amount: Kubernetes does not overcommit it")
		case !limited:
		case !overcommits(string(name)) && request.Cmp(limit) != 0:
			v.add(requestPath, request.String(), setQuantity(requestPath, limit),
				"must equal the limit of %s: Kubernetes does not overcommit it", limit.String())
		case request.Cmp(limit) > 0:
			v.add(requestPath, request.String(), setQuantity(requestPath, limit),
				"must not be above the limit of %s", limit.String())
		}
	}
	v.hugePages(path, resources)
}

// setQuantity is setCommand for a quantity, which Pulumi may store as a number.
func setQuantity(path *field.Path, quantity resource.Quantity) string {
	return setCommand(path, treeOf(reflect.TypeFor[int64](), quantity.String()))
}

// quantity checks one resource by itself.
func (v *validator) quantity(path *field.Path, name string, quantity resource.Quantity) {
	pageSize, isHugePages := pageSizeOf(name)
	switch {
	case !isResource(name):
		v.add(path, quantity.String(), removeCommand(path),
			"is not a resource: use cpu, memory, ephemeral-storage, hugepages-SIZE or a vendor's DOMAIN/NAME")
	case quantity.Sign() < 0:
		v.add(path, quantity.String(), removeCommand(path), "must not be negative")
	case isExtended(name) && quantity.MilliValue()%1000 != 0:
		v.add(path, quantity.String(), setCommand(path, quantity.Value()), "must be a whole number")
	case isHugePages && quantity.Value()%pageSize != 0:
		pages := resource.NewQuantity((quantity.Value()/pageSize+1)*pageSize, resource.BinarySI)
		v.add(path, quantity.String(), setQuantity(path, *pages), "must be a multiple of the page size")
	}
}

// hugePages checks that huge pages come with CPU or memory.
func (v *validator) hugePages(path *field.Path, resources corev1.ResourceRequirements) {
	var pages []corev1.ResourceName
	for _, list := range []corev1.ResourceList{resources.Requests, resources.Limits} {
		for name := range list {
			switch {
			case name == corev1.ResourceCPU, name == corev1.ResourceMemory:
				return
			case strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix):
				pages = append(pages, name)
			}
		}
	}
	if len(pages) > 0 {
		defaults := Default()
		memory := setQuantity(path.Child("requests", "memory"), *defaults.Resources.Requests.Memory())
		v.add(path, slices.Compact(slices.Sorted(slices.Values(pages))), memory, "needs cpu or memory in addition to huge pages")
	}
}

// isResource reports whether a container can request a resource.
func isResource(name string) bool {
	switch corev1.ResourceName(name) {
	case corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage:
		return true
	}
	if strings.HasPrefix(name, corev1.ResourceHugePagesPrefix) {
		size, _ := pageSizeOf(name)
		return size > 0 && len(validation.IsQualifiedName(name)) == 0
	}
	return isExtended(name) || isNative(name) && strings.Contains(name, "/") && len(validation.IsQualifiedName(name)) == 0
}

// isNative reports whether a resource is Kubernetes' own.
func isNative(name string) bool {
	return !strings.Contains(name, "/") || strings.Contains(name, corev1.ResourceDefaultNamespacePrefix)
}

// isExtended reports whether a resource is a vendor's. Quotas prefix its name with
// "requests.".
func isExtended(name string) bool {
	return !isNative(name) && !strings.HasPrefix(name, corev1.DefaultResourceRequestsPrefix) &&
		len(validation.IsQualifiedName(corev1.DefaultResourceRequestsPrefix+name)) == 0
}

// overcommits reports whether the limit of a resource may be above its request.
func overcommits(name string) bool {
	return isNative(name) && !strings.HasPrefix(name, corev1.ResourceHugePagesPrefix)
}

// pageSizeOf returns the page size of hugepages-SIZE in bytes, 0 if SIZE is invalid.
func pageSizeOf(name string) (size int64, isHugePages bool) {
	text, is := strings.CutPrefix(name, corev1.ResourceHugePagesPrefix)
	if !is {
		return 0, false
	}
	quantity, err := resource.ParseQuantity(text)
	if err != nil || quantity.Sign() <= 0 || quantity.MilliValue()%1000 != 0 {
		return 0, true
	}
	return quantity.Value(), true
}
