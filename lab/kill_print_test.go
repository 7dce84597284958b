//go:build linux

package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// hostPrint prints everything a change of ours may touch on a host: files with mode and owner, rules, settings, units,
// the tunnel, and what of a transaction is still there. Only a revision, a roaming endpoint and a random port are left out.
const hostPrint = `export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
in='/etc /usr/local'; for d in /opt/haraka-in /opt/haraka-out; do if [ -e $d ]; then in="$in $d"; fi; done
find $in -name queue -prune -o -printf 'file %p %y %m %u:%g %l\n' | sort
find $in -name queue -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
for save in iptables-save ip6tables-save; do $save | sed -e '/^#/d' -e 's/\[[0-9:]*\]//' -e "s/^/$save /"; done
sysctl -a 2>/dev/null | grep -e forwarding -e ip_forward -e rp_filter -e src_valid_mark -e redirects -e accept_ra | grep -v 'conf\.wg0\.accept_redirects'
systemctl list-unit-files --no-legend --plain | awk '$2 != "transient" { print "unit", $1, $2 }' | sort
for u in wg-quick@wg0 ssh haraka-in haraka-out postern-smtp postfix; do echo "$u $(systemctl is-active $u | sed s/activating/active/)"; done
systemctl list-units --no-legend --plain 'postern-*' | awk '{ print "left", $1 }'
wg showconf wg0 | sed -e '/^PrivateKey/d' -e "/^$1/d"
ip -o address show wg0 | grep -v fe80 | sed 's/^[0-9]*: //'
ip rule; ip -6 rule; ip route show table all | grep wg0 | grep -v fe80
cd /var/lib/postern && ls -A | grep -v -e '^done\.' -e '^MUT$' -e '^JOB' -e '^job\.' -e '^\.$'
find base | sort; grep -v -e '^#' -e '^revision' site.toml; :`

// printOf is a host's print.
func printOf(t *testing.T, l *Lab, host string) string {
	t.Helper()
	roams := map[string]string{"proxy": "Endpoint", "mail": "ListenPort"}[host]
	return want(t, l, host, "sh", "-c", hostPrint, "print", roams)
}

// empty is a line of a table that says nothing unless rules follow.
var empty = regexp.MustCompile(`^ip6?tables-save (\*|COMMIT|:[A-Z]+ ACCEPT)`)

// print is a host's print, as far as a shape leaves it alike. From bare hosts on, keys are made before anything that is taken back, and
// others each time.
func (a *arena) print(t *testing.T, host string) string {
	t.Helper()
	text := printOf(t, a.l, host)
	if len(a.shape.set) > 0 {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		if empty.MatchString(line) {
			continue // a table with nothing in it is there until the next boot
		}
		ours := strings.HasPrefix(line, "file ") && strings.Contains(line, "/wg0.conf ")
		if strings.HasPrefix(line, "base") || strings.HasPrefix(line, "PublicKey") || strings.Contains(line, "/etc/wireguard") && !ours {
			continue
		}
		if a.shape.mail != "" && unlike(line) {
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

// apart are the lines that one print has and the other has not.
func apart(now, was string) string {
	var b strings.Builder
	a, z := strings.Split(now, "\n"), strings.Split(was, "\n")
	for _, line := range a {
		if !slices.Contains(z, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	for _, line := range z {
		if !slices.Contains(a, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	if b.Len() == 0 && now != was {
		return "the same lines in another order\n"
	}
	return b.String()
}

// killTable tells how many faults of each kind there were, how the hosts ended, and how long nobody could log in.
func killTable(rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d faults\n%-22s %6s %6s %6s %14s\n", len(rows), "", "faults", "OLD", "NEW", "ssh again (s)")
	for _, kind := range append(slices.Clone(killKinds), "all") {
		n, ends, slowest := 0, map[string]int{}, time.Duration(0)
		for _, r := range rows {
			if kind != "all" && r.blow != kind {
				continue
			}
			n++
			for _, end := range r.ends {
				ends[end]++
			}
			slowest = max(slowest, r.ssh)
		}
		hosts := max(1, ends["OLD"]+ends["NEW"]+ends["NEITHER"]+ends["HALF"])
		fmt.Fprintf(&b, "%-22s %6d %5d%% %5d%% %14.1f\n", kind, n, 100*ends["OLD"]/hosts, 100*ends["NEW"]/hosts, slowest.Seconds())
	}
	return b.String()
}
