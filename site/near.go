package site

import "strings"

// Near lists the words that a mistyped one may have meant, at most two: all those that are as near as the nearest. The end of
// a dotted word is what people remember, its beginning is what they stop after.
func Near(text string, words []string) []string {
	var found []string
	text = strings.ToLower(text)
	far := max(1, len(text)/3)
	best := far + 1
	for _, word := range words {
		d := distance(text, word)
		if text == word[strings.LastIndex(word, ".")+1:] {
			d = min(d, 1)
		} else if text != "" && strings.HasPrefix(word, text) {
			d = min(d, far)
		}
		switch {
		case d < best:
			best, found = d, []string{word}
		case d == best && len(found) == 1:
			found = append(found, word)
		}
	}
	return found
}

// distance counts the bytes to add, drop or change to make a into b.
func distance(a, b string) int {
	if len(a) > 200 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, corner+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// hint is the end of an error about a key.
func hint(key string, fields []Field) string {
	var keys []string
	for _, f := range fields {
		keys = append(keys, f.Key)
	}
	if near := Near(key, keys); len(near) > 0 {
		return " (did you mean " + strings.Join(near, " or ") + ")"
	}
	return ""
}
