package site

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	longest = 4096 // bytes of one answer; the longest lists of networks stay far below
	quoted  = 60   // bytes of an answer that an error repeats
)

// clean trims an answer and refuses what no answer may contain.
func clean(raw string) (string, error) {
	text := strings.TrimSpace(raw)
	if len(text) > longest {
		return "", fmt.Errorf("%s is too long (%d bytes; at most %d)", quote(text), len(text), longest)
	}
	if !utf8.ValidString(text) {
		return "", fmt.Errorf("%s is not UTF-8 text", quote(text))
	}
	for _, r := range text {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return "", fmt.Errorf("%s has a control character in it", quote(text))
		}
	}
	return text, nil
}

// quote is the input as an error repeats it: escaped and bounded.
func quote(text string) string {
	if len(text) > quoted {
		return strconv.Quote(text[:quoted]) + "…"
	}
	return strconv.Quote(text)
}

// show is a value as text. What is not set is empty.
func show(v any) string {
	switch v := v.(type) {
	case interface { // an address or a network
		fmt.Stringer
		IsValid() bool
	}:
		if !v.IsValid() {
			return ""
		}
		return v.String()
	case int:
		if v == 0 {
			return ""
		}
		return strconv.Itoa(v)
	}
	return fmt.Sprint(v)
}

// showAll is a list as text.
func showAll[T any](values []T) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = show(v)
	}
	return strings.Join(texts, ", ")
}

// split takes a list apart at commas and white space.
func split(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}

// each reads every value of a list; nil when there is none.
func each[T comparable](text string, parse func(string) (T, error)) ([]T, error) {
	var values []T
	for _, word := range split(text) {
		v, err := parse(word)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values, nil
}

// parseBool reads yes and no.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes":
		return true, nil
	case "false", "no":
		return false, nil
	}
	return false, fmt.Errorf("%s is not one of true, false", quote(text))
}

// number reads a whole number in a range; what says what it is.
func number(text, what string, low, high int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high || text != strconv.Itoa(n) {
		return 0, fmt.Errorf("%s is not %s (%d to %d)", quote(text), what, low, high)
	}
	return n, nil
}

// parsePort reads a TCP or UDP port.
func parsePort(text string) (int, error) { return number(text, "a port", 1, 65535) }

// parseMTU reads a tunnel's MTU in bytes; 0 is found by probing. Below 1280 IPv6 stops working (RFC 8200, section 5).
func parseMTU(text string) (int, error) {
	if text == "0" {
		return 0, nil
	}
	return number(text, "an MTU in bytes", 1280, 9000)
}
