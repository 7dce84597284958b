package wizard

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/rogpeppe/go-internal/txtar"

	"postern/checks"
	"postern/remote"
	"postern/run"
	"postern/site"
	"postern/steps"
)

var update = flag.Bool("update", false, "write the screens of the stories as they are")

// table is a wizard whose engine is a table of messages: what it is given to do is written down, what it says is told.
type table struct {
	t      *testing.T
	w      *shell
	quit   bool
	chosen []string // answers to proposals and prompts
}

func newTable(t *testing.T, o Options) *table {
	t.Helper()
	if o.Clock == nil {
		o.Clock = func() time.Time { return time.Date(2026, 11, 21, 6, 12, 0, 0, time.UTC) }
	}
	if o.Width == 0 {
		o.Width, o.Height = 80, 24
	}
	w := newShell(o, newEngine(o, func(tea.Msg) {}))
	w.later = func(time.Duration, func(time.Time) tea.Msg) tea.Cmd { return nil }
	x := &table{t: t, w: w}
	x.do(w.Init())
	return x
}

// do runs commands and what they lead to, until nothing is left.
func (x *table) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch m := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range m {
			x.do(c)
		}
	case tea.QuitMsg:
		x.quit = true
	default:
		x.tell(m)
	}
}

func (x *table) tell(m tea.Msg) {
	_, cmd := x.w.Update(m)
	x.do(cmd)
}

// keys presses keys: words are names of keys, text in quotes is typed, paste:TEXT is pasted.
func (x *table) keys(text string) {
	for _, k := range pressesOf(x.t, text) {
		x.w.rows() // nobody presses a key before the screen is drawn
		x.tell(k)
	}
}

var named = map[string]tea.Key{
	"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "tab": {Code: tea.KeyTab}, "shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift},
	"up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown}, "left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight},
	"pgup": {Code: tea.KeyPgUp}, "pgdown": {Code: tea.KeyPgDown}, "home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd},
	"backspace": {Code: tea.KeyBackspace}, "f1": {Code: tea.KeyF1}, "space": {Code: tea.KeySpace, Text: " "},
}

func pressesOf(t *testing.T, text string) []tea.Msg {
	t.Helper()
	var list []tea.Msg
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		if quoted, err := strconv.QuotedPrefix(text); err == nil {
			said, _ := strconv.Unquote(quoted)
			for _, r := range said {
				list = append(list, tea.KeyPressMsg{Code: r, Text: string(r)})
			}
			text = text[len(quoted):]
			continue
		}
		word, rest, _ := strings.Cut(strings.ReplaceAll(text, "\n", " "), " ")
		text = rest
		switch key, ok := named[word]; {
		case ok:
			list = append(list, tea.KeyPressMsg(key))
		case strings.HasPrefix(word, "paste:"):
			list = append(list, tea.PasteMsg{Content: strings.NewReplacer(`\n`, "\n", `\s`, " ").Replace(word[len("paste:"):])})
		case strings.HasPrefix(word, "ctrl+") && len(word) == 6:
			list = append(list, tea.KeyPressMsg{Code: rune(word[5]), Mod: tea.ModCtrl})
		case len(word) == 1:
			list = append(list, tea.KeyPressMsg{Code: rune(word[0]), Text: word})
		default:
			t.Fatalf("no such key: %q", word)
		}
	}
	return list
}

