//go:build linux

package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestWizardGuide: on hosts where somebody followed the guide by hand the wizard tells what it found and what becomes of it,
// and brings them to proven. The tunnel keeps its keys.
func TestWizardGuide(t *testing.T) {
	needLab(t)
	t.Parallel()
	onSuites(t, func(t *testing.T, suite string) {
		l := newLab(t, Options{Suite: suite})
		byTheGuide(t, l)
		o := newOperator(t, l, nil)
		s := o.open()
		s.shows("2 of 7 Firewall", "2 Firewall [--] not in place yet")
		told := s.scrolled()
		wantWords(t, told,
			"[warn] proxy: forwarding was open for everything, as the guide sets it, and gets closed",
			"(guide.forward = keep leaves it open)",
			"the guide's 6 rules in /etc/ufw/before.rules are taken out", "(guide.nat = keep leaves them)",
			"16 running NAT rules of the guide are deleted, as many times as they had multiplied",
			"proxy: rules that go away: allow from any to any port 587 proto tcp",
			"mail: rules that go away: allow from any to any port 51820 proto udp",
			"Not in place yet")
		s.goOn(2, "Firewall")
		s.shows("Guarded: ", "take the guide's NAT rules out of uf")
		s.press("esc") // a no keeps everything as it was
		s.shows("nothing was changed; your answers are kept")
		s.press("enter")
		s.shows("Guarded: ")
		s.agree()
		s.shows("Firewall / proof", "enter goes on")
		s.turn("enter", "Firewall / proof")

		s.shows("3 of 7 WireGuard", "3 WireGuard [--] not in place yet")
		wantWords(t, s.scrolled(),
			"proxy: /etc/wireguard/wg0.conf was made by hand after the guide: it is adopted and its key stays the same",
			"mail: /etc/wireguard/wg0.conf was made by hand after the guide: it is adopted and its key stays the same",
			"(guide.tunnel = replace", "proxy: made by hand after the guide: /etc/systemd/system/wireguard.service")
		s.bring(3, "WireGuard")
		s.allProven()
		s.leave(0)
		o.inShape(t, true)
		if out := o.run(0, "apply", "--yes"); !strings.Contains(out, "Nothing to change") {
			t.Errorf("a second apply found something to change:\n%s", out)
		}
	})
}

// inSight is how a screen says which rows of a longer page it shows.
var inSight = regexp.MustCompile(`(\d+)-(\d+) of (\d+)  pgup pgdn -`)

// scrolled reads a page that is longer than the screen to its end, as running text, once nothing is looked at any more.
func (s *screen) scrolled() string {
	s.t.Helper()
	rows := map[int]string{}
	for seen := ""; ; s.press("pgdown") {
		var last, all int
		s.until("anything after "+seen, func(text string) bool {
			m := inSight.FindStringSubmatch(text)
			if m == nil || m[0] == seen || strings.Contains(text, " looking ") {
				return false
			}
			first, _ := strconv.Atoi(m[1])
			last, _ = strconv.Atoi(m[2])
			all, _ = strconv.Atoi(m[3])
			for i, row := range strings.Split(text, "\n")[2 : 3+last-first] {
				rows[first+i] = row
			}
			seen = m[0]
			return true
		})
		if last == all {
			var list []string
			for i := range all {
				list = append(list, rows[i+1])
			}
			return page(strings.Join(list, "\n"))
		}
	}
}
