package demo

import "strings"

// match tells whether a text is what a shell pattern means: * ? [set] and \ before what is meant as it is.
func match(pat, text string) bool {
	for pat != "" {
		switch pat[0] {
		case '*':
			rest := strings.TrimLeft(pat, "*")
			if rest == "" {
				return true
			}
			for i := 0; i <= len(text); i++ {
				if match(rest, text[i:]) {
					return true
				}
			}
			return false
		case '?':
			if text == "" {
				return false
			}
			pat, text = pat[1:], text[1:]
		case '[':
			set, rest, ok := bracket(pat)
			if !ok {
				if text == "" || text[0] != '[' {
					return false
				}
				pat, text = pat[1:], text[1:]
				continue
			}
			if text == "" || !set(text[0]) {
				return false
			}
			pat, text = rest, text[1:]
		default:
			if pat[0] == '\\' && len(pat) > 1 {
				pat = pat[1:]
			}
			if text == "" || text[0] != pat[0] {
				return false
			}
			pat, text = pat[1:], text[1:]
		}
	}
	return text == ""
}

// bracket reads a set such as [!a-z[:digit:]] off the start of a pattern.
func bracket(pat string) (set func(byte) bool, rest string, ok bool) {
	i, not := 1, false
	if i < len(pat) && (pat[i] == '!' || pat[i] == '^') {
		i, not = i+1, true
	}
	var in [256]bool
	for first := true; ; first = false {
		if i >= len(pat) {
			return nil, "", false
		}
		if pat[i] == ']' && !first {
			break
		}
		if strings.HasPrefix(pat[i:], "[:") {
			if end := strings.Index(pat[i:], ":]"); end > 0 {
				addClass(&in, pat[i+2:i+end])
				i += end + 2
				continue
			}
		}
		if pat[i] == '\\' && i+1 < len(pat) {
			i++
		}
		from, to := pat[i], pat[i]
		i++
		if i+1 < len(pat) && pat[i] == '-' && pat[i+1] != ']' {
			i++
			if pat[i] == '\\' && i+1 < len(pat) {
				i++
			}
			to = pat[i]
			i++
		}
		for c := int(from); c <= int(to); c++ {
			in[c] = true
		}
	}
	return func(c byte) bool { return in[c] != not }, pat[i+1:], true
}

// addClass adds the ASCII characters of a class such as alnum.
func addClass(in *[256]bool, class string) {
	for c := range 128 {
		b := byte(c)
		lower, upper, digit := b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9'
		space := strings.IndexByte(" \t\n\v\f\r", b) >= 0
		graph := b > ' ' && b < 127
		var yes bool
		switch class {
		case "alnum":
			yes = lower || upper || digit
		case "alpha":
			yes = lower || upper
		case "digit":
			yes = digit
		case "xdigit":
			yes = digit || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
		case "lower":
			yes = lower
		case "upper":
			yes = upper
		case "space":
			yes = space
		case "blank":
			yes = b == ' ' || b == '\t'
		case "punct":
			yes = graph && !lower && !upper && !digit
		case "print":
			yes = graph || b == ' '
		case "graph":
			yes = graph
		case "cntrl":
			yes = b < ' ' || b == 127
		}
		if yes {
			in[b] = true
		}
	}
}
