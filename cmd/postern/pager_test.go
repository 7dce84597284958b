//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A long text is opened in $PAGER with its arguments, and the terminal is given back; ctrl+c there is the pager's own. Without a
// pager, or with one that is not there, it is read inside.
func TestPager(t *testing.T) {
	t.Parallel()
	bin := t.TempDir()
	for _, tool := range []string{"sh", "cat"} {
		if err := os.Symlink("/bin/"+tool, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		pager string
		keys  []string // what is waited for, then what is pressed
	}{
		"with arguments": {"cat -n", []string{"Chapters", "o", "enter goes back to postern", "\r", "Chapters", ""}},
		"interrupted":    {"cat -n", []string{"Chapters", "o", "enter goes back to postern", "\x03", "the pager did not work", ""}},
		"none":           {"", []string{"Chapters", "o", "y copy", "q", "e answers", ""}},
		"missing":        {"no-such-pager -x", []string{"Chapters", "o", "y copy", "q", "e answers", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := watch(t, []string{"PATH=" + bin, "PAGER=" + c.pager}, "demo")
			for i := 0; i < len(c.keys); i += 2 {
				g.shows(c.keys[i])
				g.press(c.keys[i+1])
			}
			g.press("\x03")
			select {
			case err := <-g.done:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(time.Minute):
				t.Fatalf("it is not left:\n%s", g.look())
			}
		})
	}
}
