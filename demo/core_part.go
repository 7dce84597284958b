package demo

import (
	"io"
	"slices"
	"strconv"
	"strings"
)

func head(c *call) int {
	count, bytes, names := c.count()
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 {
		return c.fail(1, "invalid number of lines: '%s'", count)
	}
	return c.inputs(names, func(_, text string) {
		if bytes {
			io.WriteString(c.stdout, text[:min(n, len(text))])
			return
		}
		all := strings.SplitAfter(text, "\n")
		io.WriteString(c.stdout, strings.Join(all[:min(n, len(all))], ""))
	})
}

func tail(c *call) int {
	count, bytes, names := c.count()
	from := strings.HasPrefix(count, "+")
	n, err := strconv.Atoi(strings.TrimLeft(count, "+-"))
	if err != nil {
		return c.fail(1, "invalid number of lines: '%s'", count)
	}
	return c.inputs(names, func(_, text string) {
		parts := strings.SplitAfter(text, "\n")
		if bytes {
			parts = strings.Split(text, "")
			if !isASCII(text) {
				parts = nil
				for i := range len(text) {
					parts = append(parts, text[i:i+1])
				}
			}
		} else if parts[len(parts)-1] == "" {
			parts = parts[:len(parts)-1]
		}
		if from {
			parts = parts[min(max(n-1, 0), len(parts)):]
		} else {
			parts = parts[max(0, len(parts)-n):]
		}
		io.WriteString(c.stdout, strings.Join(parts, ""))
	})
}

// count reads the number of head and tail, given as -n N, -c N or -N.
func (c *call) count() (n string, bytes bool, names []string) {
	for i, a := range c.args {
		if len(a) > 1 && a[0] == '-' && a[1] >= '0' && a[1] <= '9' {
			c.args[i] = "-n" + a[1:]
		}
	}
	got, names := c.options("n:c:qv")
	switch {
	case has(got, "c"):
		return got["c"], true, names
	case has(got, "n"):
		return got["n"], false, names
	}
	return "10", false, names
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] > 127 {
			return false
		}
	}
	return true
}

func cut(c *call) int {
	got, names := c.options("c:b:f:d:s")
	list := got["c"] + got["b"] + got["f"]
	if list == "" {
		return c.fail(1, "you must specify a list of bytes, characters, or fields")
	}
	want := ranges(list)
	sep := "\t"
	if has(got, "d") {
		sep = got["d"]
	}
	return c.inputs(names, func(_, text string) {
		for _, line := range lines(text) {
			if !has(got, "f") {
				var b []byte
				for i := range len(line) {
					if want(i + 1) {
						b = append(b, line[i])
					}
				}
				c.out("%s\n", b)
				continue
			}
			parts := strings.Split(line, sep)
			var kept []string
			for i, p := range parts {
				if want(i+1) || len(parts) == 1 {
					kept = append(kept, p)
				}
			}
			if len(parts) > 1 || !has(got, "s") {
				c.out("%s\n", strings.Join(kept, sep))
			}
		}
	})
}

// ranges reads a list such as 1,3-5,7-.
func ranges(list string) func(int) bool {
	type span struct{ from, to int }
	var spans []span
	for _, part := range strings.Split(list, ",") {
		a, b, dash := strings.Cut(part, "-")
		from, _ := strconv.Atoi(a)
		to, err := strconv.Atoi(b)
		if !dash {
			to = from
		} else if err != nil {
			to = 1 << 30
		}
		spans = append(spans, span{max(from, 1), to})
	}
	return func(n int) bool {
		return slices.ContainsFunc(spans, func(s span) bool { return n >= s.from && n <= s.to })
	}
}
