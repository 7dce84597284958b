package steps

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/firewall"
	"postern/steps/firewall/pf"
	"postern/steps/toaster"
)

// toasterPolicy is what the firewall of a host with jails must do for the host itself: let SSH in, and what the operator keeps. What goes
// to jails has rules of its own; all that they send leaves by the host's address.
func toasterPolicy(s *site.Site, h *site.Host, now seen.Host, p firewall.Policy) firewall.Policy {
	p.Outs = nil
	for _, public := range []netip.Addr{h.Public4, h.Public6} {
		as, out := arrives(h, now, public)
		if !as.IsValid() || out == "" {
			continue
		}
		for _, network := range jailNetworks(s, now, as.Is4()) {
			p.Behind = append(p.Behind, firewall.Behind{Net: network, Out: out, As: as})
		}
	}
	return p
}

// unsupportedJails says why the one host of a site with jails cannot be set up.
func unsupportedJails(s *site.Site, look Look) (why []string) {
	if n := len(s.HostsOf(site.Proxy)); n != 1 || len(s.Hosts) != 1 {
		return []string{fmt.Sprintf("the site has %d hosts: with layout = toaster there is one, with role = proxy", len(s.Hosts))}
	}
	h := s.Hosts[0]
	facts, ok := look[h.Name]
	if !ok {
		return []string{h.Name + " was not looked at, so nothing can be planned: reach it first (host." + h.Name + ".ssh)"}
	}
	switch now := seen.Look(facts); {
	case now.Kernel == "":
		why = append(why, h.Name+": which system it runs could not be told, so it is left alone")
	case now.Kernel != "freebsd":
		why = append(why, fmt.Sprintf("%s runs %s: jails behind pf are FreeBSD's (layout = toaster)", h.Name, now.Kernel))
	}
	return why
}

// foundJails fills in the jails of the host that are not among the answers, with the ports that jails of their names usually offer, and whom
// each reaches; and says which, and who reaches whom.
func foundJails(s *site.Site, h *site.Host, facts remote.Facts) (words []string, reach []Note) {
	seenThere, err := seen.Toasters.Of(facts)
	if s.Layout != "toaster" || err != nil {
		return nil, nil
	}
	for _, j := range toaster.Found(s, seenThere) {
		s.Jails = append(s.Jails, j)
		offers := "no port"
		if len(j.Ports) > 0 {
			offers = "ports " + strings.Trim(fmt.Sprint(j.Ports), "[]")
		}
		words = append(words, fmt.Sprintf("the jail %s (%s; jail.%s.ports is how to say otherwise)", j.Name, offers, j.Name))
	}
	told, untold := toaster.Reach(s, seenThere)
	if len(told) > 0 {
		reach = append(reach, Note{Host: h.Name, Text: "detected who of the jails connects to whom: " + strings.Join(told, "; ") + "; jail.NAME.reach is how to say otherwise"})
	}
	if len(untold) > 0 {
		reach = append(reach, Note{Host: h.Name, Warn: true, Text: "whom " + strings.Join(untold, ", ") + " connects to could not be told, so it is kept from no other jail: jail.NAME.reach is how to say"})
	}
	return words, reach
}

// The smallest networks that hold jails, as Mail Toaster deals them out.
const jailBits4, jailBits6 = 24, 112

// jailNetworks are the private networks of one family that jails have their addresses of: those of the host's interfaces, else the usual
// ones around them.
func jailNetworks(s *site.Site, now seen.Host, four bool) (all []netip.Prefix) {
	for _, j := range s.Jails {
		for _, a := range j.Addresses() {
			if a.Is4() != four || site.Public(a) || slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a) }) {
				continue
			}
			network := netip.PrefixFrom(a, map[bool]int{true: jailBits4, false: jailBits6}[four]).Masked()
			for _, i := range now.Interfaces {
				for _, had := range i.Addresses {
					if had.Contains(a) && !had.IsSingleIP() && had.Bits() > 0 && i.Name != now.Device {
						network = had.Masked()
					}
				}
			}
			all = append(all, network)
		}
	}
	return all
}

// jailFields are what the firewall's chapter asks of a host with jails.
func jailFields(s *site.Site) []string {
	keys := []string{"pf.main"}
	for _, h := range s.Hosts {
		keys = append(keys, "host."+h.Name+".ssh_from", "host."+h.Name+".keep")
	}
	for _, j := range s.Jails {
		for _, one := range []string{"address4", "address6", "ports", "tables", "insecure", "reach"} {
			keys = append(keys, "jail."+j.Name+"."+one)
		}
	}
	return keys
}

