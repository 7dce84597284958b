package does

import (
	"fmt"
	"math/rand"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var syntaxes = map[string]struct {
	set   Syntax
	parts []string // what texts are drawn from
	read  func(t testing.TB, text string) (values map[string]string, comments []string)
}{
	"assignments": {Assignments, []string{"A=1\n", "B='two\nA=lines'\n", "# A=comment\n", "\n", "export A=\"x\"  # kept\n", "C=it\\'s\n", "  A=\\\n  B=9\n", "AA=2\n", "D=\"$A\"\n"}, shellReads},
	"ini":         {Ini, []string{"[s]\n", "[other]\n", "A=1\n", "  A = 2 ; not a comment\n", "; A=3\n", "# x\n", "\n", "AA=2\n", "B=goes on \\\nA=still B\n", "A=goes \\\non\n", "[ s]\nA=7\n"}, iniReads},
	"main.cf":     {MainCF, []string{"A = 1\n", "A =\n", "A = 1,\n  2\n# between\n\t3\n", "# A = 4\n", "  # indented\n", "\n", "B = x\n A = still B\n", "AA=2\n", "A=5\n"}, mainReads},
}

// TestSyntaxes draws texts and sets one key: the one who reads them sees that value, and everything else as before.
func TestSyntaxes(t *testing.T) {
	for name, s := range syntaxes {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewSource(1))
			for range 300 {
				text := ""
				for range r.Intn(8) {
					text += s.parts[r.Intn(len(s.parts))]
				}
				if r.Intn(3) == 0 {
					text = strings.TrimSuffix(text, "\n")
				}
				k := Key{"", "A", []string{"new", "", "1"}[r.Intn(3)]}
				if name == "ini" {
					k.Section = []string{"", "s", "none"}[r.Intn(3)]
				}
				out := s.set.Put(text, k)
				if again := s.set.Put(out, k); again != out {
					t.Fatalf("%q becomes %q and then %q", text, out, again)
				}
				was, wasComments := s.read(t, text)
				now, comments := s.read(t, out)
				full := strings.TrimPrefix(k.Section+".A", ".")
				if now[full] != k.Value {
					t.Errorf("%q: %s is %q in %q", text, full, now[full], out)
				}
				was[full] = k.Value
				if fmt.Sprint(now) != fmt.Sprint(was) && name != "assignments" || name == "assignments" && !sameBut(now, was, "D") {
					t.Errorf("%q becomes %q, which reads %v, not %v", text, out, now, was)
				}
				if !slices.Equal(comments, wasComments) {
					t.Errorf("%q becomes %q: comments %q were %q", text, out, comments, wasComments)
				}
			}
		})
	}
}

// sameBut leaves out a value that is made of the one that was set.
func sameBut(a, b map[string]string, key string) bool {
	delete(a, key)
	delete(b, key)
	return fmt.Sprint(a) == fmt.Sprint(b)
}

var commentLine = regexp.MustCompile(`(?m)^[ \t]*[#;].*$|  # kept$`)

// shellReads has a real shell read the text.
func shellReads(t testing.TB, text string) (map[string]string, []string) {
	out, err := exec.Command("sh", "-c", text+"\nfor v in A AA B C D; do eval \"x=\\${$v-unset}\"; printf '%s=%s\\0' $v \"$x\"; done").Output()
	if err != nil {
		t.Fatalf("sh: %v: %q", err, text)
	}
	values := map[string]string{}
	for v := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		name, value, _ := strings.Cut(v, "=")
		values[name] = value
	}
	return values, commentLine.FindAllString(text, -1)
}

// iniReads reads as a simple reader does: sections, keys of which the last counts, a backslash at the end of a line.
func iniReads(_ testing.TB, text string) (map[string]string, []string) {
	values, comments, section := map[string]string{}, commentLine.FindAllString(text, -1), ""
	text = strings.ReplaceAll(text, "\\\n", "")
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			section = strings.Trim(line, "[]") + "."
		case ok:
			values[section+strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return values, comments
}

// mainReads reads as postconf(5) says: what begins with a blank goes on, comments and empty lines do not count.
func mainReads(_ testing.TB, text string) (map[string]string, []string) {
	values, name := map[string]string{}, ""
	for line := range strings.SplitSeq(text, "\n") {
		switch key, value, ok := strings.Cut(line, "="); {
		case strings.TrimSpace(line) == "" || strings.TrimSpace(line)[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			values[name] += " " + strings.TrimSpace(line)
		case ok:
			name = strings.TrimSpace(key)
			values[name] = strings.TrimSpace(value)
		}
	}
	return values, commentLine.FindAllString(text, -1)
}

// FuzzSyntaxes sets a key that is not there: nothing of a text changes for it, whatever the text is.
func FuzzSyntaxes(f *testing.F) {
	for _, s := range syntaxes {
		f.Add(strings.Join(s.parts, ""))
	}
	f.Add("A='\n\"\\")
	f.Fuzz(func(t *testing.T, text string) {
		for name, s := range syntaxes {
			k := Key{"", "ZZ", "1"}
			if name == "ini" {
				k.Section = "sec"
			}
			if strings.Contains(text, "ZZ") || strings.Contains(text, "[sec]") || strings.Contains(text, "\r") {
				return
			}
			out := s.set.Put(text, k)
			if s.set.Put(out, k) != out { // refused: nothing can be put behind an open end
				if !strings.HasSuffix(strings.TrimRight(text, "\n"), `\`) {
					t.Errorf("%s: %q becomes %q and then %q", name, text, out, s.set.Put(out, k))
				}
				continue
			}
			if !strings.HasPrefix(out, text) {
				t.Errorf("%s: %q becomes %q", name, text, out)
			}
			k.Value = "22"
			if two := s.set.Put(out, k); two != out[:strings.LastIndex(out, "1")]+"22\n" {
				t.Errorf("%s: %q: another value makes %q", name, text, two)
			}
		}
	})
}

// FuzzBlock puts our lines into any text and takes them out again.
func FuzzBlock(f *testing.F) {
	f.Add("a\n"+BlockBegin+"\nx\n"+BlockEnd+"\nz", 2)
	f.Add(BlockEnd+"\n"+BlockBegin+": x\n"+BlockBegin, 0)
	f.Fuzz(func(t *testing.T, text string, at int) {
		put := PutBlock(text, "ours", -1)
		if again := PutBlock(put, "ours", -1); again != put {
			t.Errorf("%q becomes %q and then %q", text, put, again)
		}
		rest, _ := CutBlock(text)
		cut, _ := CutBlock(put)
		if cut != rest && cut != rest+"\n" && !strings.Contains(rest, BlockBegin) && !strings.Contains(rest, BlockEnd) {
			t.Errorf("%q: cut of its block it is %q, not %q", text, cut, rest)
		}
		if !strings.Contains(put, BlockBegin+"\nours\n"+BlockEnd+"\n") {
			t.Errorf("%q: the block is not in %q", text, put)
		}
	})
}
