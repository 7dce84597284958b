package main

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/report"
	"postern/run"
	"postern/site"
	"postern/steps"
)

// example is a proposal with one of everything, its files below root.
func example(root, owner string) *run.Proposal {
	wg := "[Interface]\nPrivateKey = redacted:f52fbd32b2b3b86f\n"
	return &run.Proposal{Site: site.Default(), Plans: []steps.Plan{{
		Step:  "firewall",
		Notes: []steps.Note{{Host: "proxy", Warn: true, Text: "a rule of somebody else"}},
		Tasks: []steps.Task{{ID: "panel", Title: "Open the ports", Text: "Click.\nThen wait.", Copy: "25", Check: "firewall.open.smtp"}},
		Then:  []string{"the tunnel, once there are keys"},
		Parts: []steps.Part{
			{Host: "proxy", Inert: true, Changes: []remote.Change{{ID: "keys", Title: "Make keys", Do: "echo keys >>" + root + "/ran"}}},
			{Host: "proxy", Changes: []remote.Change{
				{ID: "forwarding", Title: "Forward", Why: "mail must get through", Path: root + "/etc/60.conf", Risk: remote.LoseSSH,
					New: &remote.File{Text: "a = 1\n\tb\n", Mode: 0o640, Owner: owner}, Test: "grep -q 'a = 1' \"$NEW\"",
					Do: "cat " + root + "/etc/60.conf >>" + root + "/ran", Undo: "echo undone >>" + root + "/ran"},
				{ID: "tunnel", Title: "Tunnel", Path: root + "/etc/wg0.conf", Old: &remote.File{Text: wg, Mode: 0o600, Owner: owner},
					New: &remote.File{Text: wg + "MTU = 1420\n", Mode: 0o600, Owner: owner}},
				{ID: "odd", Title: "Odd bytes", Path: root + "/etc/odd", New: &remote.File{Text: "100% \x1b[2J'\\ no newline", Mode: 0o644, Owner: owner}},
				{ID: "gone", Title: "Take away", Path: root + "/etc/old", Old: &remote.File{Text: "old\n", Mode: 0o644, Owner: owner}},
				{ID: "late", Title: "At confirm", Path: root + "/etc/late", AtConfirm: true, Keep: "cat " + root + "/etc/late >>" + root + "/ran",
					New: &remote.File{Text: "END-OF-FILE\nlate\n", Mode: 0o644, Owner: owner}},
			}},
		},
	}}}
}

