//go:build unix

package sshconfig

import (
	"errors"
	"fmt"
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
		o := Operator{Home: t.TempDir(), User: "me", AgentSock: "/agent"}
		err := os.Mkdir(filepath.Join(o.Home, ".ssh"), 0o700)
		if err := errors.Join(err, os.WriteFile(filepath.Join(o.Home, ".ssh", "config"), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		if with == "none" {
			t.Setenv("PATH", t.TempDir())
		}
		h, err := Resolve(t.Context(), "vps", o, func(l string) { t.Error(l) })
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprint(h.Name, h.Port, h.User, h.Identities, h.Only, h.Alias, h.KnownHosts, h.Jumps, h.Agent, h.KeyAddress())
		want := strings.ReplaceAll("203.0.113.92222admin[~/.ssh/vps ~/.ssh/other]truethe-vps[~/.ssh/kh_vps][jump@hop:2022 second]/agentthe-vps:22", "~", o.Home)
		got, want = strings.ReplaceAll(got, " ", ""), strings.ReplaceAll(want, " ", "")
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", with, got, want)
		}
		h, err = Resolve(t.Context(), "root@vps:22", o, func(l string) { t.Error(l) })
		if err != nil || h.User != "root" || h.Port != "22" || h.Name != "203.0.113.9" {
			t.Errorf("%s: what is typed counts more: %+v, %v", with, h, err)
		}
	}
}
