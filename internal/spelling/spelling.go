// Package spelling finds the word that was probably meant.
package spelling

import (
	"strings"

	"github.com/agext/levenshtein"
)

// minBeginning is the least number of letters that may stand for a longer word.
const minBeginning = 4

// Nearest returns the known word that was probably meant: one with a similar spelling, or
// else the shortest one that begins with word. Empty if there is none.
//
// Similar means that at most two letters, or a quarter of them, differ. Of two equally
// close words, it is the one whose length is closer, since letters are swapped more often
// than lost.
func Nearest(word string, known []string) string {
	best, distance, difference := "", max(2, len(word)/4)+1, 0
	for _, k := range known {
		d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), nil)
		length := max(len(word)-len(k), len(k)-len(word))
		if d < len(k) && (d < distance || d == distance && length < difference) {
			best, distance, difference = k, d, length
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