func TestScriptDoesWhatThePlanShows(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no sh")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	p := example(root, me.Uid+":"+me.Gid)
	path := filepath.Join(root, "plan.sh")
	if err := os.WriteFile(path, []byte(script(p, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(script(p, ""), "\x1b") {
		t.Error("the script holds a control sequence")
	}
	write := func(name, text string) {
		t.Helper()
		os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755)
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("etc/wg0.conf", "[Interface]\nPrivateKey = hunter2\n")
	write("etc/old", "old\n")
	sh := func(arg string) {
		t.Helper()
		cmd := exec.Command("sh", path, arg)
		cmd.Env = append(os.Environ(), "POSTERN_KEPT="+root+"/kept")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("sh plan.sh %s: %v\n%s", arg, err, out)
		}
	}
	want := func(name, text string) {
		t.Helper()
		got, err := os.ReadFile(filepath.Join(root, name))
		if text == "" && !os.IsNotExist(err) || text != "" && string(got) != text {
			t.Errorf("%s is %q (%v), want %q", name, got, err, text)
		}
	}
	for range 2 { // by hand it may be run twice
		sh("proxy")
	}
	want("etc/60.conf", "a = 1\n\tb\n")
	want("etc/wg0.conf", "[Interface]\nPrivateKey = hunter2\nMTU = 1420\n")
	want("etc/odd", "100% \x1b[2J'\\ no newline")
	want("etc/old", "")
	want("etc/late", "END-OF-FILE\nlate\n")
	once := "keys\na = 1\n\tb\nEND-OF-FILE\nlate\n"
	want("ran", once+once)
	if info, _ := os.Stat(filepath.Join(root, "etc/60.conf")); info.Mode().Perm() != 0o640 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	sh("undo-proxy")
	want("etc/60.conf", "")
	want("etc/wg0.conf", "[Interface]\nPrivateKey = hunter2\n")
	want("etc/odd", "")
	want("etc/old", "old\n")
	want("etc/late", "")
	want("ran", once+once+"undone\n")
	if out, err := exec.Command("sh", path, "mail").CombinedOutput(); err == nil || !strings.Contains(string(out), "usage:") {
		t.Errorf("a host without changes: %v %s", err, out)
	}
}

func TestPlanJSONHasWhatIsShown(t *testing.T) {
	p := example("/x", "root:root")
	v, out, people, _ := heard()
	if err := v.json(planObject(p), true); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	parts := got["parts"].([]any)
	if got["schema"] != 1.0 || got["empty"] != false || len(parts) != 2 || len(got["tasks"].([]any)) != 1 || len(got["notes"].([]any)) != 1 {
		t.Fatalf("got %s", out)
	}
	if first := parts[0].(map[string]any); first["inert"] != true {
		t.Error("preparations do not come first")
	}
	one := parts[1].(map[string]any)["changes"].([]any)[0].(map[string]any)
	for key, want := range map[string]any{"id": "forwarding", "step": "firewall", "title": "Forward", "file": "/x/etc/60.conf", "old": nil,
		"new": "a = 1\n\tb\n", "mode": "0640", "owner": "root:root", "risk": "lose-ssh", "undo": "echo undone >>/x/ran"} {
		if one[key] != want {
			t.Errorf("%s is %v, want %v", key, one[key], want)
		}
	}
	p.Guard = 2 * time.Minute
	v.lines(report.Proposal(p, nil, false))
	for _, want := range []string{"proxy: 1 change", "proxy: 5 changes", "1. [firewall] Forward   MAY CUT SSH", "why:  mail must get through",
		"file: /x/etc/60.conf (new, 0640 root:root)", "+a = 1", "+MTU = 1420", "-old", "undo: # the file is removed", "echo undone",
		"put in place when the change is confirmed", "a rule of somebody else", "then: the tunnel", "after 2m0s"} {
		if !strings.Contains(people.String(), want) {
			t.Errorf("%q is not shown:\n%s", want, people)
		}
	}
	if strings.Contains(people.String(), "\x1b") {
		t.Error("a control sequence of a file reached the screen")
	}
}

func TestWayBackIsShownOncePerHostBeforeTheRisk(t *testing.T) {
	v, _, people, _ := heard()
	said := report.Said{}
	p := example("/x", "root:root")
	for range 2 {
		v.lines(report.Proposal(p, said, true))
	}
	if n := strings.Count(people.String(), "on the console of proxy"); n != 1 {
		t.Errorf("shown %d times:\n%s", n, people)
	}
	if strings.Contains(people.String(), "on the console of mail") {
		t.Error("shown for a host that nothing endangers")
	}
}

func results() []checks.Result {
	return []checks.Result{
		{ID: "a", Step: "firewall", From: "here", Outcome: checks.OK, Took: time.Second},
		{ID: "b", Step: "firewall", From: "proxy", Outcome: checks.Fail, Saw: remote.Clean("<no> \x1b[2J& \"answer\""), Want: "an answer",
			Likely: "a rule", Fix: "firewall", Evidence: remote.Clean("line 1\nline 2")},
		{ID: "c", Step: "network", From: "mail", Outcome: checks.Unknown, Saw: remote.Clean("no route"), Likely: "down"},
		{ID: "d", Step: "network", From: "mail", Outcome: checks.Unknown, Saw: remote.Clean("no route"), Likely: "down"},
		{ID: "e", Step: "network", From: "mail", Outcome: checks.Skip, Saw: remote.Clean("not here")},
		{ID: "f", Step: "wireguard", From: "mail", Outcome: checks.Warn, Saw: remote.Clean("old")},
	}
}

func TestFindings(t *testing.T) {
	v, _, people, _ := heard()
	v.lines(report.Findings(results()))
	want := `
Network
[unknown] c, asked from mail
    saw       no route
    likely    down
    follows   [unknown] d, asked from mail: no route

Firewall
[FAIL] b, asked from proxy
    saw       <no> & "answer"
    want      an answer
    likely    a rule
    fix       postern apply firewall
    evidence  line 1
              line 2

WireGuard
[warn] f, asked from mail
    saw       old

6 checks: 1 ok, 1 warn, 1 failed, 2 could not be asked, 1 skipped
`
	if people.String() != want {
		t.Errorf("got\n%swant\n%s", people, want)
	}
}

func TestJUnitTellsFailuresFromErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.xml")
	if err := writeJUnit(path, results()); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	var back junitSuites
	if err := xml.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	s := back.Suites[0]
	if s.Tests != 6 || s.Failures != 1 || s.Errors != 2 || s.Skipped != 1 || s.Cases[1].Failure == nil || s.Cases[5].Failure != nil {
		t.Errorf("got %s", text)
	}
	if got := s.Cases[1].Failure.Message; got != `<no> & "answer"` {
		t.Errorf("message %q", got)
	}
	if err := writeJUnit(filepath.Join(path, "no", "folder"), nil); err == nil {
		t.Error("a file that cannot be written is no error")
	}
}

func TestWatchTellsOnlyWhatChanged(t *testing.T) {
	before := results()
	if lines := report.Changed(before, before); len(lines) > 0 {
		t.Errorf("nothing changed, yet %q", lines)
	}
	after := append([]checks.Result(nil), before[1:]...)
	after[0].Outcome = checks.OK
	after = append(after, checks.Result{ID: "g", From: "here", Outcome: checks.Fail, Fix: "do"})
	lines := strings.Join(report.Changed(before, after), "\n")
	for _, want := range []string{"[ok]      b", "(was fail)", "[FAIL]    g", "(new)", "fix: do", "[gone]    a"} {
		if !strings.Contains(lines, want) {
			t.Errorf("%q is not told:\n%s", want, lines)
		}
	}
}
