package labtest

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Paths of the images of llm-d, which a lab may have in place of the defaults.
const (
	eppImage     = "epp.image"
	sidecarImage = "decode.routingSidecar.image"
)

// LLMDv04 are the images of llm-d v0.4.0 by path: its EPP finds pods by label too. A lab has them
// after AddLLMDv04, beside those of the newer release that it has by default.
var LLMDv04 = map[string]string{
	eppImage:     "ghcr.io/llm-d/llm-d-inference-scheduler:v0.4.0",
	sidecarImage: "ghcr.io/llm-d/llm-d-routing-sidecar:v0.4.0",
}

// LLMD are the images by path that the lab runs in place of the defaults.
func (l *Lab) LLMD() map[string]string { return l.images }

// AddLLMDv04 gives the lab's node the images of LLMDv04.
func (l *Lab) AddLLMDv04() error {
	return run(l.Clone, l.command, "start", "--name", l.Name, "--llm-d", "v0.4")
}

// substitutes are the images in the lab's working copy of the dev stack's configuration,
// which names none itself: those that the lab has in place of the defaults.
func substitutes(file string) (map[string]string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var content struct {
		Config map[string]any `json:"config"`
	}
	if err := yaml.Unmarshal(raw, &content); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	images := map[string]string{}
	for _, path := range []string{eppImage, sidecarImage} {
		keys := strings.Split(path, ".")
		if image, found, _ := unstructured.NestedString(content.Config, append([]string{project + ":" + keys[0]}, keys[1:]...)...); found {
			images[path] = image
		}
	}
	return images, nil
}

// withImages returns a configuration with the lab's images for the parts that it enables.
func (l *Lab) withImages(t *testing.T, config map[string]any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(config)
	require.NoError(t, err)
	var copied map[string]any
	require.NoError(t, json.Unmarshal(raw, &copied))
	enabled := func(part string) bool {
		is, _, _ := unstructured.NestedBool(copied, part, "enabled")
		return is
	}
	for path, image := range l.images {
		hasSidecar := enabled("prefill") && enabled("decode")
		if !enabled("epp") || path == sidecarImage && !hasSidecar {
			continue
		}
		keys := strings.Split(path, ".")
		if _, set, _ := unstructured.NestedString(copied, keys...); !set {
			require.NoError(t, unstructured.SetNestedField(copied, image, keys...))
		}
	}
	return copied
}
