//go:build unix

package main

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write docs/pictures as the screens are: make pictures")

// through goes through the chapters as a person does who takes what is suggested and agrees to every change, until
// all is proven or see says that it is enough. It counts the questions; see is told each screen before it is answered,
// glimpse each screen on the way.
func through(g *glass, see func(what, screen string) (enough bool), glimpse func(screen string)) (questions int) {
	g.t.Helper()
	before := ""
	for {
		var what string
		var question bool
		screen := g.until("one that asks for something else than "+before, func(screen string) bool {
			glimpse(screen)
			what, question = asked(screen)
			return what != "" && what != before
		})
		if question {
			questions++
		}
		if see(what, screen) || strings.HasPrefix(what, "proof") && !strings.Contains(what, "of 7") {
			return questions
		}
		switch {
		case keyOf.MatchString(screen):
			g.press("yes\r")
		case strings.Contains(what, "/ review"):
			g.press("a")
		default:
			g.press("\r")
		}
		before = what
	}
}

// From nothing to proven in the wizard, on hosts where everything can be detected: few questions, few keys. The screens on
// the way are those of docs/pictures.
func TestDemoDrawn(t *testing.T) {
	t.Parallel()
	g := watch(t, nil, "demo")
	shot := map[string]picture{}
	take := func(name string) { shot[name] = g.picture() }
	asksChecks := "[run]  ask the checks over the new logins"
	questions := through(g, func(what, screen string) bool {
		switch {
		case strings.HasSuffix(what, "1 of 7  Network"):
			take("explain")
		case strings.Contains(what, "answersMail domain"):
			take("answers")
		case strings.Contains(what, "Guarded: 11"):
			g.shows("After this, on proxy: the world reaches 25", "> Guarded: 11")
			take("review")
			g.types("jj") // to a change that replaces a line
			g.shows(">  2 ~ ")
			take("change")
			set(g.clock, "06:12:21")
		case strings.HasPrefix(what, "proof") && strings.Contains(what, "Firewall"):
			g.until("at rest", func(screen string) bool { return !working.MatchString(screen) })
			take("proof")
		}
		return false
	}, func(screen string) {
		if _, seen := shot["apply"]; !seen && hasAll(screen, []string{asksChecks, "asking 17 checks over", "00:21", "7 of 7", "4 of 4"}) {
			take("apply")
		}
	})
	screen := g.shows("[ok]", "Proven.")
	for _, chapter := range []string{"1 Network   [ok]", "2 Firewall  [ok]", "3 WireGuard [ok]", "4 Mailcow   [ok]", "5 DNS       [ok]", "6 Haraka    [ok]", "7 Caddy     [ok]"} {
		if !strings.Contains(screen, chapter) {
			t.Errorf("proven, but not %s:\n%s", chapter, screen)
		}
	}
	t.Logf("%d questions, %d keys", questions, g.keys)
	if questions > 18 || g.keys > 60 {
		t.Errorf("%d questions and %d keys for all chapters; at most 18 and 60", questions, g.keys)
	}
	g.types("a")
	g.shows("all checks")
	take("overview")
	g.types("5")
	g.shows("5 of 7  DNS", "t tasks")
	g.types("t")
	g.shows("DNS / for you")
	g.types("kkkkk")
	g.shows("> [ok]      have mail for example.org")
	g.types("\x1b[6~")
	g.shows("MX", "To copy")
	take("tasks")
	for _, name := range []string{"explain", "answers", "review", "change", "apply", "proof", "overview", "tasks"} {
		p, ok := shot[name]
		if !ok {
			t.Errorf("there was no moment for a picture of %s", name)
			continue
		}
		golden(t, name+"-light.svg", p.svg("postern: "+name, light))
		golden(t, name+"-dark.svg", p.svg("postern: "+name, dark))
	}
}