// says tells what one line of a story has the engine say.
func (x *table) says(text string) {
	x.t.Helper()
	verbOf, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	switch verbOf {
	case "":
	case "started":
		x.tell(startedMsg{x.job(rest), x.w.o.Clock()})
	case "event":
		kind, more, _ := strings.Cut(rest, " ")
		host, words, _ := strings.Cut(more, ": ")
		x.tell(eventMsg{steps.Event{At: x.w.o.Clock(), Kind: kind, Host: host, Text: words}})
	case "result":
		f := strings.SplitN(rest, " ", 5)
		x.tell(resultMsg{checks.Result{Outcome: checks.Outcome(f[0]), Step: f[1], ID: f[2], From: f[3], Saw: remote.Clean(f[4]), Took: time.Second / 10}})
	case "prompt":
		f := strings.SplitN(rest, " ", 3)
		kind, refused := strings.CutPrefix(f[0], "refused:")
		p := remote.Prompt{Kind: remote.Kind(kind), Host: f[1], Refused: refused}
		if len(f) > 2 {
			p.Text = remote.Clean(strings.ReplaceAll(f[2], `\n`, "\n"))
		}
		x.tell(promptMsg{p, func(text string, err error) { x.chosen = append(x.chosen, fmt.Sprintf("prompt: %q %v", text, err)) }})
	case "proposal":
		x.tell(proposalMsg{x.job("apply " + rest), x.proposal(rest), func(yes bool) { x.chosen = append(x.chosen, fmt.Sprintf("proposal: %v", yes)) }})
	case "done":
		words, failure, failed := strings.Cut(rest, " error: ")
		m := doneMsg{job: x.job(words)}
		if failed {
			m.err = failureOf(failure)
		} else if m.job.verb == look {
			m.proposal = x.proposal(strings.Join(m.job.steps, " ")) // not in place are those named
			m.job.steps = nil
		} else {
			m.outcome = run.Outcome{Empty: true}
		}
		x.tell(m)
	default:
		if !x.saysMore(verbOf, rest) {
			x.t.Fatalf("the engine cannot say %q", text)
		}
	}
}

// failureOf is an error of the words, wrapping the one they begin with.
func failureOf(words string) error {
	if host, rest, ok := strings.Cut(words, " away: "); ok {
		return errors.Join(&run.Unreachable{Hosts: []string{host}}, errors.New(rest))
	}
	if words == "changed key" {
		return fmt.Errorf("proxy: %w", &remote.ChangedKeyError{Address: "203.0.113.10", File: "/home/me/.ssh/known_hosts", Line: 3,
			Recorded: "ssh-ed25519 SHA256:2gmZ0qVQmvpz3tzlKWNVbTqPqJVbCvV9aPZ3tNSe6OY", Shown: "ssh-ed25519 SHA256:bXrnM3VqLkXpKkN4mVIYmVJtJzVt0bYFqPwFW3zF5dE"})
	}
	for _, e := range []error{run.ErrStale, run.ErrRolledBack, run.ErrRefused, remote.ErrLost, remote.ErrUnknownKey, remote.ErrNoAnswer} {
		if rest, ok := strings.CutPrefix(words, e.Error()); ok {
			return fmt.Errorf("%w%s", e, rest)
		}
	}
	return errors.New(words)
}

func (x *table) job(words string) job {
	f := strings.Fields(words)
	if len(f) == 0 {
		x.t.Fatal("a job has a verb")
	}
	return job{verb: verb(f[0]), steps: f[1:]}
}

// proposal has one change for the steps named, and finds all others in place.
func (x *table) proposal(named string) *run.Proposal {
	p := &run.Proposal{Site: x.w.file.Site.Clone()}
	for _, s := range steps.All() {
		plan := steps.Plan{Step: s.ID}
		if strings.Contains(" "+named+" ", " "+s.ID+" ") {
			plan.Parts = []steps.Part{{Host: "proxy", Changes: []remote.Change{{Step: s.ID, Title: "write /etc/example.conf", Path: "/etc/example.conf"}}}}
		}
		p.Plans = append(p.Plans, plan)
	}
	return p
}

// screen is what is seen, without colours.
func (x *table) screen() string {
	var b strings.Builder
	for _, r := range x.w.rows() {
		b.WriteString(strings.TrimRight(ansi.Strip(r), " ") + "\n")
	}
	return b.String()
}

