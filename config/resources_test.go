package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Each case is one of the rules of ValidateResourceRequirements in Kubernetes'
// pkg/apis/core/validation.
func TestResourcesFollowAPIServerRules(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		resources string
		// path of the problem, empty if there is none.
		path, detail string
	}{
		"GPU with limit":         {`{"limits":{"nvidia.com/gpu":1}}`, "", ""},
		"GPU with both":          {`{"requests":{"nvidia.com/gpu":"2000m"},"limits":{"nvidia.com/gpu":2}}`, "", ""},
		"huge pages":             {`{"requests":{"cpu":1},"limits":{"hugepages-2Mi":"64Mi","hugepages-1Gi":"1Gi"}}`, "", ""},
		"huge pages with memory": {`{"limits":{"hugepages-2Mi":0,"memory":"1Gi"}}`, "", ""},
		"own prefix":             {`{"requests":{"kubernetes.io/x":"500m"}}`, "", ""},
		"CPU above":              {`{"requests":{"cpu":2,"memory":"2Gi"},"limits":{"cpu":3}}`, "", ""},
		"GPU without limit":      {`{"requests":{"nvidia.com/gpu":1}}`, `resources.requests["nvidia.com/gpu"]`, "needs a limit of the same amount"},
		"GPU below limit":        {`{"requests":{"nvidia.com/gpu":1},"limits":{"nvidia.com/gpu":2}}`, `resources.requests["nvidia.com/gpu"]`, "must equal the limit of 2"},
		"half a GPU":             {`{"limits":{"nvidia.com/gpu":"500m"}}`, `resources.limits["nvidia.com/gpu"]`, "must be a whole number"},
		"quota's name":           {`{"limits":{"requests.nvidia.com/gpu":1}}`, `resources.limits["requests.nvidia.com/gpu"]`, "is not a resource"},
		"no domain":              {`{"limits":{"gpu":1}}`, "resources.limits.gpu", "is not a resource"},
		"huge pages, no limit":   {`{"requests":{"hugepages-2Mi":"64Mi","cpu":1}}`, "resources.requests.hugepages-2Mi", "needs a limit of the same amount"},
		"huge pages below limit": {`{"requests":{"hugepages-2Mi":"32Mi","cpu":1},"limits":{"hugepages-2Mi":"64Mi"}}`, "resources.requests.hugepages-2Mi", "must equal the limit of 64Mi"},
		"huge pages alone":       {`{"limits":{"hugepages-2Mi":"64Mi"}}`, "resources", "needs cpu or memory"},
		"part of a page":         {`{"limits":{"hugepages-2Mi":"3Mi","cpu":1}}`, "resources.limits.hugepages-2Mi", "must be a multiple of the page size"},
		"no page size":           {`{"limits":{"hugepages-foo":"64Mi","cpu":1}}`, "resources.limits.hugepages-foo", "is not a resource"},
		"negative page size":     {`{"limits":{"hugepages--2Mi":"64Mi","cpu":1}}`, "resources.limits.hugepages--2Mi", "is not a resource"},
	} {
		_, err := load(map[string]string{"resources": test.resources})
		if test.path == "" {
			require.NoError(t, err, name)
			continue
		}
		all := new(Error)
		require.ErrorAs(t, err, &all, name)
		require.Len(t, all.Problems, 1, name)
		require.Equal(t, test.path, all.Problems[0].Path, name)
		require.Contains(t, all.Problems[0].Detail, test.detail, name)
	}
}
