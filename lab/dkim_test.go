//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
)

// TestDKIM: whether the record of a DKIM key is the mail server's is read on the mail host, natively and in a container. A key that was
// made anew is named, and the plan shows its record, to publish.
func TestDKIM(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]Options{
		"native":   {Mail: "plain"},
		"bookworm": {Mail: "plain", Suite: "bookworm"},
		"docker":   {Mail: "plain", Docker: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name != "native" {
				needTorture(t)
			}
			l := newLab(t, options)
			in := func(script string) string { return want(t, l, "mail", "sh", "-ec", script) }
			if options.Docker {
				want(t, l, "mail", "ip", "address", "add", "10.0.0.2/32", "dev", "lo")
				want(t, l, "laptop", "ip", "route", "add", "10.0.0.2", "via", "192.168.50.2")
				in = func(script string) string { return want(t, l, "mail", "docker", "exec", "mail", "sh", "-ec", script) }
				if err := l.awaitMail(t.Context(), "10.0.0.2"); err != nil {
					t.Fatal(err)
				}
			} else if err := l.awaitMail(t.Context(), "192.168.50.2"); err != nil {
				t.Fatal(err)
			}
			o := newOperator(t, l, nil)
			o.flags = []string{"--set", "domain=example.org", "--set", "hostname=mail.example.org", "--set", "mail.kind=plain"}
			all := o.output("export", "zone")
			publish := func(key string) {
				t.Helper()
				if err := l.PublishLines(all + key); err != nil {
					t.Fatal(err)
				}
			}
			says := func(result, saw string) {
				t.Helper()
				for _, r := range o.checks("dns") {
					switch {
					case r.ID == "dns.dkim" && (r.Result != result || !strings.Contains(r.Saw, saw)):
						t.Errorf("dns.dkim is %s, want %s with %q: %s", r.Result, result, saw, r.Saw)
					case r.ID != "dns.dkim" && r.Result != "ok" && r.Result != "skip":
						t.Errorf("%s is %s: %s", r.ID, r.Result, r.Saw)
					}
				}
			}
			publish(l.dkimLine(t))
			says("ok", "mail is signed with it")

			if options.Docker {
				in("openssl genrsa -out /var/lib/rspamd/dkim/example.org.dkim 2048 2>/dev/null")
			} else {
				in("rspamadm dkim_keygen -s dkim -d example.org -b 2048 -k /var/lib/rspamd/dkim/example.org.dkim >/dev/null")
			}
			says("fail", "it has another key than the one that mail is signed with")
			plan := o.run(0, "plan", "dns")
			at := slices.IndexFunc(strings.Split(plan, "\n"), func(line string) bool { return strings.Contains(line, "dkim._domainkey.example.org. 300 IN TXT") })
			if at < 0 {
				t.Fatalf("the plan does not show the record:\n%s", plan)
			}
			if now := o.output("export", "zone", "--now"); !strings.Contains(now, "\nother    dkim._domainkey.example.org") || !strings.Contains(now, "\nok       example.org ") {
				t.Errorf("what is there now is told so:\n%s", now)
			}
			publish(strings.TrimSpace(strings.Split(plan, "\n")[at]) + "\n")
			says("ok", "mail is signed with it")

			in(`sed -i 's/^selector = .*/selector = "s2026";/' /etc/rspamd/local.d/dkim_signing.conf`)
			says("warn", "signed with the selector s2026, not dkim")
			if options.Docker {
				return
			}
			in("systemctl stop rspamd")
			says("ok", "whether mail is signed with it was not seen")
			if secret := want(t, l, "mail", "cat", "/var/lib/rspamd/dkim/example.org.dkim"); strings.Contains(plan, strings.Split(secret, "\n")[1]) {
				t.Error("the private key left its host")
			}
		})
	}
}
