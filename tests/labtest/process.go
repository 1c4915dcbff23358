package labtest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Descendants returns all direct and indirect child processes of a process.
func Descendants(of int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue // It has ended.
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		_, rest, _ := strings.Cut(string(raw), ") ") // After the name, which may be anything.
		parent, _ := strconv.Atoi(strings.Fields(rest)[1])
		children[parent] = append(children[parent], pid)
	}
	var all []int
	for next := children[of]; len(next) > 0; next = next[1:] {
		all = append(all, next[0])
		next = append(next, children[next[0]]...)
	}
	return all
}
