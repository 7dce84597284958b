package site

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// handmade is an answers file as people write them: every style of TOML that our keys can come in.
const handmade = `# my notes
# about this site

domain = 'example.org' # single quotes stay
domains = [
  # bought in 2019
  "one.example", # the old one
  'two.example',
  # nothing after this
]
colour = "blue"

[host.proxy]
  ssh = "root@203.0.113.7:2222"   # VPS
  note = """
[ports]
imaps = 1
"""
  ssh_from = [ "192.0.2.0/24" ] # office

[host]
mail = { ssh = "me@192.168.1.10", "jump" = 'proxy' } # at home

# the tunnel
[tunnel]
port = 51_999

[ports] # ours
imaps = 1993 # not the usual one
[other.stuff]
x = [ {y = 1}, {y = 2} ]
guide = 1979-05-27 07:32:00
`

func save(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "postern.toml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, path string) *File {
	t.Helper()
	f, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func content(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// edited saves answers into a text and gives the new text.
func edited(t testing.TB, text string, answers ...string) string {
	t.Helper()
	f := load(t, save(t, text))
	for i := 0; i < len(answers); i += 2 {
		if err := f.Set(answers[i], answers[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Save(); err != nil {
		t.Fatalf("saving %q into\n%s\n%v", answers, text, err)
	}
	return content(t, f.Path)
}

func TestSaveChangesOnlyItsOwnBytes(t *testing.T) {
	base := strings.Replace(handmade, "colour =", "schema = 1\ncolour =", 1)
	for _, c := range []struct{ key, value, old, new string }{
		{"domain", "example.net", `'example.org' #`, `'example.net' #`},
		{"domain", "", `'example.org' #`, `'' #`},
		{"ports.imaps", "2993", "imaps = 1993 #", "imaps = 2993 #"},
		{"ports.smtp", "25", "usual one\n", "usual one\nsmtp = 25\n"},
		{"tunnel.port", "51998", "51_999", "51998"},
		{"tunnel.port", "51999", "", ""},
		{"tunnel.interface", "wg1", "51_999\n", "51_999\ninterface = \"wg1\"\n"},
		{"host.mail.ssh", "you@192.168.1.10", `"me@192`, `"you@192`},
		{"host.mail.jump", "vps", `'proxy'`, `'vps'`},
		{"host.mail.become", "sudo", `'proxy' }`, `'proxy', become = "sudo" }`},
		{"host.proxy.become", "sudo", "# office\n", "# office\n  become = \"sudo\"\n"},
		{"host.proxy.ssh_from", "192.0.2.0/24, 198.51.100.7", `[ "192.0.2.0/24" ]`, `["192.0.2.0/24", "198.51.100.7/32"]`},
		{"host.proxy.ssh_from", "", `[ "192.0.2.0/24" ]`, `[]`},
		{"domains", "one.example, two.example, three.example", "  'two.example',\n", "  'two.example',\n  \"three.example\",\n"},
		{"domains", "two.example", "  # bought in 2019\n  \"one.example\", # the old one\n  'two.example',\n  # nothing after this\n",
			"  'two.example',\n  # nothing after this\n  # bought in 2019\n  # the old one\n"},
		{"hostname", "mail.example.org", "colour = \"blue\"\n", "colour = \"blue\"\nhostname = \"mail.example.org\"\n"},
		{"guide.nat", "keep", "07:32:00\n", "07:32:00\n\n[guide]\nnat = \"keep\"\n"},
	} {
		want := strings.Replace(base, c.old, c.new, 1)
		if got := edited(t, base, c.key, c.value); got != want {
			t.Errorf("%s = %q:\n%s\nwant\n%s", c.key, c.value, got, want)
		}
	}
}

// TOML forbids a [header] for what is under an inline table, though our parser would read it.
func TestSaveExtendsInlineTablesInPlace(t *testing.T) {
	got := edited(t, "schema = 1\nhost = { proxy = { ssh = 'x' } }\n", "host.mail.ssh", "y")
	if want := "schema = 1\nhost = { proxy = { ssh = 'x' }, mail.ssh = \"y\" }\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever the file is like, a saved answer is what the next load reads, and nothing else changed.
func TestSaveFitsEveryShapeOfFile(t *testing.T) {
	for _, text := range []string{
		"", "\n", "# only a comment", "# c\r\n\r\n[ports]\r\nsmtp = 26\r\n", "domains = [\r\n  'a.example', # a\r\n]\r\n", "\ufeff[ports]\nsmtp = 26\n", "[ports]",
		"ports = {}\n", "ports = { smtp = 26 }", "ports.smtp = 26 # dotted\ntunnel.port = 5", "host.proxy.ssh = 'x'\n",
		"host = { proxy = { ssh = 'x' } }", "[host]\nproxy.ssh = 'x'\n[other]\n", "[host.proxy]\n[host.mail]\nrole='mail'\n",
		"[\"ports\"]\n\"smtp\" = 26\n", "[ tunnel ]\n\tport = 5 # five", "jail = [{name = 'dovecot', ports = [993]}]\n",
		"[mail.notes]\nx = 1\n", "[[jail]]\nname = 'a'\n\n[[jail]]\nname = 'b' # b\ntables = ['x']\n[other]\n", "[host.vps]\nrole = 'proxy'\n", "layout = 'toaster'\n", handmade,
	} {
		usual, err := read("f", text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for _, field := range Fields(usual.site) {
			for _, c := range accepted {
				s := usual.site.Clone()
				if tail(c.key) != tail(field.Key) || field.Set(s, c.in) != nil {
					continue
				}
				next, err := usual.with(s, map[string]bool{field.Key: true})
				if err != nil {
					t.Errorf("%q: %s = %q: %v", text, field.Key, c.in, err)
					continue
				}
				saved := next.text
				back, err := read("f", saved)
				if err != nil || unlike(back.site, s) != "" || len(back.unknown) != len(usual.unknown) {
					t.Errorf("%q: %s = %q: saved as %q: %v", text, field.Key, c.in, saved, err)
				}
				if crlf := strings.Count(text, "\r\n"); crlf > 0 && strings.Count(saved, "\r\n") != strings.Count(saved, "\n") {
					t.Errorf("%q: %s = %q: saved with mixed line ends: %q", text, field.Key, c.in, saved)
				}
			}
		}
	}
}

func tail(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

func TestNewFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "postern.toml")
	f := NewFile(path, Default())
	for key, text := range map[string]string{"ports.smtp": "25", "host.proxy.ssh": "root@203.0.113.7", "tunnel.network": "10.77.0.0/24"} {
		if err := f.Set(key, text); err != nil {
			t.Fatal(err)
		}
	}
	f.Site.Revision = 3
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	want := header + `schema = 1
revision = 3

[host.proxy]
ssh = "root@203.0.113.7"

[tunnel]
network = "10.77.0.0/24"

[ports]
smtp = 25
`
	if got := content(t, path); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	// a second site must not be written over the first
	if err := NewFile(path, Default()).Save(); !errors.Is(err, ErrChanged) {
		t.Errorf("a new file over one that exists: %v", err)
	}
}

func TestSaveIsPrivateAndKeepsLinks(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real.toml"), filepath.Join(dir, "postern.toml")
	if err := os.WriteFile(real, []byte("schema = 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.toml", link); err != nil {
		t.Skip(err)
	}
	f := load(t, link)
	if err := errors.Join(f.Set("ports.imaps", "1993"), f.Save()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if info, _ := os.Stat(real); runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if got := content(t, real); !strings.Contains(got, "imaps = 1993") {
		t.Errorf("not in the file behind the link: %q", got)
	}
	dangling := filepath.Join(dir, "dangling.toml")
	if err := errors.Join(os.Symlink("later.toml", dangling), NewFile(dangling, Default()).Save()); err != nil {
		t.Fatal(err)
	}
	content(t, filepath.Join(dir, "later.toml"))
}

func TestSaveKeepsTheOwner(t *testing.T) {
	path := save(t, "schema = 1\n")
	if err := os.Chown(path, 12345, 12345); err != nil {
		t.Skip("only root can give files away: ", err)
	}
	f := load(t, path)
	if err := errors.Join(f.Set("ports.imaps", "1993"), f.Save()); err != nil {
		t.Fatal(err)
	}
	if got := owner(t, path); got != "12345 12345" {
		t.Errorf("the file belongs to %s now", got)
	}
}

func owner(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.Indirect(reflect.ValueOf(info.Sys()))
	return fmt.Sprint(v.FieldByName("Uid"), " ", v.FieldByName("Gid"))
}

func TestCrashInSaveLeavesTheOldFile(t *testing.T) {
	path := save(t, handmade)
	f := load(t, path)
	f.rename = func(from, _ string) error {
		if got := content(t, from); !strings.Contains(got, "imaps = 3993") {
			t.Errorf("the new file is not complete before the rename: %q", got)
		}
		return errors.New("power cut")
	}
	if err := f.Set("ports.imaps", "3993"); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(); err == nil || err.Error() != "saving the answers: power cut" {
		t.Errorf("error %v", err)
	}
	if got := content(t, path); got != handmade {
		t.Errorf("the old file changed:\n%s", got)
	}
	if list, _ := os.ReadDir(filepath.Dir(path)); len(list) != 1 {
		t.Errorf("left behind: %v", list)
	}
	f.rename = os.Rename
	if err := f.Save(); err != nil || !strings.Contains(content(t, path), "imaps = 3993") {
		t.Errorf("saving again: %v", err)
	}
}

func TestSaveLeavesTheFileOfSomebodyElseAlone(t *testing.T) {
	f := load(t, save(t, handmade))
	if err := f.Set("ports.imaps", "3993"); err != nil {
		t.Fatal(err)
	}
	other := handmade + "# typed meanwhile\n"
	if err := os.WriteFile(f.Path, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(); !errors.Is(err, ErrChanged) || content(t, f.Path) != other {
		t.Errorf("error %v", err)
	}
}

func TestSaveOfNothingWritesNothing(t *testing.T) {
	f := load(t, save(t, "schema = 1\n"+handmade))
	f.rename = func(string, string) error { return errors.New("written") }
	if err := f.Save(); err != nil {
		t.Error(err)
	}
}

func TestLabAnswersLoad(t *testing.T) {
	path := filepath.Join("..", "lab", "testdata", "site.toml")
	if _, err := os.Stat(path); err != nil {
		t.Skip("no answers file of the lab in this tree: ", err)
	}
	f := load(t, path)
	if problems := Problems(f.Site); len(problems) > 0 || len(f.Unknown) > 0 {
		t.Errorf("problems %v, unknown %v", problems, f.Unknown)
	}
}

func TestHas(t *testing.T) {
	f := load(t, save(t, handmade))
	for key, want := range map[string]bool{"ports.imaps": true, "ports.smtp": false, "host.mail.ssh": true, "nonsense": false} {
		if f.Has(key) != want {
			t.Errorf("Has(%s) is %v", key, !want)
		}
	}
	if NewFile("x", f.Site).Has("ports.imaps") {
		t.Error("a new file has answers before it is saved")
	}
}
