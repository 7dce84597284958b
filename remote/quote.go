package remote

import "strings"

// Quote makes one word of POSIX sh out of s, whatever s holds but NUL, which no shell can carry. Everything that goes to
// a shell goes through it.
func Quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
