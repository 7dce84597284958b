package site

import (
	"strings"
	"testing"
)

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"[ports]\nimaps = 70000\n", `f.toml:2: ports.imaps: "70000" is not a port (1 to 65535)`},
		{"ports.imaps = [1]\n", `f.toml:1: ports.imaps: is a list; one value is wanted`},
		{"ports = 5\n", `f.toml:1: ports: is a table, written [ports]`},
		{"[ports.imaps]\nx = 1\n", `f.toml:1: ports.imaps: is a table; a value is wanted`},
		{"domain = 'a.example\n", `f.toml:1: not valid TOML: `},
		{"domain = \"a.example\"\ndomain = \"b.example\"\n", `f.toml:2: not valid TOML: `},
		{"host = 1\n", `f.toml:1: host: is a table, written [host.NAME]`},
		{"host.mail = 'x'\n", `f.toml:1: host.mail: is a table, written [host.NAME]`},
		{"[[host]]\nssh = 'x'\n", `f.toml:1: host: is a table, written [host.NAME]`},
		{"jail = [1]\n", `f.toml:1: jail: is a list of tables, each written [[jail]]`},
		{"\n[host.vps]\nssh = 'x'\n", `f.toml:2: host.vps: has no role; write role = "proxy" or role = "mail" under it`},
		{"[host.vps]\nrole = 'both'\n", `f.toml:2: host.vps.role: "both" is not one of proxy, mail`},
		{"[host.'a;b']\nrole = 'mail'\n", `f.toml:1: host: "a;b" is not a name for a host (1 to 32 letters, digits and hyphens)`},
		{"[host.mail]\n[host.Mail]\nrole = 'mail'\n", `f.toml:2: host.Mail: there is a host of that name already`},
		{"[jail]\nname = 'x'\n", `f.toml:1: jail: is a list of tables, each written [[jail]]`},
		{"[[jail]]\nports = [1]\n", `f.toml:1: jail: has no name; write name = "…" under it`},
		{"[[jail]]\nname = 'x'\n[[jail]]\nname = 'y'\nports = ['z']\n", `f.toml:5: jail.y.ports: "z" is not a port (1 to 65535)`},
		{"[tunnel]\nproxy = '10.9.0.1'\n", `f.toml:2: tunnel.proxy: "10.9.0.1" is not in the tunnel's network 10.0.0.0/24`},
		{"[host.mail]\nsudo_password = 'hunter2'\n", `f.toml:2: host.mail.sudo_password: secrets are never stored here; take it out, postern asks when it needs one (or --askpass CMD answers)`},
		{"[my.Private-Key]\nx = 'hunter2'\n", `f.toml:1: my.Private-Key: secrets are never stored here`},
		{"x = [{API_TOKEN = 'hunter2'}]\n", `f.toml:1: x."#0".API_TOKEN: secrets are never stored here`},
		{"# -----BEGIN OPENSSH PRIVATE KEY-----\n", `f.toml: has a private key in it`},
		{"\nschema = 2\n", `f.toml:2: schema: 2 was made by a newer postern (this one reads up to 1); use that one, or a newer`},
		{"schema = 'one'\n", `f.toml:1: schema: "one" is not a number of 0 or more`},
		{"\n# \xfe\n", `f.toml:2: not UTF-8 text`},
		{"a = " + strings.Repeat("[", 30000), `f.toml: has values or keys more than 16 levels deep, which no answers have`},
		{strings.Repeat("a.", 30000) + "a = 1", `f.toml: has values or keys more than 16 levels deep, which no answers have`},
		{"revision = -1\n", `f.toml:1: revision: "-1" is not a number of 0 or more`},
		{"#" + strings.Repeat("x", biggest), `f.toml: is too big for an answers file (65537 bytes; at most 65536)`},
		{"domain = \"a\\u001b[2Jb\"\n", `f.toml:1: domain: "a\x1b[2Jb" has a control character in it`},
	} {
		_, err := read("f.toml", c.text)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.text, err, c.want)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the secret is repeated: %v", c.text, err)
		}
	}
}

func TestReadTellsEveryError(t *testing.T) {
	_, err := read("f.toml", "[ports]\nsmtp = 0\nimaps = 0\n")
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("got %v, want two lines", err)
	}
}

func TestReadTellsUnknownKeys(t *testing.T) {
	r, err := read("f.toml", "[ports]\nimap = 1\n[mine]\nx = 1\n[[jail]]\nname='a'\nport = [1]\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"f.toml:2: ports.imap is not a key of postern and is left alone (did you mean ports.imaps)",
		"f.toml:4: mine.x is not a key of postern and is left alone",
		"f.toml:7: jail.a.port is not a key of postern and is left alone (did you mean jail.a.ports)",
	}
	if got := strings.Join(r.unknown, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestReadHosts(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "proxy:proxy mail:mail"},
		{"[host.mail]\nssh='a'\n[host.proxy]\nssh='b'\n", "mail:mail proxy:proxy"},
		{"[host.mail]\nssh='a'\n", "proxy:proxy mail:mail"},
		{"[host.vps]\nrole='proxy'\n", "vps:proxy mail:mail"},
		{"[host.vps]\nrole='proxy'\n[host.home]\nrole='mail'\n", "vps:proxy home:mail"},
		{"layout='toaster'\n[host.t]\nrole='mail'\n", "t:mail"},
		{"[host.mail]\nrole='proxy'\n", "mail:proxy"},
	} {
		s, err := Parse(c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		var got []string
		for _, h := range s.Hosts {
			got = append(got, h.Name+":"+string(h.Role))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: hosts %v, want %s", c.text, got, c.want)
		}
	}
}

func TestOlderSchemaIsBroughtUp(t *testing.T) {
	f := load(t, save(t, "schema = 0 # old\nrevision = 7\n"))
	if len(f.Notes) != 1 || f.Site.Revision != 7 || f.Site.Schema != schema {
		t.Errorf("notes %q, revision %d, schema %d", f.Notes, f.Site.Revision, f.Site.Schema)
	}
	if err := f.Save(); err != nil || content(t, f.Path) != "schema = 1 # old\nrevision = 7\n" {
		t.Errorf("saved as %q, %v", content(t, f.Path), err)
	}
}

func TestRenderLeavesOutWhereWeRun(t *testing.T) {
	s := full(t)
	set(t, s, "host.mail.local", "true")
	set(t, s, "jail.dovecot.ports", "993")
	s.Revision = 9
	text := render(t, s)
	if strings.Contains(text, "local") {
		t.Errorf("another laptop would take itself for the mail host:\n%s", text)
	}
	back, err := Parse(text)
	if err != nil || back.Revision != 9 || len(Diff(s, back)) != 0 {
		t.Errorf("read back: %v, %v", err, Diff(s, back))
	}
	if render(t, back) != text {
		t.Error("rendered twice, it differs")
	}
}
