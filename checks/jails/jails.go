// Package jails asks whether the jails of a FreeBSD host are let in to as is wanted, by the rules that run, by what loads them, and from
// outside. It knows nothing of how rules are written, and works out by itself what they must do.
package jails

import (
	"context"
	"fmt"
	"net/netip"
	"path"
	"strings"

	"postern/checks"
	"postern/seen"
	seenpf "postern/seen/pf"
	"postern/site"
)

// ofToaster is for the layout with jails; another layout makes its check a skip.
func ofToaster(ask func(context.Context, *checks.Env) []checks.Result) func(context.Context, *checks.Env) []checks.Result {
	return func(ctx context.Context, e *checks.Env) []checks.Result {
		if e.Site.Layout != "toaster" {
			return []checks.Result{checks.Question{From: checks.Here}.Skip("the layout is %s: it has no jails", e.Site.Layout)}
		}
		return ask(ctx, e)
	}
}

// reads are what a host's rules and jails are known by.
var reads = checks.Join(seen.PFLoaded.Reads, seen.Toasters.Reads, seen.PF.Reads, seen.Addresses.Reads, seen.SSH.Reads)

// scene is a host with jails as it was seen.
type scene struct {
	host    *site.Host
	loaded  seen.Anchors
	toaster seen.Toaster
	filter  seen.Filter
	network seen.Network
	main    *seenpf.Ruleset // the rules that run
	known   seenpf.Host
}

func look(h *site.Host, v *checks.Vantage) (s scene, err error) {
	s.host = h
	if s.loaded, err = seen.PFLoaded.Of(v.Facts); err != nil {
		return s, err
	}
	if s.toaster, err = seen.Toasters.Of(v.Facts); err != nil {
		return s, err
	}
	if s.filter, err = seen.PF.Of(v.Facts); err != nil {
		return s, err
	}
	if s.network, err = seen.Addresses.Of(v.Facts); err != nil {
		return s, err
	}
	if !s.filter.There {
		return s, fmt.Errorf("%s has no pf", h.Name)
	}
	s.known = seenpf.Host{Interfaces: map[string][]netip.Prefix{}, Tables: map[string][]seenpf.Address{}, Anchors: map[string]*seenpf.Ruleset{}, Listed: true}
	for _, i := range s.network.Interfaces {
		for _, a := range i.Addresses {
			s.known.Interfaces[i.Name] = append(s.known.Interfaces[i.Name], a.Prefix)
		}
	}
	for _, t := range s.loaded.Tables {
		if t.Addresses != nil || t.Size == 0 {
			name := strings.TrimPrefix(t.Anchor+"/"+t.Name, "/")
			s.known.Tables[name] = nil
			for _, p := range t.Addresses {
				s.known.Tables[name] = append(s.known.Tables[name], seenpf.Address{Kind: seenpf.Net, Prefix: p})
			}
		}
	}
	for name, text := range s.loaded.Rules {
		if name != "" {
			s.known.Anchors[name] = seenpf.Printed(text, name, seenpf.Host{})
		}
	}
	s.main = seenpf.Printed(s.loaded.Rules[""], "", s.known)
	return s, nil
}

// eachHost asks the same of every host that was seen to have jails.
func eachHost(e *checks.Env, q checks.Question, ask func(checks.Question, scene) []checks.Result) (all []checks.Result) {
	for _, h := range e.Site.Hosts {
		one := q
		one.From = h.Name
		v, err := e.Look(h)
		if err == nil {
			var s scene
			if s, err = look(h, v); err == nil {
				all = append(all, ask(one, s)...)
				continue
			}
		}
		all = append(all, one.Cannot(err))
	}
	return all
}

// public are the addresses at which the world meets the host.
func (s scene) public() (all []netip.Addr) {
	for _, a := range []netip.Addr{s.host.Public4, s.host.Public6} {
		if a.IsValid() {
			all = append(all, a)
		}
	}
	return all
}

// address is the jail's own of one family; invalid where it has none.
func address(j site.Jail, four bool) netip.Addr {
	if four {
		return j.Address4
	}
	return j.Address6
}

// stranger is who comes from the world.
func stranger(four bool) netip.Addr {
	if four {
		return netip.MustParseAddr("233.252.0.77")
	}
	return netip.MustParseAddr("2001:db8:dead::77")
}

// runs says whether a jail is at work; what is no jail of the host is taken for a machine that is.
func (s scene) runs(name string) bool {
	for _, j := range s.toaster.Running {
		if j.Name == name {
			return true
		}
	}
	for _, j := range s.toaster.Configured {
		if j.Name == name {
			return false
		}
	}
	return true
}

// jailOf is the jail whose folder of rules a file lies in.
func jailOf(file string) string {
	dir := path.Dir(path.Dir(file))
	if path.Base(dir) == "etc" && strings.HasPrefix(file, seen.JailData+"/") {
		dir = path.Dir(dir)
	}
	return path.Base(dir)
}
