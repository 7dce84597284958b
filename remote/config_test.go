//go:build unix

package remote

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDestination(t *testing.T) {
	for in, want := range map[string]string{
		"host":                      "|host|",
		"user@host:22":              "user|host|22",
		"ssh://user@host:2222/":     "user|host|2222",
		"[2001:db8::1]:2222":        "|2001:db8::1|2222",
		"root@[2001:db8::1]":        "root|2001:db8::1|",
		"2001:db8::1":               "|2001:db8::1|",
		"me@corp@host":              "me@corp|host|",
		"":                          "error",
		"-oProxyCommand=x":          "error",
		"-l@host":                   "error",
		"user@-host":                "error",
		"user@host:0":               "error",
		"user@host:70000":           "error",
		"host:ssh":                  "error",
		"host name":                 "error",
		"$(id)@host":                "error",
		"user@host;reboot":          "error",
		"user@host\nProxyCommand x": "error",
	} {
		u, h, p, err := destination(in)
		got := u + "|" + h + "|" + p
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}

// Both readers of ssh_config must come to the same result: an ssh that is installed, and ours.
func TestAlias(t *testing.T) {
	const text = `
Host vps
  HostName 203.0.113.9
  User admin
  Port 2222
  IdentityFile ~/.ssh/vps
  IdentityFile "%d/.ssh/other"
  IdentitiesOnly yes
  HostKeyAlias the-vps
  UserKnownHostsFile ~/.ssh/kh_vps
  ProxyJump jump@hop:2022,second
Host *
  User nobody
`
	for _, with := range []string{"ssh", "none"} {
		o := Options{Home: t.TempDir(), User: "me", AgentSock: "/agent"}
		if err := os.Mkdir(filepath.Join(o.Home, ".ssh"), 0o700); err != nil {
			t.Fatal(err)
		}
		o.writeConfig(t, text)
		if with == "none" {
			t.Setenv("PATH", t.TempDir())
		}
		r, err := resolve(soon(t), "vps", o, func(l string) { t.Error(l) })
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(r.host, r.port, r.user, r.identities, r.only, r.alias, r.knownHosts, r.jumps, r.agent, r.address())
		want := strings.ReplaceAll("203.0.113.92222admin[~/.ssh/vps ~/.ssh/other]truethe-vps[~/.ssh/kh_vps][jump@hop:2022 second]/agentthe-vps:22", "~", o.Home)
		got, want = strings.ReplaceAll(got, " ", ""), strings.ReplaceAll(want, " ", "")
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", with, got, want)
		}
		r, err = resolve(soon(t), "root@vps:22", o, func(l string) { t.Error(l) })
		if err != nil || r.user != "root" || r.port != "22" || r.host != "203.0.113.9" {
			t.Errorf("%s: what is typed counts more: %+v, %v", with, r, err)
		}
	}
}

func TestConfigThatCannotBeRead(t *testing.T) {
	h := newHost(t)
	o := h.options()
	o.writeConfig(t, "Match exec \"false\"\n  Bogus yes\nHost [\n")
	var log []string
	o.Log = func(_, line string) { log = append(log, line) }
	h.connect(o)
	if !strings.Contains(strings.Join(log, "\n"), "going on with what was typed") {
		t.Errorf("told %q", log)
	}
}

func TestProxyCommandIsRefused(t *testing.T) {
	h := newHost(t)
	o := h.options()
	o.writeConfig(t, "Host *\n ProxyCommand nc %h %p\n")
	if _, err := Connect(soon(t), h.target(), o); err == nil || !strings.Contains(err.Error(), "ProxyJump") {
		t.Errorf("got %v", err)
	}
}

func TestProxyJumpOfTheConfig(t *testing.T) {
	far, near, nearer := newHost(t), newHost(t), newHost(t)
	o := far.options()
	near.known(o, edKey)
	nearer.known(o, edKey)
	for _, h := range []*host{near, nearer} {
		h.target() // serve
	}
	farHost, farPort, _ := net.SplitHostPort(far.address())
	o.writeConfig(t, fmt.Sprintf("Host far\n HostName %s\n Port %s\n User root\n ProxyJump a@%s,b@%s\n", farHost, farPort, nearer.address(), near.address()))
	far.target()
	s, err := Connect(soon(t), Target{Name: "mail", SSH: "far"}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if r, err := s.Sh(soon(t), "echo on"); err != nil || r.Out != "on\n" || near.logins.Load() != 1 || nearer.logins.Load() != 1 {
		t.Errorf("%+v, %v, %d, %d", r, err, near.logins.Load(), nearer.logins.Load())
	}
}
