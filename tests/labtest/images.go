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

// Paths of the images that a lab may have in place of the defaults.
const (
	eppImage     = "epp.image"
	sidecarImage = "decode.routingSidecar.image"
)

// substitutes are the images in the lab's working copy of the dev stack's configuration,
// which names none itself: those that the lab has in place of the defaults.
func substitutes(file string) (map[string]any, error) {
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
	images := map[string]any{}
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