// golden compares a picture with the one that is kept.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := top + "/docs/pictures/" + name
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == got {
		return
	}
	old, now := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range max(len(old), len(now)) {
		if i >= len(old) || i >= len(now) || old[i] != now[i] {
			t.Errorf("%s is not what the program draws any more: run make pictures, and look at it. From its line %d on:\nwas %s\nis  %s",
				name, i+1, strings.Join(old[min(i, len(old)):min(i+1, len(old))], ""), strings.Join(now[min(i, len(now)):min(i+1, len(now))], ""))
			return
		}
	}
}

// Without colours the selected row, failures and what could not be asked are told by "> " with reverse, and by words.
func TestMonochrome(t *testing.T) {
	t.Parallel()
	g := watch(t, []string{"NO_COLOR=1"}, "demo")
	through(g, func(what, _ string) bool { return strings.HasSuffix(what, "2 of 7  Firewall") }, func(string) {})
	g.types("c") // of bare hosts
	g.until("proof of bare hosts", func(screen string) bool {
		return hasAll(screen, []string{"Firewall / proof", "Not proven"}) && !working.MatchString(screen)
	})
	g.types("j k ") // all that follows from the first two causes, among which are all kinds
	g.types("\x1b[F")
	g.shows("> [ok]  ")
	g.types("kk")
	g.shows("> [unknown]")
	p := g.picture()
	screen := inASCII.Replace(p.text())
	for _, told := range []string{`\[FAIL\] `, `\[unknown\] `, `\[ok\] +\d+ ok`} {
		if !regexp.MustCompile(`(?m)^.{21}[|+] [> ] ` + told).MatchString(screen) {
			t.Errorf("no row has %s:\n%s", told, screen)
		}
	}
	var picked []int
	for y, row := range p {
		if strings.Contains(row.text(), "│ > ") || strings.Contains(row.text(), "┤ > ") {
			picked = append(picked, y)
		}
		for x, c := range row {
			if c.colour != 0 {
				t.Errorf("row %d, column %d is coloured", y+1, x+1)
			}
		}
	}
	if len(picked) != 1 {
		t.Fatalf("rows %v are selected:\n%s", picked, screen)
	}
	for x, c := range p[picked[0]][23:79] {
		if !c.reverse {
			t.Fatalf("column %d of the selected row is not reversed:\n%s", 24+x, screen)
		}
	}
	for y, row := range p {
		if reversed := slices.ContainsFunc(row[23:79], func(c cell) bool { return c.reverse }); reversed != (y == picked[0]) {
			t.Errorf("row %d looks like the selected one: %s", y+1, row.text())
		}
		if before, _, failed := strings.Cut(row.text(), "✗ FAIL"); failed && !row[utf8.RuneCountInString(before)].bold {
			t.Errorf("the failure of row %d is not bold: %s", y+1, row.text())
		}
	}
	golden(t, "monochrome.svg", p.svg("postern without colours", light))
}

// A terminal without UTF-8 gets the same screen in ASCII.
func TestInASCII(t *testing.T) {
	t.Parallel()
	g := watch(t, []string{"LANG=C"}, "demo")
	through(g, func(what, _ string) bool { return strings.HasSuffix(what, "2 of 7  Firewall") }, func(string) {})
	g.types("c") // of bare hosts
	g.until("proof of bare hosts", func(screen string) bool {
		return hasAll(screen, []string{"Firewall / proof", "Not proven", "> [FAIL]"}) && !working.MatchString(screen)
	})
	p := g.picture()
	if at := notASCII.FindString(p.text()); at != "" {
		t.Errorf("%q on an ASCII screen:\n%s", at, p.text())
	}
	golden(t, "ascii-light.svg", p.svg("postern in ASCII", light))
	golden(t, "ascii-dark.svg", p.svg("postern in ASCII", dark))
}

// varying is what differs from run to run although the screen is the same: how long hosts took, and when their guards began.
var varying = regexp.MustCompile(`\d+\.\d s\b|\bin 0[01]:\d\d\b`)

// steady is text in which nothing differs from run to run, of the same length.
func steady(row string) string {
	return varying.ReplaceAllStringFunc(row, func(s string) string {
		if strings.HasPrefix(s, "in ") {
			return "in 01:58"
		}
		return strings.Repeat(" ", len(s)-5) + "0.1 s"
	})
}
