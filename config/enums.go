package config

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
)

// The values of the types that have only some.
var (
	algorithms   = []Algorithm{RoundRobin, LeastRequest, Random, LeastConn}
	pullPolicies = []corev1.PullPolicy{corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever}
	serviceTypes = []corev1.ServiceType{corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort, corev1.ServiceTypeLoadBalancer}
	scalers      = []Scaler{ScalerKEDA, ScalerOther}
	prefixCaches = []PrefixCache{PrefixCacheApproximate, PrefixCachePrecise}
	failureTypes = []FailureType{
		"rate_limit", "invalid_api_key", "context_length", "server_error", "invalid_request", "model_not_found",
	}
)

// Enum returns the values that a field of this type may have, nil if it is not limited to
// some.
func Enum(of reflect.Type) []string {
	for _, values := range []any{algorithms, pullPolicies, serviceTypes, scalers, profiles, prefixCaches, failureTypes} {
		list := reflect.ValueOf(values)
		if list.Type().Elem() != of {
			continue
		}
		words := make([]string, list.Len())
		for i := range words {
			words[i] = list.Index(i).String()
		}
		return words
	}
	return nil
}