func (x *table) size(text string) {
	x.t.Helper()
	var m tea.WindowSizeMsg
	if _, err := fmt.Sscanf(text, "%dx%d", &m.Width, &m.Height); err != nil {
		x.t.Fatalf("a size is like 80x24, not %q", text)
	}
	x.tell(m)
}

// jobs are what the engine was given since the last time.
func (x *table) jobs() string {
	var b strings.Builder
	for _, j := range x.w.engine.waiting {
		fmt.Fprintln(&b, strings.Join(append([]string{string(j.verb)}, j.steps...), " "))
	}
	x.w.engine.waiting = nil
	return b.String()
}

// setup makes the options a story begins with: lines of answers, "saved" when they are in the file already.
func setup(t *testing.T, text string) Options {
	t.Helper()
	o := Options{Environ: []string{"LANG=C.UTF-8", "TERM=xterm"}}
	o.File = site.NewFile(filepath.Join(t.TempDir(), "home.toml"), site.Default())
	for l := range strings.Lines(text) {
		l = strings.TrimSpace(l)
		key, value, _ := strings.Cut(l, " = ")
		switch {
		case l == "":
		case l == "saved":
			if err := o.File.Save(); err != nil {
				t.Fatal(err)
			}
		case l == "demo":
			o.Simulated = "demo: both hosts are simulated"
		case strings.HasPrefix(l, "past "):
			f := strings.Fields(l)
			at, err := time.Parse(time.RFC3339, f[3])
			if err != nil {
				t.Fatal(err)
			}
			before := o.Past
			o.Past = func(path string) map[string]Past {
				all := map[string]Past{}
				if before != nil {
					all = before(path)
				}
				all[f[2]] = Past{Outcome: checks.Outcome(f[1]), At: at}
				return all
			}
		case strings.HasPrefix(l, "site "):
			f := strings.SplitN(l, " ", 4)
			o.File = nil
			known := Known{Name: f[1], Path: f[2], Says: f[3]}
			before := o.Sites.List
			o.Sites.List = func() ([]Known, error) {
				var list []Known
				if before != nil {
					list, _ = before()
				}
				return append(list, known), nil
			}
		case strings.HasPrefix(l, "suggest "):
			if err := site.Set(o.File.Site, key[len("suggest "):], value); err != nil {
				t.Fatal(err)
			}
		default:
			if err := o.File.Set(key, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return o
}

func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { story(t, file) })
	}
}

func story(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var x *table
	var o Options
	for i, part := range archive.Files {
		name, rest, _ := strings.Cut(part.Name, " ")
		text := string(part.Data)
		if x == nil && name != "setup" {
			t.Fatal("a story begins with setup")
		}
		got, compare := "", true
		switch name {
		case "setup":
			o = setup(t, text)
			x = newTable(t, o)
			compare = false
		case "keys":
			x.keys(text)
			compare = false
		case "engine":
			for l := range strings.Lines(text) {
				x.says(l)
			}
			compare = false
		case "screen":
			x.size(rest)
			got = x.screen()
		case "jobs":
			got = x.jobs()
		case "answers":
			for _, one := range x.chosen {
				got += one + "\n"
			}
			x.chosen = nil
		case "file":
			raw, _ := os.ReadFile(x.w.file.Path)
			for l := range strings.Lines(string(raw)) {
				if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
					got += l + "\n"
				}
			}
		case "left":
			got = fmt.Sprintf("%v\n%s\n", x.quit, strings.ReplaceAll(strings.Join(x.w.farewell().Lines, "\n"), filepath.Dir(x.w.file.Path), "DIR"))
		default:
			t.Fatalf("a story has no %q", part.Name)
		}
		switch {
		case !compare:
		case *update:
			archive.Files[i].Data = []byte(got)
		case got != text:
			t.Errorf("%s, part %d, %q:\n--- want\n%s--- got\n%s", file, i+1, part.Name, text, got)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
