//go:build linux

package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
	engine "postern/run"
	"postern/seen"
)

// facts is what can be told of a host, by fact, without what no two hosts share: clocks, sizes, keys, and how it has WireGuard.
func (w *world) facts(host string) map[string]string {
	w.t.Helper()
	var f remote.Facts
	h := w.site.Host(host)
	w.on(host, func(ctx context.Context, l engine.Login) {
		var queries []remote.Query
		for _, fact := range seen.All() {
			for _, q := range fact.Reads(w.site, h) {
				if !slices.Contains(queries, q) {
					queries = append(queries, q)
				}
			}
		}
		var err error
		if f, err = l.Facts(ctx, queries); err != nil {
			w.t.Fatal(err)
		}
	})
	told := map[string]string{}
	tellFact(told, "system", seen.Systems, f, func(s *seen.System) string { return fmt.Sprintf("%+v", *s) })
	tellFact(told, "network", seen.Addresses, f, networkSeen)
	tellFact(told, "ssh", seen.SSH.Fact, f, func(a *seen.Access) string { return fmt.Sprint(a.Server, a.Ports) })
	tellFact(told, "listeners", seen.Listeners, f, listenersSeen)
	tellFact(told, "tools", seen.Tools, f, func(t *seen.Tooling) string {
		for _, how := range []string{"wireguard", "wireguard-go", "/dev/net/tun"} { // the lab's kernel has none: it takes wireguard-go
			delete(*t, how)
		}
		return fmt.Sprint(*t)
	})
	tellFact(told, "privilege", seen.Privilege, f, func(r *seen.Rights) string { return fmt.Sprintf("%+v", *r) })
	tellFact(told, "routing", seen.Routing, f, func(r *seen.Policies) string { return eachLine(r.Rules) + eachLine(r.Routes) })
	tellFact(told, "rules", seen.Rules, f, rulesSeen)
	tellFact(told, "sysctl", seen.Sysctl, f, sysctlsSeen)
	tellFact(told, "units", seen.UnitsOf, f, unitsSeen)
	tellFact(told, "tunnel", seen.Tunnels, f, tunnelSeen)
	tellFact(told, "keys", seen.Keys, f, func(k *seen.PublicKeys) string { return fmt.Sprint(k.File != "", k.Conf != "") })
	tellFact(told, "keyfiles", seen.KeyFiles, f, func(e *seen.Exposure) string { return eachLine(e.Files) + fmt.Sprint(e.Processes) })
	tellFact(told, "boot", seen.Forwarding, f, func(b *[]seen.Loaded) string { return eachLine(*b) })
	tellFact(told, "docker", seen.Docker, f, func(d *seen.Containers) string { return fmt.Sprintf("%+v", *d) })
	tellFact(told, "ufw", seen.UfwStatus, f, func(u *seen.Ufw) string { return fmt.Sprintf("%+v", *u) })
	return told
}

// tellFact puts a fact into words, or why it cannot be told.
func tellFact[T any](told map[string]string, name string, fact seen.Fact[T], f remote.Facts, words func(*T) string) {
	value, err := fact.Of(f)
	if told[name] = "cannot be told"; err == nil {
		told[name] = words(&value)
	}
}

func eachLine[T any](list []T) string {
	var b strings.Builder
	for _, one := range list {
		fmt.Fprintf(&b, "%+v\n", one)
	}
	return b.String()
}

func networkSeen(n *seen.Network) string {
	text := fmt.Sprintln(n.Device, n.Device6)
	for _, i := range n.Interfaces {
		if i.Name == "wg0" { // wireguard-go's has a link-local address, the kernel's none
			i.Addresses = slices.DeleteFunc(i.Addresses, func(a seen.Address) bool { return a.Addr().IsLinkLocalUnicast() })
		}
		text += fmt.Sprintf("%+v\n", i)
	}
	return text + eachLine(slices.DeleteFunc(n.Routes, func(r seen.Route) bool { return r.Device == "wg0" && r.To.Addr().Is6() }))
}

func listenersSeen(all *[]seen.Listener) string {
	var kept []seen.Listener
	for _, l := range *all {
		if l.Process = ""; l.Proto != "udp" || l.Port < 32768 || l.Port == 51820 {
			kept = append(kept, l)
		}
	}
	slices.SortFunc(kept, func(a, b seen.Listener) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return eachLine(kept)
}

func rulesSeen(r *seen.Ruleset) string {
	text := fmt.Sprintln(r.Absent, r.Other)
	for _, family := range []seen.Tables{r.Four, r.Six} {
		for _, name := range slices.Sorted(maps.Keys(family)) {
			t := family[name]
			text += "*" + name + "\n" + fmt.Sprint(t.Policy) + "\n"
			for _, rule := range t.Rules {
				text += rule.Text + "\n"
			}
		}
	}
	return text
}

func sysctlsSeen(s *seen.Settings) string {
	text := ""
	for _, name := range slices.Sorted(maps.Keys(s.Live)) {
		if !strings.Contains(name, ".accept_ra") || strings.Contains(name, ".eth0.") {
			text += name + " " + s.Live[name] + "\n"
		}
	}
	ufw := slices.Clone(s.Ufw)
	slices.SortFunc(ufw, func(a, b [2]string) int { return cmp.Compare(a[0], b[0]) })
	return text + eachLine(ufw) + eachLine(slices.DeleteFunc(s.Files, func(one seen.Setting) bool { return !strings.Contains(one.File, "postern") }))
}

func unitsSeen(u *seen.Units) string {
	text := fmt.Sprintln(u.Absent, u.Ours, u.Scripts, u.Armed)
	for _, name := range slices.Sorted(maps.Keys(u.By)) {
		one := u.By[name]
		text += fmt.Sprintln(name, one.Loaded, one.Active, one.AtBoot)
	}
	return text
}

func tunnelSeen(t *seen.WireGuard) string {
	text := fmt.Sprintln(t.Unset, t.Absent, t.Link, t.Key != "", t.MTU)
	for _, p := range t.Peers {
		dials := p.Endpoint.Addr() == netip.MustParseAddr("203.0.113.10")
		text += fmt.Sprintln(!p.Handshake.IsZero(), p.Rx > 0, p.Tx > 0, dials, p.Endpoint.IsValid(), p.Allowed, p.Keepalive)
	}
	return text
}
