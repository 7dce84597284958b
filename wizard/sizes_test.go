package wizard

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"postern/checks"
	"postern/remote"
	"postern/run"
	"postern/steps"
	"postern/wizard/draw"
)

// scene is one screen in one state.
type scene struct {
	name string
	make func(t *testing.T) *table
}

// scenes are all screens, in every state that looks different. Further files add theirs.
var scenes []scene

// known is a site that is answered and saved.
const known = `domain = example.org
hostname = mail.a-rather-long-name-for-a-host.example.org
host.proxy.ssh = root@proxy.a-rather-long-name-for-a-host.example.org:2222
host.mail.ssh = root@mail.a-rather-long-name-for-a-host.example.org
saved`

func looked(t *testing.T, lines ...string) *table {
	x := newTable(t, setup(t, known))
	for _, l := range lines {
		x.says(l)
	}
	return x
}

func init() {
	at := func(name string, make func(t *testing.T) *table) { scenes = append(scenes, scene{name, make}) }
	fresh := func(t *testing.T, keys string) *table {
		x := newTable(t, setup(t, "demo"))
		x.keys(keys)
		return x
	}
	at("explain", func(t *testing.T) *table { return fresh(t, "") })
	for i, s := range steps.All() {
		at("explain "+s.ID, func(t *testing.T) *table { return fresh(t, fmt.Sprint(i+1)) })
		at("ask "+s.ID, func(t *testing.T) *table { return fresh(t, fmt.Sprint(i+1)+" e") })
		at("ask help "+s.ID, func(t *testing.T) *table { return fresh(t, fmt.Sprint(i+1)+" e f1") })
	}
	at("explain with everything to tell", func(t *testing.T) *table {
		x := fresh(t, "2")
		long := strings.Repeat("some words that were found on the host ", 5)
		x.w.chapter("firewall").plan = steps.Plan{Refused: []string{long}, LockOut: []string{long},
			Notes: []steps.Note{{Host: "proxy", Text: long}, {Host: "mail", Warn: true, Text: long}}, Tasks: []steps.Task{{Title: "call"}}}
		return x
	})
	at("ask, wrong", func(t *testing.T) *table { return fresh(t, `enter "no domain at all" enter`) })
	at("ask, more", func(t *testing.T) *table { return fresh(t, "2 e shift+tab enter") })
	for _, keys := range []string{"1 e shift+tab shift+tab", "1 e shift+tab shift+tab shift+tab shift+tab left", "2 e up up up right"} {
		at("ask answered, "+keys, func(t *testing.T) *table {
			x := looked(t, "started look", "done look firewall")
			x.keys(keys)
			return x
		})
	}
	at("contents", func(t *testing.T) *table { return fresh(t, "esc") })
	at("contents, looking", func(t *testing.T) *table {
		return looked(t, "started look", "event connect proxy: logged in, and root, after a while that was longer than it should be")
	})
	at("help", func(t *testing.T) *table { return fresh(t, "?") })
	at("ways", func(t *testing.T) *table { return fresh(t, "enter ctrl+o") })
	at("console", func(t *testing.T) *table { return fresh(t, "enter ctrl+o down down enter") })
	for _, kind := range []remote.Kind{remote.HostKey, remote.Password, remote.Passphrase, remote.Sudo, remote.Handed, remote.Challenge} {
		at("prompt "+string(kind), func(t *testing.T) *table {
			return looked(t, "started look", "prompt "+string(kind)+" proxy ssh-ed25519 SHA256:2gmZ0qVQmvpz3tzlKWNVbTqPqJVbCvV9aPZ3tNSe6OY")
		})
	}
	at("prompt, wrong", func(t *testing.T) *table {
		x := looked(t, "started look", "prompt hostkey proxy ssh-ed25519 SHA256:2gmZ0qVQmvpz3tzlKWNVbTqPqJVbCvV9aPZ3tNSe6OY")
		x.keys(`"y" enter`)
		return x
	})
	for _, err := range []error{run.ErrStale, run.ErrRefused, remote.ErrUnknownKey, remote.ErrLost, errors.New(strings.Repeat("it does not answer ", 30))} {
		at("trouble: "+err.Error()[:10], func(t *testing.T) *table { return looked(t, "started look", "done look error: "+err.Error()) })
	}
	at("trouble, again", func(t *testing.T) *table {
		x := looked(t, "started look", "done look error: no", "started look")
		return x
	})
	sites := "site home /home/me/.config/postern/home.toml mx.example.org\nsite a-second-one-with-a-long-name /x.toml mail.a-second-one.example.org\nsite broken /y.toml cannot be read: line 3"
	at("sites", func(t *testing.T) *table { return newTable(t, setup(t, sites)) })
	at("sites, asking", func(t *testing.T) *table {
		o := setup(t, sites)
		o.Sites.Forget = func(string) error { return nil }
		x := newTable(t, o)
		x.keys("f enter")
		return x
	})
	at("many results, listed", func(t *testing.T) *table {
		x := crowded(t)
		x.tell(openMsg{newOverview(&x.w.board)})
		return x
	})
	at("many results", func(t *testing.T) *table { return crowded(t) })
}

