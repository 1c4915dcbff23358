package lab

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/llm-d-sim/llm-d-sim/lab/internal/image"
)

func TestTheNameOfALabIsADNSLabel(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, lab string
		valid     bool
	}{
		{"a word", "dev", true},
		{"dashes and digits", "a-1-b", true},
		{"a digit", "1", true},
		{"the longest", strings.Repeat("a", 63), true},
		{"too long", strings.Repeat("a", 64), false},
		{"empty", "", false},
		{"this folder", ".", false},
		{"the folder above", "..", false},
		{"a path", "a/b", false},
		{"a flag", "--node", false},
		{"a dash first", "-a", false},
		{"a dash last", "a-", false},
		{"capitals", "Dev", false},
		{"a line more", "dev\n", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := Defaults()
			o.Name = test.lab
			if test.valid {
				require.NoError(t, o.Validate())
				return
			}
			require.ErrorContains(t, o.Validate(), "invalid lab name")
		})
	}
}

func TestAllProblemsAreReportedTogether(t *testing.T) {
	t.Parallel()
	err := Options{Name: ".", Node: "x", CRDs: "y", LLMD: "v0.5"}.Validate()
	require.ErrorContains(t, err, `unknown release "v0.5" of llm-d: the lab has v0.7, v0.4`)
	require.ErrorContains(t, err, `invalid lab name "."`)
	require.ErrorContains(t, err, `unknown node "x"`)
	require.ErrorContains(t, err, `unknown CRDs "y"`)
}

func TestALabIsNotFoundOnThePath(t *testing.T) {
	t.Parallel()
	require.Equal(t, "/bin:/cache/labels/bin", withoutLabs("/cache", "/cache/lab/dev/bin:/bin:/cache/labels/bin:/cache/lab/other/bin"))
}

func TestLLMDReleaseFitsTheCRDs(t *testing.T) {
	t.Parallel()
	for crds, release := range map[string]string{
		"all": image.V07, "inference": image.V07, "gateway,inference": image.V07, "none": image.V04, "gateway": image.V04,
	} {
		o := Defaults()
		o.CRDs = crds
		require.Equal(t, release, o.llmd(), crds)
		o.LLMD = image.V04
		require.NoError(t, o.Validate(), "v0.4 works with any CRDs")
		require.Equal(t, image.V04, o.llmd(), crds)
		o.LLMD = image.V07
		if release == image.V07 {
			require.NoError(t, o.Validate())
		} else {
			require.EqualError(t, o.Validate(),
				"LLMD=v0.7 needs the InferencePool, which CRDS="+crds+" does not install: add inference, or use LLMD=v0.4")
		}
	}
}
