package demo

import (
	"io"
	"strings"
)

// options reads a command's arguments as GNU getopt does: spec lists the letters, each with a colon behind it when it takes a
// value ("n:c:q"). Long options come by their names, with what stands after an equals sign. A bad letter is under "?".
func (c *call) options(spec string) (got map[string]string, rest []string) {
	got = map[string]string{}
	args := c.args
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			return got, append(rest, args[i+1:]...)
		case strings.HasPrefix(a, "--"):
			name, value, _ := strings.Cut(a[2:], "=")
			got[name] = value
		case len(a) > 1 && a[0] == '-':
			i += letters(got, spec, a[1:], args[i+1:])
		default:
			rest = append(rest, a)
		}
	}
	return got, rest
}

// letters reads a cluster of short options; used tells whether the next argument is a value.
func letters(got map[string]string, spec, cluster string, after []string) (used int) {
	for j := range len(cluster) {
		at := strings.IndexByte(spec, cluster[j])
		switch {
		case at < 0 || cluster[j] == ':':
			got["?"] = cluster[j : j+1]
		case at+1 < len(spec) && spec[at+1] == ':':
			name, value := cluster[j:j+1], cluster[j+1:]
			if value == "" && len(after) > 0 {
				value, used = after[0], 1
			}
			if was, again := got[name]; again && name == "e" { // grep and sed take every one
				value = was + "\n" + value
			}
			got[name] = value
			return used
		default:
			got[cluster[j:j+1]] = ""
		}
	}
	return 0
}

// has tells whether one of several options was given.
func has(got map[string]string, names ...string) bool {
	for _, n := range names {
		if _, ok := got[n]; ok {
			return true
		}
	}
	return false
}

// load is the content of a file that a command was given, or of standard input for - and /dev/stdin.
func (c *call) load(p string) (string, error) {
	if p == "-" || p == "/dev/stdin" {
		b, err := io.ReadAll(c.stdin)
		return string(b), err
	}
	return c.host.files.read(c.abs(p))
}

// inputs hands over each file's content, or standard input's where none is named; the exit status says whether all could be read.
func (c *call) inputs(names []string, each func(name, text string)) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	status := 0
	for _, name := range names {
		text, err := c.load(name)
		if err != nil {
			status = c.fail(1, "%s: %s", name, why(err))
			continue
		}
		each(name, text)
	}
	return status
}

// lines are the lines of a text without their ends.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}