// crowded is a site of which 80 results are known.
func crowded(t *testing.T) *table {
	x := looked(t, "started look", "done look")
	for i := range 80 {
		x.tell(resultMsg{checks.Result{ID: fmt.Sprintf("firewall.open.port%d", i), Step: "firewall", From: "here", Outcome: checks.Fail,
			Saw: remote.Clean("timed out after 5 s"), Want: "an answer", Likely: "the rule is not there", Fix: "firewall", Took: time.Second}})
	}
	return x
}

func TestEveryScreenFitsEverySize(t *testing.T) {
	for _, s := range scenes {
		x := s.make(t)
		for _, size := range []string{"40x12", "60x15", "71x20", "72x20", "80x24", "100x30", "120x40", "200x60"} {
			t.Run(s.name+" "+size, func(t *testing.T) {
				x.size(size)
				fits(t, x)
			})
		}
	}
}

// fits says whether a screen is no larger than it may be, and all of its page can be reached.
func fits(t *testing.T, x *table) {
	t.Helper()
	w := x.w
	var rows []string
	for _, ascii := range []bool{false, true} { // the last one stays: what is said is looked for in it
		w.theme = draw.NewTheme(w.o.Environ, ascii, false)
		if rows = w.rows(); len(rows) != w.height {
			t.Errorf("%d rows on a screen of %d", len(rows), w.height)
		}
		for _, r := range rows {
			if n := ansi.StringWidth(r); n > w.width {
				t.Errorf("a row of %d columns on a screen of %d: %q", n, w.width, ansi.Strip(r))
			}
			if why := harm(r); why != "" {
				t.Errorf("%s in %q", why, r)
			}
			if text := ansi.Strip(r); ascii && strings.IndexFunc(text, func(c rune) bool { return c > 0x7e }) >= 0 {
				t.Errorf("%q on an ASCII screen", text)
			}
		}
	}
	v, over := w.seen(), w.top()
	if len(w.prompts) > 0 {
		over = w.prompts[0].layer
	}
	if w.helping != nil {
		over, v = w.helping, w.helping.page.View(w.pageWidth(), w.bodyHeight())
	}
	for _, l := range append(v.lines, v.pinned...) {
		if n := draw.Columns(ansi.Strip(l.String())); n > w.pageWidth() {
			t.Errorf("%q is cut: %d columns of %d", l.String(), n, w.pageWidth())
		}
	}
	if len(v.pinned) > w.bodyHeight()/2 && !strings.Contains(v.help, strings.TrimSpace(v.pinned[0].String())[:8]) {
		t.Errorf("%d pinned lines, %d at most, and help does not tell them", len(v.pinned), w.bodyHeight()/2)
	}
	var seen strings.Builder
	over.Offset = 0
	for range 200 {
		for _, r := range w.rows() {
			seen.WriteString(ansi.Strip(r) + "\n")
		}
		before := over.Offset
		over.Key("pgdown")
		if over.Offset == before {
			break
		}
	}
	for _, l := range v.lines {
		if text := strings.TrimSpace(w.theme.Clean(l.String(), 1<<16)); !l.Rule && !strings.Contains(seen.String(), text) {
			t.Errorf("%q cannot be reached", text)
		}
	}
	if !strings.Contains(rows[len(rows)-1], "ctrl+c") {
		t.Errorf("the last row does not say how to leave: %q", rows[len(rows)-1])
	}
}

func TestBelowTheFloor(t *testing.T) {
	for _, size := range []string{"1x1", "10x3", "39x12", "40x11"} {
		x := newTable(t, setup(t, ""))
		x.size(size)
		for _, r := range x.w.rows() {
			if ansi.StringWidth(r) > x.w.width {
				t.Errorf("%s: %q", size, r)
			}
		}
		x.keys("ctrl+c")
		if !x.quit {
			t.Errorf("%s: ctrl+c does not leave", size)
		}
	}
}

// frame is how long one may take to compute at 200x60 with 80 results.
const frame = 16 * time.Millisecond

func BenchmarkFrame(b *testing.B) {
	for _, s := range scenes {
		if s.name != "many results" && s.name != "many results, listed" && s.name != "ask firewall" && s.name != "explain" {
			continue
		}
		b.Run(strings.ReplaceAll(s.name, " ", "_"), func(b *testing.B) {
			x := s.make(&testing.T{})
			x.size("200x60")
			for b.Loop() {
				x.w.View()
			}
			if each := b.Elapsed() / time.Duration(b.N); each > frame {
				b.Errorf("a frame takes %v; %v at most", each, frame)
			}
		})
	}
}
