package saved

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"postern/remote"
	"postern/site"
)

// text is the file of a look, with a key that everybody knows.
func text(t testing.TB, l *Look) string {
	t.Helper()
	text, _, err := l.Text([]byte("a key"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// asked is a look that was told something of everything: files of all kinds, and answers that are not whole.
func asked() *Look {
	l := &Look{Host: "proxy", Role: site.Proxy, By: "1.2"}
	queries := []remote.Query{remote.ReadRun("system", "uname -s"), remote.ReadRun("tunnel wg0", "wg show"), remote.ReadRun("rules", "nft list ruleset"),
		remote.ReadFile("/etc/pf.conf"), remote.ReadFile("/etc/absent"), remote.ReadFile("/etc/secret"), remote.ReadRun("ufw", "ufw status"), remote.ReadRun("empty", ":")}
	l.Add(queries, remote.Facts{At: time.Date(2026, 11, 30, 12, 0, 0, 5000, time.UTC), Answers: map[string]remote.Answer{
		"system":       {Out: "== kernel\nFreeBSD\n== end\n"},
		"tunnel wg0":   {Out: "there is no wg command", Code: 3},
		"rules":        {Out: "\x1b[31mred\r\n\xff\xfe \t\n|\n\n\"quoted\"\n# no comment\nend: 3\n\\ no newline at the end\n  in\t tabs", Code: -1, Late: true},
		"/etc/pf.conf": {Out: "pass all\n\n", Mode: 0o640, Owner: "root:wheel"},
		"/etc/absent":  {Code: 1},
		"/etc/secret":  {Code: 2},
		"ufw":          {Out: "Status: active\nline", Cut: true},
		"empty":        {},
	}})
	return l
}

// The file looks as it does in testdata: who reads it before sending it has to find his way.
func TestFile(t *testing.T) {
	const golden = "testdata/proxy.look"
	got := text(t, asked())
	if os.Getenv("POSTERN_UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || got != string(want) {
		t.Errorf("%v; the file is now\n%s", err, got)
	}
}

// What was said comes back to the byte, whatever it was.
func TestEveryByteComesBack(t *testing.T) {
	lots := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", " ", "\n", "\n\n", "\t", "\r\n", "\x00", "\xff", "\x1b[2J", "é", "\u202e", "\ufffd", "| ", "\"", "#", "end: 1", "exit: 0", unended, title}
	for range 500 {
		l := asked()
		for n := range lots.IntN(4) {
			var b strings.Builder
			for range lots.IntN(12) {
				b.WriteString(pieces[lots.IntN(len(pieces))])
			}
			q := remote.ReadRun(fmt.Sprint("q ", n), "ask")
			l.Add([]remote.Query{q}, remote.Facts{At: l.At, Answers: map[string]remote.Answer{q.ID: {Out: b.String(), Code: lots.IntN(256)}}})
		}
		file := text(t, l)
		for _, sent := range []string{file, strings.ReplaceAll(file, "\n", "\r\n"), "\ufeff" + file, file + "\n\n"} {
			back, err := Parse(sent)
			if err != nil || !reflect.DeepEqual(back, l) {
				t.Fatalf("%v\n%#v\nbecame\n%#v\nby\n%s", err, l, back, sent)
			}
		}
		for _, r := range strings.ReplaceAll(strings.ReplaceAll(file, "\n", ""), "\t", "") {
			if !printable(r) {
				t.Fatalf("%q stands in a file that people read:\n%s", r, file)
			}
		}
	}
}

// A file that is not whole, or has lines too many, is not read; nobody is told of it in more than a line.
func TestDamagedFiles(t *testing.T) {
	file := text(t, asked())
	lines := strings.SplitAfter(file, "\n")
	for i := range len(lines) - 1 {
		if _, err := Parse(strings.Join(lines[:i], "")); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("cut behind line %d: %v", i, err)
		}
	}
	for _, c := range []struct{ old, now, says string }{
		{title + "1", "hello", `it is no saved look: its first line is not "postern look 1"`},
		{title + "1", title + "2", `of a form that this postern does not know: "2"`},
		{title + "1", "\xff\xfep\x00o\x00", "it is UTF-16"},
		{"host: proxy", "host: \x1b[2Jpro xy", `line 5: "pro xy" is no host`},
		{"host: proxy", "host: proxy\nhost: mail", "line 6: host stands here twice"},
		{"host: proxy\n", "", `the head has no line "host"`},
		{"role: proxy", "role: king", `"king" is no role`},
		{"at: 2026-11-30T12:00:00.000005Z", "at: today", `"today" is no at`},
		{"exit: 3", "exit: 3000", `"3000" is no exit`},
		{"exit: 3", "", `"tunnel wg0" has no line "exit"`},
		{"exit: 3", "exit: 3\nfavourite: blue", `"favourite" has no place here`},
		{"exit: 3", "favourite", `"favourite" is no line of a look`},
		{"exit: 3\n| there", "| there", `"tunnel wg0" has no line "exit"`},
		{"exit: 3\n| there", "| before\nexit: 3\n| there", "exit stands behind what the host said"},
		{"mode: 0640", "mode: 99", `"99" is no mode`},
		{"mode: 0640\n", "", `"/etc/pf.conf" has no line "mode"`},
		{"file: /etc/absent", "file: etc/absent", `"etc/absent" is no file`},
		{"file: /etc/absent", "file: /etc/pf.conf", `"/etc/pf.conf" is answered twice`},
		{"late: yes", "late: no", `"no" is no late`},
		{`"\x1b[31mred\r"`, `"\x1b[31mred\r`, "is no line in quotes"},
		{`"\x1b[31mred\r"`, `"a\nb"`, "is no line in quotes"},
		{"by: 1.2", `by: "1.2`, "is no text in quotes"},
		{"by: 1.2", "by: 1.2\n| hello", `"| hello" is of no answer`},
		{unended, unended + "\n| more", "stands behind a line that has no end"},
		{"question: system", unended + "\nquestion: system", "stands behind no line of the host"},
		{"end: 8", "end: 7", `there are 8 answers, and not "7"`},
		{"end: 8", "end: 8\n| more", `"| more" stands behind the end`},
	} {
		if !strings.Contains(file, c.old) {
			t.Errorf("%q is in no file any more", c.old)
		}
		_, err := Parse(strings.Replace(file, c.old, c.now, 1))
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q: %v, want %q", c.now, err, c.says)
		}
	}
	if _, err := Parse(title + version + "\n" + strings.Repeat("#", MaxFile)); err == nil {
		t.Error("a file longer than one may be is read")
	}
}

// What was not asked, or was asked in other words, is no answer.
func TestWhatALookLacks(t *testing.T) {
	l := asked()
	if facts, err := l.Facts([]remote.Query{remote.ReadRun("system", "uname -s"), remote.ReadFile("/etc/absent")}); err != nil || facts.Host != "proxy" || !facts.At.Equal(l.At) || len(facts.Answers) != 2 {
		t.Errorf("%+v %v", facts, err)
	}
	for says, q := range map[string]remote.Query{
		`lacks "jails": take it again with 'postern look proxy'`:        remote.ReadRun("jails", "jls"),
		`lacks "/etc/rc.conf": take it again`:                           remote.ReadFile("/etc/rc.conf"),
		`by postern 1.2, asked "system" in other words`:                 remote.ReadRun("system", "uname -r"),
		`the look of 2026-11-30 12:00 UTC, by postern 1.2, asked "ufw"`: remote.ReadRun("ufw", "ufw show raw"),
	} {
		facts, err := l.Facts([]remote.Query{remote.ReadRun("system", "uname -s"), q})
		if !errors.Is(err, ErrLacks) || !strings.Contains(err.Error(), says) || facts.Answers != nil {
			t.Errorf("%v %v, want %q", facts, err, says)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(text(f, asked()))
	f.Add(title + version + "\nhost: a\nrole: mail\nat: 2026-11-30T12:00:00Z\nby: \"\"\nend: 0\n")
	f.Fuzz(func(t *testing.T, file string) {
		l, err := Parse(file)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("more than a line: %q", err)
			}
			return
		}
		again, err := Parse(text(t, l))
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if text(t, again) != text(t, l) {
			t.Errorf("read again it is another:\n%s\n%s", text(t, l), text(t, again))
		}
	})
}
