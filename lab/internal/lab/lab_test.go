package lab

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
	err := Options{Name: ".", Node: "x", CRDs: "y"}.Validate()
	require.ErrorContains(t, err, `invalid lab name "."`)
	require.ErrorContains(t, err, `unknown node "x"`)
	require.ErrorContains(t, err, `unknown CRDs "y"`)
}

func TestALabIsNotFoundOnThePath(t *testing.T) {
	t.Parallel()
	require.Equal(t, "/bin:/cache/labels/bin", withoutLabs("/cache", "/cache/lab/dev/bin:/bin:/cache/labels/bin:/cache/lab/other/bin"))
}
