package demo

import (
	"io"
	"strings"
)

func tr(c *call) int {
	got, sets := c.options("cdsC")
	if len(sets) == 0 {
		return c.fail(1, "missing operand")
	}
	from := trSet(sets[0])
	if has(got, "c", "C") {
		var in [256]bool
		for _, b := range from {
			in[b] = true
		}
		from = nil
		for b := range 256 {
			if !in[b] {
				from = append(from, byte(b))
			}
		}
	}
	var to []byte
	if len(sets) > 1 {
		to = trSet(sets[1])
	}
	var place [256]int
	for i, b := range from {
		if place[b] == 0 {
			place[b] = i + 1
		}
	}
	text, _ := io.ReadAll(c.stdin)
	var out []byte
	last := -1
	for _, b := range text {
		at := place[b] - 1
		switch {
		case at < 0:
			last = -1
		case has(got, "d"):
			continue
		default:
			if len(to) > 0 {
				b = to[min(at, len(to)-1)]
			}
			if has(got, "s") && last == int(b) {
				continue
			}
			last = int(b)
		}
		out = append(out, b)
	}
	c.stdout.Write(out)
	return 0
}

// trSet is a set of tr, in order: a-z, \n, [:digit:].
func trSet(s string) []byte {
	var out []byte
	for i := 0; i < len(s); i++ {
		if strings.HasPrefix(s[i:], "[:") {
			if end := strings.Index(s[i:], ":]"); end > 0 {
				var in [256]bool
				addClass(&in, s[i+2:i+end])
				for b := range 256 {
					if in[b] {
						out = append(out, byte(b))
					}
				}
				i += end + 1
				continue
			}
		}
		b := s[i]
		if b == '\\' {
			n, text, _ := escape(s[i:], true)
			if text != "" {
				b = text[0]
			}
			i += n - 1
		}
		if i+2 < len(s) && s[i+1] == '-' {
			for x := int(b); x <= int(s[i+2]); x++ {
				out = append(out, byte(x))
			}
			i += 2
			continue
		}
		out = append(out, b)
	}
	return out
}
