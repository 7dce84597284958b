package draw

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
)

// typedInto presses keys in an editor: letters, and "down" and the like in angle brackets.
func typedInto(e *Editor, keys ...string) *Editor {
	named := map[string]tea.Key{"<down>": {Code: tea.KeyDown}, "<up>": {Code: tea.KeyUp}, "<left>": {Code: tea.KeyLeft}, "<back>": {Code: tea.KeyBackspace}}
	for _, k := range keys {
		if key, ok := named[k]; ok {
			e.Update(tea.KeyPressMsg(key))
			continue
		}
		for _, r := range k {
			e.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
	return e
}

// A filled value is edited, not replaced: the cursor stands behind it. A paste takes the place of one that nobody touched.
func TestEditingAFilledValueEditsIt(t *testing.T) {
	th := NewTheme([]string{"LANG=C.UTF-8"}, false, false)
	edit := func(keys ...string) string { return typedInto(NewEditor(th, "root@host", nil, false), keys...).Value }
	for got, want := range map[string]string{edit("2"): "root@host2", edit("<back>", "<back>"): "root@ho", edit("<left>", "x"): "root@hosxt", edit(): "root@host"} {
		if got != want {
			t.Errorf("became %q, want %q", got, want)
		}
	}
	e := NewEditor(th, "root@host", nil, false)
	e.Update(tea.PasteMsg{Content: "me@there"})
	if e.Value != "me@there" {
		t.Errorf("pasted, it is %q", e.Value)
	}
	if e = typedInto(e, "s"); e.Value != "me@theres" {
		t.Errorf("typed behind, it is %q", e.Value)
	}
}

// A list is searched by typing; up and down choose of what is left.
func TestAListIsSearchedByTyping(t *testing.T) {
	th := NewTheme([]string{"LANG=C.UTF-8"}, false, false)
	make := func(keys ...string) *Editor {
		return typedInto(NewEditor(th, "", []string{"", "adopt", "replace", "keep"}, false), keys...)
	}
	for _, c := range []struct {
		keys, value, rows string
	}{
		{"", "", "> (leave it empty)|  adopt|  replace|  keep"},
		{"<down> <down>", "replace", "  (leave it empty)|  adopt|> replace|  keep"},
		{"ke", "keep", "> keep"},
		{"ep <down>", "keep", "  replace|> keep"},
		{"zz", "zz", ""},
		{"ke zz", "kezz", ""},
		{"zz <back> <back>", "", "> (leave it empty)|  adopt|  replace|  keep"},
		{"zz <back> <back> ad", "adopt", "> adopt"},
	} {
		e := make(strings.Fields(c.keys)...)
		var rows []string
		for _, l := range e.Options() {
			rows = append(rows, Readable(l.String()))
		}
		if got := strings.Join(rows, "|"); e.Value != c.value || got != c.rows {
			t.Errorf("%q: chosen %q, listed %q; want %q, %q", c.keys, e.Value, got, c.value, c.rows)
		}
	}
	if e := make("ke"); !strings.Contains(Readable(e.Draw(20).Text), "/ke") {
		t.Errorf("what is searched is not shown: %q", e.Draw(20).Text)
	}
}

func TestYesOrNo(t *testing.T) {
	th := NewTheme([]string{"LANG=C.UTF-8"}, false, false)
	for keys, want := range map[string]string{"": "false", "y": "true", "y n": "false", "<left>": "true", "y <left>": "false", "Y y": "true"} {
		e := typedInto(NewEditor(th, "false", []string{"false", "true"}, false), strings.Fields(keys)...)
		if e.Value != want || e.Lists() {
			t.Errorf("%q: %q", keys, e.Value)
		}
		if shown := Readable(e.Draw(20).Text); !strings.Contains(shown, "yes") || !strings.Contains(shown, "no") {
			t.Errorf("drawn as %q", shown)
		}
	}
}
