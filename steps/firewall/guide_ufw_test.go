package firewall

import (
	"strings"
	"testing"
)

func TestCutGuide(t *testing.T) {
	const (
		pre     = "-A PREROUTING -p tcp --dport 587 -j DNAT --to-destination 10.0.0.2:587\n"
		post    = "-A POSTROUTING -p tcp -d 10.0.0.2 --dport 587 -j MASQUERADE\n"
		theirs  = "-A POSTROUTING -s 10.8.0.0/24 -o eth0 -j MASQUERADE\n"
		open    = "*nat\n:PREROUTING ACCEPT [0:0]\n# a comment\n"
		filter  = "*filter\n-A ufw-before-input -i lo -j ACCEPT\nCOMMIT\n"
		forward = "-A ufw-before-forward -p tcp -d 10.0.0.2 --dport 587 -j ACCEPT\n"
	)
	cases := []struct {
		name, text, want string
		cut              int
		flushes          string
	}{
		{"the whole block", open + pre + post + "COMMIT\n" + filter, filter, 2, ""},
		{"twice", open + pre + post + "COMMIT\n" + open + pre + "COMMIT\n" + filter, filter, 3, ""},
		{"with a flush of its own", open + "-F\n" + pre + "COMMIT\n" + filter, filter, 1, ""},
		{"beside a rule of others", open + pre + theirs + post + "COMMIT\n" + filter, open + theirs + "COMMIT\n" + filter, 2, ""},
		{"beside others, with a flush", open + "-F PREROUTING\n" + pre + theirs + "COMMIT\n", open + "-F PREROUTING\n" + theirs + "COMMIT\n", 1, "-F PREROUTING"},
		{"in the filter table", "*filter\n" + forward + "COMMIT\n", "*filter\nCOMMIT\n", 1, ""},
		{"nothing of the guide", open + theirs + "COMMIT\n" + filter, open + theirs + "COMMIT\n" + filter, 0, ""},
		{"another port", open + strings.Replace(pre, "587", "465", 2) + "COMMIT\n", open + strings.Replace(pre, "587", "465", 2) + "COMMIT\n", 0, ""},
		{"another host", open + strings.Replace(pre, "10.0.0.2", "10.0.0.3", 1) + "COMMIT\n", open + strings.Replace(pre, "10.0.0.2", "10.0.0.3", 1) + "COMMIT\n", 0, ""},
		{"an option more", open + strings.Replace(pre, "-j", "-s 192.0.2.1 -j", 1) + "COMMIT\n", open + strings.Replace(pre, "-j", "-s 192.0.2.1 -j", 1) + "COMMIT\n", 0, ""},
		{"no end", open + pre, open, 1, ""},
	}
	for _, c := range cases {
		g := cutGuide(c.text, fuzzPolicy)
		if g.text != c.want || len(g.cut) != c.cut || g.flushes != c.flushes {
			t.Errorf("%s: cut %d, flushes %q, got\n%s\nwant\n%s", c.name, len(g.cut), g.flushes, g.text, c.want)
		}
	}
}
