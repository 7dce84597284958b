//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMailcowKilled: whatever befalls a run while Mailcow's containers are made anew, on the way behind the tunnel or back, the next one ends it,
// and the old mail is there.
func TestMailcowKilled(t *testing.T) {
	t.Parallel()
	needTorture(t)
	m := newMailed(t, "haraka", Options{Suite: "trixie", Mail: "mailcow"})
	own, ports := m.ownFiles(), m.published()
	old := letter{from: "laptop", to: "192.168.50.2:25", sender: "zoe@registrar.test", rcpt: mailUser, word: "a-year-ago"}
	if err := old.send(t.Context(), m.l); err != nil {
		t.Fatal(err)
	}
	m.another()
	there := []string{"apply", "network", "firewall", "wireguard", "mailcow", "--yes"}
	away := []string{"undo", "mailcow", "--yes"}
	m.run(0, there...)
	hidden := m.published()
	m.run(0, away...)

	at := point{name: "containers", reached: func(f *flight, host string) bool { return f.said("change", host, "containers of "+mailcowDir) }}
	for i, blow := range mailKinds {
		for _, way := range [][]string{there, away} {
			t.Run(strings.ReplaceAll(blow, " ", "-")+" "+way[0], func(t *testing.T) {
				m := mailed{&operator{t: t, l: m.l, node: m.node, site: m.site}, m.l}
				f := fly(m.operator, append([]string{"--json", "--events"}, way...)...)
				if _, on := f.stopAt(at, "mail"); !on {
					t.Fatalf("the run ended before its containers:\n%s", f.told())
				}
				undo, err := blows[blow](f, "mail")
				if err != nil {
					t.Fatal(err)
				}
				if f.goOn(); blow == "link cut" || blow == "disk filled" {
					time.Sleep(time.Duration(10+5*i) * time.Second)
				}
				if undo != nil {
					if err := undo(); err != nil {
						t.Fatal(err)
					}
				}
				select {
				case <-f.ended:
				case <-time.After(10 * time.Minute):
					t.Fatalf("the program does not end:\n%s", f.told())
				}
				if err := poll(t.Context(), 12*time.Minute, func() bool {
					_, err := m.l.Exec(t.Context(), "mail", "sh", "-c", "cd /var/lib/postern && [ ! -e open ] && ! ls in.* 2>/dev/null")
					return err == nil
				}); err != nil { // the guard's time has what images take in it
					t.Fatalf("the host is not free:\n%s", f.told())
				}
				m.unhurried()
				listens := map[string][]string{"apply": hidden, "undo": ports}[way[0]]
				said, code := m.try(way...)
				if err := poll(t.Context(), 3*time.Minute, func() bool { return slices.Equal(m.published(), listens) }); err != nil {
					t.Fatalf("the next run ends with %d, and Mailcow listens on %q, want %q:\n%s\nthe one before:\n%s", code, m.published(), listens, said, f.told())
				}
				if way[0] == "undo" {
					for path, text := range own {
						if now := want(t, m.l, "mail", "cat", path); now != text {
							t.Errorf("%s was\n%s\nand is, undone,\n%s", path, text, now)
						}
					}
					m.l.inbox(t, "192.168.50.2", "a-year-ago")
				} else {
					m.settled("mailcow")
				}
			})
		}
	}
}
