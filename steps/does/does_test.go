package does

import (
	"slices"
	"strings"
	"testing"

	"postern/remote"
)

var things = map[string]Thing{
	"packages": Packages{"one"}, "user": User{Name: "app"}, "dir": Dir{Path: "/var/lib/app"}, "file": File{Path: "/etc/app", Text: "x\n"},
	"keys": Keys{Path: "/etc/app", Syntax: Ini, Set: []Key{{"", "a", "b"}}}, "block": Block{Path: "/etc/app", Text: "x\n"},
	"unit": Unit{Name: "app.service"}, "own unit": Unit{Name: "app.service", Text: "[Service]\n"}, "drop-in": Unit{Name: "app.service", Text: "[Unit]\n", File: "/etc/x", Starts: ByOthers},
	"download": Download{URL: "https://files.test/x", Path: "/opt/x", SHA256: sum("x"), Size: 1}, "npm": Npm{Dir: "/opt/app", Lock: lockText},
	"compose": Compose{Dir: "/opt/app", Project: "app"}, "command": Command{ID: "x", Title: "do x", Test: "true", Do: "true"},
}

// TestUnknownIsNotAbsent: what nobody saw, or what could not be read, is refused in one line.
func TestUnknownIsNotAbsent(t *testing.T) {
	for name, thing := range things {
		for what, answer := range map[string]*remote.Answer{"not asked": nil, "not readable": {Code: 3}, "cut": {Cut: true}, "nonsense": {Out: "what\n\x1b[2J is\nthis"}} {
			if what == "nonsense" && (name == "packages" || name == "user" || name == "command" || name == "compose") {
				continue // what tells nothing of them tells that they are not there
			}
			f := remote.Facts{Host: "host", Answers: map[string]remote.Answer{}}
			for _, q := range thing.Reads() {
				if answer != nil && (what != "nonsense" || q.Run != "") {
					f.Answers[q.ID] = *answer
				}
			}
			_, changes, err := Table{"app", []Thing{thing}}.Plan(f)
			if err == nil || len(changes) > 0 || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%s, %s: %v, %d changes", name, what, err, len(changes))
			}
		}
	}
}

// TestRefused: what must not come near a shell, or into a plan, is refused whatever is there.
func TestRefused(t *testing.T) {
	lock := func(from, to string) Npm { return Npm{Dir: "/opt/app", Lock: strings.Replace(lockText, from, to, 1)} }
	for want, thing := range map[string]Thing{
		`"a;b" is not a package`:        Packages{"a;b"},
		`"-oX" is not a package`:        Packages{"-oX"},
		`"Root" is not the name`:        User{Name: "Root"},
		`"a b" is not an absolute path`: Dir{Path: "a b"},
		`"/a/../b" is not a clean`:      File{Path: "/a/../b"},
		`"/a'b" is not an absolute`:     Block{Path: "/a'b", Text: "x"},
		`"o:$(id)" is not an owner`:     File{Path: "/etc/app", Owner: "o:$(id)"},
		`"a.exe" is not a unit`:         Unit{Name: "a.exe"},
		`is not an https address`:       Download{URL: "http://files.test/x", Path: "/opt/x", SHA256: sum("x")},
		`"12" is not a SHA-256`:         Download{URL: "https://files.test/x", Path: "/opt/x", SHA256: "12"},
		`"A B" is not the name of a`:    Compose{Dir: "/opt/app", Project: "A B"},
		`"node_modules/two" has no`:     lock("sha512-y", "sha1-y"),
		`"node_modules/one" has no`:     lock("https://packages.example.org/one", "http://packages.example.org/one"),
		`its lock file is none`:         lock("packages", "dependencies"),
		`a secret ("password") does`:    File{Path: "/etc/app", Text: "user = a\npassword = horse\n"},
		`PRIVATE KEY`:                   File{Path: "/etc/app", Text: "-----BEGIN RSA PRIVATE KEY-----\n"},
		`a secret ("PrivateKey") does`:  Block{Path: "/etc/there", Text: "PrivateKey = abc\n"},
		`does not read as one setting`:  Keys{Path: "/etc/there", Syntax: Assignments, Set: []Key{{"", "A", "'x"}}},
		`the file is not there`:         Keys{Path: "/etc/app", Syntax: Ini, Set: []Key{{"", "a", "b"}}},
		`is already there and is no`:    User{Name: "ann"},
		`app.service is masked`:         Unit{Name: "app.service"},
		`app.service does at its end`:   Unit{Name: "app.service", Text: "[Service]\nExecStop=/bin/true\n"},
		`another project's`:             Npm{Dir: "/opt/old", Lock: lockText},
	} {
		f := remote.Facts{Host: "host", Answers: map[string]remote.Answer{}}
		for _, q := range thing.Reads() {
			f.Answers[q.ID] = remote.Answer{Out: map[string]string{"unit app.service": "LoadState=masked\n", "user ann": "ann:x:1000:1000::/home/ann:/bin/sh\n",
				"/etc/there": "B='y'\n", "/opt/old/package-lock.json": "{}"}[q.ID]}
			if q.File == "/etc/app" || q.File == "/opt/app/package-lock.json" {
				f.Answers[q.ID] = remote.Answer{Code: 1}
			}
		}
		if _, _, err := (Table{"app", []Thing{thing}}).Plan(f); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "app: host: ") {
			t.Errorf("%T: %v; want %q", thing, err, want)
		}
	}
}

// TestRedactedStays: a file of others whose secrets are redacted is changed around them.
func TestRedactedStays(t *testing.T) {
	const text = "[Interface]\nPrivateKey = redacted:0123456789abcdef\nMTU = 1\n"
	f := remote.Facts{Host: "host", Answers: map[string]remote.Answer{"/etc/wg": {Out: text, Mode: 0o600, Owner: "root:root"}}}
	_, changes, err := Table{"app", []Thing{Keys{Path: "/etc/wg", Syntax: Ini, Set: []Key{{"Interface", "MTU", "2"}}}}}.Plan(f)
	if err != nil || len(changes) != 1 || changes[0].New.Text != strings.Replace(text, "1\n", "2\n", 1) || changes[0].New.Mode != 0o600 {
		t.Errorf("%v, %+v", err, changes)
	}
}

// TestRestartsWhatReadsIt: a unit that runs restarts when a file that it reads changes, named itself or by its folder, and goes on
// when another does.
func TestRestartsWhatReadsIt(t *testing.T) {
	f := remote.Facts{Host: "host", Answers: map[string]remote.Answer{
		"/etc/app/own.conf": {Out: "old\n", Mode: 0o644, Owner: "root:root"},
		"unit app.service":  {Out: "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n"}}}
	for _, c := range []struct {
		reads string
		stale bool
	}{{"/etc/app/own.conf", true}, {"/etc/app/", true}, {"/etc/", true}, {"/etc/app/other.conf", false}, {"/etc/app", false}, {"/etc/ap/", false}} {
		_, changes, err := Table{"app", []Thing{File{Path: "/etc/app/own.conf", Text: "new\n"}, Unit{Name: "app.service", Config: []string{c.reads}}}}.Plan(f)
		restarts := slices.ContainsFunc(changes, func(one remote.Change) bool { return one.Do == "systemctl restart 'app.service'\n" })
		if err != nil || restarts != c.stale {
			t.Errorf("it reads %s: %v, %+v", c.reads, err, changes)
		}
	}
}
