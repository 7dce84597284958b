package demo

import (
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
)

func init() {
	for name, run := range map[string]func(*call) int{
		"cat": cat, "cmp": cmpFiles, "cut": cut, "head": head, "tail": tail, "sort": sortLines, "uniq": uniq, "tr": tr, "wc": wc,
		"sha256sum": sha256sum, "tee": tee, "seq": seq, "base64": base64Command,
	} {
		register(name, run)
	}
}

// cat copies as it comes, so that it can be watched.
func cat(c *call) int {
	_, names := c.options("u")
	if len(names) == 0 {
		names = []string{"-"}
	}
	status := 0
	for _, name := range names {
		if name == "-" || name == "/dev/stdin" {
			if _, err := io.Copy(c.stdout, c.stdin); err != nil && c.ctx.Err() == nil {
				status = c.fail(1, "%s: %s", name, why(err))
			}
			continue
		}
		text, err := c.load(name)
		if err != nil {
			status = c.fail(1, "%s: %s", name, why(err))
			continue
		}
		if _, err := io.WriteString(c.stdout, text); err != nil {
			return 1
		}
	}
	return status
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

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] > 127 {
			return false
		}
	}
	return true
}

func sortLines(c *call) int {
	got, names := c.options("runk:t:Vbfs")
	var all []string
	status := c.inputs(names, func(_, text string) { all = append(all, lines(text)...) })
	less := func(a, b string) bool { return a < b }
	if has(got, "n", "V") {
		less = func(a, b string) bool {
			x, y := leading(a), leading(b)
			return x < y || x == y && a < b
		}
	}
	sort.SliceStable(all, func(i, j int) bool {
		if has(got, "r") {
			return less(all[j], all[i])
		}
		return less(all[i], all[j])
	})
	if has(got, "u") {
		all = slices.Compact(all)
	}
	for _, line := range all {
		c.out("%s\n", line)
	}
	return status
}

// leading is the number that a line starts with.
func leading(s string) float64 {
	s = strings.TrimLeft(s, " \t")
	end := 0
	for end < len(s) && strings.IndexByte("-.0123456789", s[end]) >= 0 {
		end++
	}
	n, _ := strconv.ParseFloat(s[:end], 64)
	return n
}

func uniq(c *call) int {
	got, names := c.options("cdu")
	last, n := "", 0
	flush := func() {
		switch {
		case n == 0 || has(got, "d") && n < 2:
		case has(got, "c"):
			c.out("%7d %s\n", n, last)
		default:
			c.out("%s\n", last)
		}
	}
	status := c.inputs(names, func(_, text string) {
		for _, line := range lines(text) {
			if n > 0 && line == last {
				n++
				continue
			}
			flush()
			last, n = line, 1
		}
	})
	flush()
	return status
}

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