// jailReads is what must be seen of a host with jails beside its firewall.
func jailReads(s *site.Site, h *site.Host) []remote.Query {
	if s.Layout != "toaster" {
		return nil
	}
	return toaster.Reads(s, h)
}

// planJails joins what jails need to the plan of their host's firewall.
func planJails(s *site.Site, h *site.Host, policy firewall.Policy, found remote.Facts, plan *Plan) (changes []remote.Change) {
	made, err := toaster.Make(s, policy, pf.Mode(policy, found), found)
	if err != nil {
		plan.Refused = append(plan.Refused, err.Error())
		return nil
	}
	for _, hand := range made.Hands {
		plan.Tasks = append(plan.Tasks, Task{ID: "firewall.jail." + hand.ID, Title: hand.Title + " on " + h.Name, Text: hand.Text + ".", Copy: hand.Lines, Check: "jails.rules"})
	}
	for _, text := range made.Notes {
		plan.Notes = append(plan.Notes, Note{Host: h.Name, Warn: true, Text: text})
	}
	var offers []string
	for _, j := range s.Jails {
		if open := slices.DeleteFunc(slices.Clone(j.Ports), site.Insecure); len(open) > 0 {
			offers = append(offers, j.Name+" at "+strings.Trim(fmt.Sprint(open), "[]"))
		}
	}
	if apart := toaster.Apart(s); apart != "" && made.Keeps() {
		plan.Notes = append(plan.Notes, Note{Host: h.Name, Warn: true, Text: apart})
	}
	if len(made.Changes) > 0 && len(offers) > 0 {
		plan.After = append(plan.After, h.Name+": the world reaches the jails "+strings.Join(offers, ", "))
	}
	if len(made.Changes) > 0 {
		plan.Notes = append(plan.Notes, Note{Host: h.Name, Warn: true, Text: "none of this was ever run on a FreeBSD host by us, only its texts and scripts were tried: know how to reach the host's console before you agree"})
	}
	if s.Hostname != "" && len(site.Services(s)) > 0 {
		plan.Tasks = append(plan.Tasks, certificateTask(s, h))
	}
	for _, text := range made.Told {
		plan.Notes = append(plan.Notes, Note{Host: h.Name, Text: text})
	}
	if len(s.Jails) == 0 {
		plan.Notes = append(plan.Notes, Note{Host: h.Name, Warn: true, Text: "no jail is among the answers, so nothing is let in to any: a [[jail]] with its ports for each that the world is to reach"})
	}
	return made.Changes
}

// certificateTask asks for the certificates that the services in the jails show: these are not this program's to set.
func certificateTask(s *site.Site, h *site.Host) Task {
	return Task{ID: "firewall.certificates." + h.Name, Title: "have each jail show a certificate of " + s.Hostname, Check: "jails.certificates",
		Text: "Mail programs and other servers want one that is valid for " + s.Hostname + ", at every port that speaks TLS. Mail Toaster's jail letsencrypt gets it; each service reads it from its own jail, " +
			"so see that it is copied there when it is renewed, and that the service reads it anew."}
}

// wayBackJails is what to type on the console of a host with jails when nothing else gets in any more.
func wayBackJails(h *site.Host) string {
	return strings.Join([]string{
		fmt.Sprintf("If %s cannot be reached any more: it takes an unconfirmed change back by itself at the deadline, so wait for that first.", h.Name),
		"If that does not help, log in as root at its console and type:",
		"  sh /var/lib/postern/open/agent boot",
		"      takes back a change that is still open (without that folder there is none)",
		"  pfctl -d",
		"      opens the firewall, until: pfctl -e. Nothing is sent on to jails meanwhile",
	}, "\n")
}

// forwards says whether packets pass the host: to the mail host, or to jails whose addresses it has not itself, such as virtual machines.
func forwards(s *site.Site, now seen.Host) bool {
	return s.Layout != "toaster" || slices.ContainsFunc(s.Jails, func(j site.Jail) bool {
		return slices.ContainsFunc(j.Addresses(), func(a netip.Addr) bool { return now.Holder(a) == "" })
	})
}
