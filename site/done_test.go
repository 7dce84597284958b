package site

import (
	"os"
	"strings"
	"testing"
)

// What a person marked as done is kept among the answers, and what else stands in the file stays.
func TestMark(t *testing.T) {
	f := load(t, save(t, handmade))
	if err := f.Site.Mark("provider.firewall.proxy", "2026-11-21"); err != nil {
		t.Fatal(err)
	}
	if err := f.Site.Mark("dns.records", "2026-11-22"); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	text := content(t, f.Path)
	if !strings.Contains(text, "[done]\n\"dns.records\" = \"2026-11-22\"\n\"provider.firewall.proxy\" = \"2026-11-21\"\n") {
		t.Errorf("saved as\n%s", text)
	}
	if strings.Count(text, "#") != strings.Count(handmade, "#") {
		t.Errorf("a comment is lost:\n%s", text)
	}
	again := load(t, f.Path)
	if again.Site.Done["dns.records"] != "2026-11-22" || len(again.Site.Done) != 2 || len(again.Unknown) != len(f.Unknown) {
		t.Errorf("read as %v, unknown %q", again.Site.Done, again.Unknown)
	}
	unmark(t, again, "dns.records")
	if err := again.Save(); err != nil {
		t.Fatal(err)
	}
	if text := content(t, f.Path); strings.Contains(text, "dns.records") || !strings.Contains(text, "provider.firewall.proxy") {
		t.Errorf("after it was taken back:\n%s", text)
	}
}

func unmark(t *testing.T, f *File, task string) {
	t.Helper()
	if err := f.Site.Mark(task, ""); err != nil {
		t.Fatal(err)
	}
}

func TestMarkRefuses(t *testing.T) {
	f := NewFile("x", Default())
	for _, c := range [][2]string{{"dns.records", "yesterday"}, {"dns.records", "2026-13-01"}, {"", "2026-11-21"}, {"dns", "2026-11-21"},
		{"dns.\n", "2026-11-21"}, {"a." + strings.Repeat("b", 100), "2026-11-21"}} {
		if err := f.Site.Mark(c[0], c[1]); err == nil || len(f.Site.Done) > 0 {
			t.Errorf("%q is taken: %v, %v", c, f.Site.Done, err)
		}
	}
}

// However the table is written by hand, a mark is taken out and put in without harm to its neighbours.
func TestUnmarkKeepsTheRest(t *testing.T) {
	const schema = "schema = 1\n"
	for _, c := range []struct{ text, want string }{
		{"[done]\n'a.b' = '2026-11-21'\n\"c.d\" = \"2026-11-22\"\n", "[done]\n\"c.d\" = \"2026-11-22\"\n"},
		{"[done]\n'a.b' = 2026-11-21\n", "[done]\n"},
		{"[done]\n'a.b' = '2026-11-21' # by Eve\n", "[done]\n'a.b' = \"\" # by Eve\n"},
		{"done = { 'a.b' = '2026-11-21', 'c.d' = '2026-11-22' }\n", "done = { 'a.b' = \"\", 'c.d' = '2026-11-22' }\n"},
		{"done.'a.b' = '2026-11-21'\n", ""},
	} {
		f := load(t, save(t, schema+c.text))
		if f.Site.Done["a.b"] != "2026-11-21" {
			t.Errorf("%q: read as %v", c.text, f.Site.Done)
		}
		unmark(t, f, "a.b")
		if err := f.Save(); err != nil {
			t.Errorf("%q: %v", c.text, err)
		}
		if got := strings.TrimPrefix(content(t, f.Path), schema); got != c.want {
			t.Errorf("%q became %q, want %q", c.text, got, c.want)
		}
		if back := load(t, f.Path); back.Site.Done["a.b"] != "" {
			t.Errorf("%q: still done: %v", c.text, back.Site.Done)
		}
	}
}

func TestDoneReadsOnlyDates(t *testing.T) {
	for text, want := range map[string]string{
		"[done]\n'a.b' = 'soon'\n": `f:2: done.a.b: "soon" is not a date`,
		"[done]\n'a.b' = 5\n":      `f:2: done.a.b: "5" is not a date`,
		"[done]\n'a.b' = ['x']\n":  `f:2: done."a.b": is a list`,
		"done = 5\n":               `f:1: done: is a table`,
	} {
		if _, err := read("f", text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	r, err := read("f", "[done]\nx = '2026-11-21'\na.b = '2026-11-21'\n")
	if err != nil || len(r.unknown) != 2 || len(r.site.Done) != 0 {
		t.Errorf("no tasks: %v, unknown %q, %v", r.site.Done, r.unknown, err)
	}
}

// Marks travel with the answers, and are a difference between them.
func TestDoneTravels(t *testing.T) {
	s := Default()
	if err := s.Mark("dns.records", "2026-11-21"); err != nil {
		t.Fatal(err)
	}
	text, err := Render(s)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(text)
	if err != nil || back.Done["dns.records"] != "2026-11-21" {
		t.Errorf("%v, %v from\n%s", back, err, text)
	}
	if d := Diff(s, Default()); len(d) != 1 || d[0] != (Difference{"done.dns.records", "2026-11-21", ""}) {
		t.Errorf("the difference is %v", d)
	}
	c := s.Clone()
	c.Done["dns.records"] = "2027-01-01"
	if s.Done["dns.records"] != "2026-11-21" {
		t.Error("a clone shares its marks")
	}
}

func TestInMemory(t *testing.T) {
	t.Chdir(t.TempDir())
	s := Default()
	s.Hostname = "mail.example.org"
	f := InMemory("demo.toml", s, nil)
	if f.Has("domain") {
		t.Error("it has an answer that nobody gave")
	}
	if err := f.Set("domain", "example.org"); err != nil {
		t.Fatal(err)
	}
	if err := f.Site.Mark("dns.records", "2026-11-21"); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	if !f.Has("domain") || f.Has("hostname") {
		t.Error("what was answered and saved is not there, or what was only suggested is")
	}
	unmark(t, f, "dns.records")
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir("."); len(left) > 0 {
		t.Errorf("it wrote %v", left)
	}
}
