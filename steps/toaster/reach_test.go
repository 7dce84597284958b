package toaster

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"postern/seen"
	"postern/site"
)

func sorted(words []string) []string { slices.Sort(words); return words }

// Whom a jail reaches is filled in once, by what is heard of its connections and by its name; what could not be told stays open.
func TestReachIsFilledIn(t *testing.T) {
	at := func(last int) netip.Addr { return netip.AddrFrom4([4]byte{172, 16, 15, byte(last)}) }
	six := netip.MustParseAddr("fd00::9")
	between := func(from, to int) seen.Connection { return seen.Connection{From: at(from), To: at(to), Port: 1} }
	runs := func(jails ...seen.BSDJail) seen.Toaster { return seen.Toaster{Running: jails, Sockets: true} }
	one := func(name string, all ...netip.Addr) seen.BSDJail { return seen.BSDJail{Name: name, Addresses: all} }
	usual := func(more ...seen.Connection) seen.Toaster {
		v := runs(one("haraka", at(9), six), one("dovecot", at(15)), one("redis", at(16)), one("own", at(30)))
		v.Connections = more
		return v
	}
	jails := func(names ...string) (all []site.Jail) {
		for _, name := range names {
			word, reach, _ := strings.Cut(name, "=")
			j := site.Jail{Name: word, Address4: at(map[string]int{"haraka": 9, "dovecot": 15, "redis": 16, "own": 30, "vm": 40, "monitor": 50, "dns": 3}[word])}
			if reach != "" {
				j.Reach = strings.Split(reach, " ")
			}
			all = append(all, j)
		}
		return all
	}
	vm := usual(between(40, 16), between(9, 40))
	vm.States = true
	for _, c := range []struct {
		name         string
		jails        []site.Jail
		t            seen.Toaster
		reach        string
		told, untold string
	}{
		{"by name", jails("haraka", "dovecot", "redis", "own"), usual(), "[dovecot redis] [redis] [none] [none]", "haraka reaches redis, dovecot (as its name tells)", ""},
		{"they talk", jails("haraka", "dovecot", "redis", "own"), usual(between(9, 30), between(9, 15), between(9, 15)), "[dovecot own redis] [redis] [none] [none]", "haraka reaches dovecot, own (they talk now), redis (as its name tells)", ""},
		{"over the other family", jails("dovecot", "own"), usual(seen.Connection{From: six, To: at(30), Port: 1}, between(15, 9)), "[none] [none]", "dovecot reaches none", ""},
		{"answers stay", jails("haraka=none", "dovecot=all", "own"), usual(between(9, 15), between(30, 15)), "[none] [all] [dovecot]", "own reaches dovecot (they talk now)", ""},
		{"nothing could be read", jails("haraka", "own=none"), seen.Toaster{Running: usual().Running}, "[] [none]", "", "haraka"},
		{"it does not run", jails("monitor", "own"), usual(), "[] [none]", "own reaches none", "monitor"},
		{"a machine, and pf does not run", jails("vm", "haraka"), usual(between(9, 40)), "[] [vm]", "haraka reaches vm (they talk now)", "vm"},
		{"a machine, by the states of pf", jails("vm", "haraka", "redis"), vm, "[redis] [redis vm] [none]", "haraka reaches vm (they talk now), redis (as its name tells)", ""},
		{"a network stack of its own", jails("own", "redis"), func() seen.Toaster { v := usual(between(30, 16)); v.Running[3].Addresses = nil; return v }(), "[] [none]", "redis reaches none", "own"},
		{"all", jails("monitor", "dns"), runs(one("monitor", at(50)), one("dns", at(3))), "[all] [none]", "monitor reaches all (as its name tells)", ""},
	} {
		s := site.Default()
		s.Jails = c.jails
		if c.name == "it does not run" {
			c.t.Configured = append(c.t.Configured, one("monitor", at(50)))
		}
		told, untold := Reach(s, c.t)
		var reach []string
		for _, j := range s.Jails {
			reach = append(reach, fmt.Sprint(sorted(slices.Clone(j.Reach))))
		}
		want := strings.Split(c.reach[1:len(c.reach)-1], "] [")
		for i := range want {
			want[i] = fmt.Sprint(sorted(strings.Fields(want[i])))
		}
		if strings.Join(reach, " ") != strings.Join(want, " ") || c.told != "" && !strings.Contains(strings.Join(told, "\n"), c.told) || strings.Join(untold, " ") != c.untold {
			t.Errorf("%s: %s, not %s\n%q\n%q", c.name, reach, want, told, untold)
		}
		if again, _ := Reach(s, c.t); len(again) > 0 {
			t.Errorf("%s: it is filled in anew: %q", c.name, again)
		}
	}
}
