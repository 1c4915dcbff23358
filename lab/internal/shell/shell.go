// Package shell writes text that a POSIX shell evaluates.
package shell

import "strings"

// Quote returns a word that the shell takes literally.
func Quote(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
