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
