package workspace

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestImagesReplaceOnlyDefaultsOfEnabledParts(t *testing.T) {
	t.Parallel()
	images := []Image{
		{Path: "epp.image", Parts: []string{"epp"}, Reference: "epp:v1"},
		{Path: "decode.routingSidecar.image", Parts: []string{"epp", "decode"}, Reference: "sidecar:v1"},
	}
	for name, test := range map[string]struct{ config, want string }{
		"no part": {
			"config: # A comment.\n  llm-d-sim:replicas: 2\n",
			"config: # A comment.\n  llm-d-sim:replicas: 2\n",
		},
		"one part": {
			"config:\n  llm-d-sim:epp: {enabled: true}\n",
			"config:\n  llm-d-sim:epp:\n    enabled: true\n    image: epp:v1\n",
		},
		"a part that is off": {
			"config:\n  llm-d-sim:epp: {enabled: false}\n",
			"config:\n  llm-d-sim:epp: {enabled: false}\n",
		},
		"another image": {
			"config:\n  llm-d-sim:epp: {enabled: true, image: other}\n",
			"config:\n  llm-d-sim:epp: {enabled: true, image: other}\n",
		},
		"both parts": {
			"config:\n  llm-d-sim:epp: {enabled: true, image: other}\n  llm-d-sim:decode: {enabled: true, replicas: 3}\n",
			"config:\n  llm-d-sim:decode:\n    enabled: true\n    replicas: 3\n    routingSidecar:\n      image: sidecar:v1\n  llm-d-sim:epp:\n    enabled: true\n    image: other\n",
		},
		"nothing": {"", ""},
	} {
		got, err := withImages(test.config, images)
		require.NoError(t, err, name)
		require.Equal(t, test.want, got, name)
	}
	_, err := withImages("config: [", images)
	require.Error(t, err)
}
