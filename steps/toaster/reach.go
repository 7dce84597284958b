package toaster

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/seen"
	"postern/site"
)

// Reach fills in whom the jails without an answer may connect to: those that they talk to, and of those that are there the ones that a jail
// of that name needs, or none. It says so of each; and of whom nothing could be told, so that they are left as they are.
func Reach(s *site.Site, t seen.Toaster) (told, untold []string) {
	talks := talking(s, t)
	for i, j := range s.Jails {
		switch {
		case len(j.Reach) > 0 || len(j.Addresses()) == 0:
			continue
		case !heard(j, t):
			untold = append(untold, j.Name)
			continue
		}
		var needs []string
		for _, to := range site.UsualReach(j.Name) {
			if to == site.ReachAll || to != j.Name && !slices.Contains(talks[j.Name], to) && slices.ContainsFunc(s.Jails, func(o site.Jail) bool { return o.Name == to }) {
				needs = append(needs, to)
			}
		}
		s.Jails[i].Reach = slices.Concat(talks[j.Name], needs)
		switch now := strings.Join(talks[j.Name], ", ") + " (they talk now)"; {
		case slices.Contains(needs, site.ReachAll):
			s.Jails[i].Reach = []string{site.ReachAll}
			told = append(told, j.Name+" reaches all (as its name tells)")
		case len(s.Jails[i].Reach) == 0:
			s.Jails[i].Reach = []string{site.ReachNone}
			told = append(told, j.Name+" reaches none")
		case len(needs) == 0:
			told = append(told, j.Name+" reaches "+now)
		case len(talks[j.Name]) == 0:
			told = append(told, fmt.Sprintf("%s reaches %s (as its name tells)", j.Name, strings.Join(needs, ", ")))
		default:
			told = append(told, fmt.Sprintf("%s reaches %s, %s (as its name tells)", j.Name, now, strings.Join(needs, ", ")))
		}
	}
	return told, untold
}

// heard says whether the connections of a jail could be told: while it runs, by the host's sockets, or, where it has a network stack of its
// own as virtual machines have, by the states of pf.
func heard(j site.Jail, t seen.Toaster) bool {
	c := scene{toaster: t}
	if c.machine(j.Name) {
		return t.States
	}
	now := c.jailNamed(t.Running, j.Name)
	shares := now != nil && slices.ContainsFunc(j.Addresses(), func(a netip.Addr) bool { return slices.Contains(now.Addresses, a) })
	return now != nil && (shares && t.Sockets || !shares && t.States)
}

// talking are the jails that each jail connects to now, or did a moment ago, in the order of their names.
func talking(s *site.Site, t seen.Toaster) map[string][]string {
	of := map[netip.Addr]string{}
	for _, list := range [][]seen.BSDJail{t.Configured, t.Running} {
		for _, j := range list {
			for _, a := range j.Addresses {
				of[a] = j.Name
			}
		}
	}
	for _, j := range s.Jails {
		for _, a := range j.Addresses() {
			of[a] = j.Name
		}
	}
	all := map[string][]string{}
	for _, c := range t.Connections {
		from, to := of[c.From], of[c.To]
		if from != to && from != "" && slices.ContainsFunc(s.Jails, func(j site.Jail) bool { return j.Name == to }) && !slices.Contains(all[from], to) {
			all[from] = append(all[from], to)
		}
	}
	for _, names := range all {
		slices.Sort(names)
	}
	return all
}

// Apart says in one line who may still connect to whom, where jails are kept from one another.
func Apart(s *site.Site) string {
	var but []string
	alone := 0
	for _, j := range s.Jails {
		switch {
		case !j.Alone():
			but = append(but, j.Name+" -> every other")
		case j.Reach[0] != site.ReachNone:
			but = append(but, j.Name+" -> "+strings.Join(j.Reach, ", "))
		}
		if j.Alone() {
			alone++
		}
	}
	if alone == 0 || len(s.Jails) < 2 {
		return ""
	}
	text := "jails are kept from one another"
	if len(but) > 0 {
		text += " but for " + strings.Join(but, "; ")
	}
	return text + ": jail.NAME.reach = all is how to have one reach every other"
}
