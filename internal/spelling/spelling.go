// Package spelling finds the word that was probably meant.
package spelling

import (
	"strings"

	"github.com/agext/levenshtein"
)

// minBeginning is how many letters of a word say what it is to become.
const minBeginning = 4

// Nearest returns the known word that was probably meant: one of a similar spelling, or
// else the shortest one that begins with it. Empty if there is none.
func Nearest(word string, known []string) string {
	best, distance := "", len(word)/2+1
	for _, k := range known {
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), nil); d < distance {
			best, distance = k, d
		}
	}
	if best != "" || len(word) < minBeginning {
		return best
	}
	for _, k := range known {
		if strings.HasPrefix(strings.ToLower(k), strings.ToLower(word)) && (best == "" || len(k) < len(best)) {
			best = k
		}
	}
	return best
}
