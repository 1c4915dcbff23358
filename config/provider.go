package config

import (
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// providerNamespace is the namespace of the Kubernetes provider's settings.
const providerNamespace = "kubernetes"

// Provider holds the settings of Pulumi's Kubernetes provider, under `kubernetes:`, that
// apply to this program. What is not set has the provider's own default.
type Provider struct {
	// Kubeconfig is a path or the content. Default: $KUBECONFIG or ~/.kube/config.
	Kubeconfig string `json:"kubeconfig"`
	// Context of the kubeconfig. Default: its current one.
	Context string `json:"context"`
	// Cluster of the kubeconfig. Default: the context's.
	Cluster string `json:"cluster"`
	// DeleteUnreachable drops the objects of an unreachable cluster from the state.
	DeleteUnreachable *bool `json:"deleteUnreachable"`
	// SkipUpdateUnreachable skips the objects of an unreachable cluster.
	SkipUpdateUnreachable *bool `json:"skipUpdateUnreachable"`
	// SuppressDeprecationWarnings hides the warnings about deprecated API versions.
	SuppressDeprecationWarnings *bool `json:"suppressDeprecationWarnings"`
	// ClientSettings tune the provider's client.
	ClientSettings ClientSettings `json:"kubeClientSettings"`
}

// ClientSettings limit the requests of the provider's client to the API server.
type ClientSettings struct {
	// Burst is the number of requests that may exceed QPS for a moment. Default: 120.
	Burst *int32 `json:"burst"`
	// QPS is the number of requests per second. Default: 50.
	QPS *float64 `json:"qps"`
	// Timeout of a request in seconds. Default: 32.
	Timeout *int32 `json:"timeout"`
}

// The provider's other settings: those that the program decides, those that would break it,
// and those that have no effect here.
var (
	// fixedSettings have one value; the text says why.
	fixedSettings = map[string]string{
		"enableConfigMapMutable": "must be true: the names of ConfigMaps are fixed, so that they are updated in place",
		"enableSecretMutable":    "must be true: the names of Secrets are fixed, so that they are updated in place",
		"enableServerSideApply":  "must be true: the names of objects are fixed, and server-side apply adopts those that exist",
	}
	refusedSettings = map[string]string{
		"alwaysRender":          "cannot be used: the program checks the cluster, and deploys to it",
		"clusterIdentifier":     "cannot be used: the program identifies the cluster by the UID of kube-system",
		"namespace":             "is not read: the key namespace holds the namespace of every object",
		"renderYamlToDirectory": "cannot be used: the program checks the cluster, and deploys to it",
	}
	idleSettings = map[string]string{
		"enableReplaceCRD":         "has no effect: the provider ignores it",
		"helmReleaseSettings":      "has no effect: the program uses no Helm charts",
		"strictMode":               "has no effect: the program uses no default provider",
		"suppressHelmHookWarnings": "has no effect: the program uses no Helm charts",
	}
)

// provider decodes one setting of the Kubernetes provider.
func (l *loader) provider(p *Provider, full, key string) {
	path, remove, raw := field.NewPath(full), removeKeyCommand(full), l.values[full]
	shown := any(raw)
	if l.isSecret(full) || strings.ContainsAny(raw, "{\n") { // It may be a kubeconfig.
		shown = notShown
	}
	known := fields(reflect.ValueOf(p).Elem())
	if target, found := known[key]; found {
		before := len(l.problems)
		l.value(target, path, treeOf(target.Type(), raw))
		if shown == notShown {
			for i := range l.problems[before:] {
				l.problems[before+i].Value = notShown
			}
		}
		return
	}
	if detail, is := fixedSettings[key]; is {
		if raw != "true" && raw != "null" {
			l.add(path, shown, setCommand(path, true), "%s", detail)
		}
		return
	}
	if detail, is := refusedSettings[key]; is {
		if key == "namespace" && shown != notShown {
			remove = moveCommand(l.at(key), reflect.TypeFor[string](), l.unlessSet(key, raw), remove)
		}
		l.add(path, shown, remove, "%s", detail)
		return
	}
	if detail, is := idleSettings[key]; is {
		l.warnings = append(l.warnings, Warning{Problem{Path: full, Value: shown, Detail: detail, Fix: remove}})
		return
	}
	for _, others := range []map[string]string{fixedSettings, refusedSettings, idleSettings} {
		for other := range others {
			known[other] = reflect.Value{}
		}
	}
	l.unknown(misplaced{path, key, shown, remove}, known, func(near string) (*field.Path, any) {
		_, taken := l.values[providerNamespace+":"+near]
		if taken || shown == notShown || !known[near].IsValid() {
			return field.NewPath(providerNamespace + ":" + near), nil
		}
		return field.NewPath(providerNamespace + ":" + near), treeOf(known[near].Type(), raw)
	})
}
