package steps

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
	"postern/steps/provider"
)

func init() {
	register(Step{
		ID:      "network",
		Chapter: 1,
		Title:   "Network",
		Why: "Finds out what the two hosts are: the public server that takes what the world sends, and the hidden mail server behind it. " +
			"Nothing that runs is changed here; what stands in the way of the later chapters is told now.",
		Guide:  "network, Network Architecture",
		Fields: networkFields,
		Reads: func(s *site.Site, h *site.Host) []remote.Query {
			return slices.Concat(seen.HostReads(s, h), seen.UnitsOf.Reads(s, h), seen.Dpkg.Reads(s, h))
		},
		Plan:  planNetwork,
		Proof: []string{"host.ssh", "host.privilege", "host.clock", "host.packages", "host.boot", "dns.provider"},
	})
}

// networkFields asks first which hosts there are, then how to reach each: whether the program runs on it is asked only where no SSH destination is
// given, and a jump host only where SSH is used.
func networkFields(s *site.Site) []string {
	keys := []string{"layout", "domain", "hostname"}
	for _, h := range s.Hosts {
		key := "host." + h.Name
		keys = append(keys, key+".ssh")
		if h.SSH == "" {
			keys = append(keys, key+".local")
		}
		if !h.Local {
			keys = append(keys, key+".jump")
		}
		if h.Role == site.Proxy {
			keys = append(keys, key+".provider")
		}
	}
	return keys
}

// unknownProvider says that nothing is known of one, and which may have been meant.
func unknownProvider(id string) string {
	text := "nothing is known here of the provider " + strconv.Quote(id) + ", so what is said holds for any"
	if near := site.Near(id, provider.IDs()); len(near) > 0 {
		text += " (did you mean " + strings.Join(near, " or ") + "?)"
	}
	return text
}

// Whose is the hoster that has servers in a network of that number (AS), or gives them a reverse name like that: its ID and its
// name, "" when none is known.
func Whose(network uint32, reverse string) (id, name string) {
	p, known := provider.Whose(network, reverse)
	if !known {
		return "", ""
	}
	return p.ID, p.Name
}

// Providers lists the hosters of which is known what their pages say.
func Providers() []string { return provider.IDs() }

// planNetwork changes nothing that runs: it finishes what keeps packages from being installed, tells what was found, refuses what cannot be set up, and hands out what only a person
// can do at the provider.
func planNetwork(s *site.Site, look Look) Plan {
	p := Plan{Step: "network", Refused: unsupported(s, look)}
	for _, h := range s.Hosts {
		facts, ok := look[h.Name]
		if !ok {
			continue
		}
		now := seen.Look(facts)
		units, _ := seen.UnitsOf.Of(facts)
		p.Notes = append(p.Notes, describe(h, now))
		p.Notes = append(p.Notes, sizes(s, h, now)...)
		p.Notes = append(p.Notes, addresses(s, h, now, units)...)
		p.Notes = append(p.Notes, occupied(s, h, now)...)
		p.Notes = append(p.Notes, clock(h, facts.At, now.Clock)...)
		p.Notes = append(p.Notes, unproven(h, now)...)
		if half, err := seen.Dpkg.Of(facts); err == nil && len(half.Half) > 0 && !half.Busy {
			p.Parts = append(p.Parts, Part{Host: h.Name, Inert: true, Changes: []remote.Change{does.Within("network", does.Packages(half.Half).Finish())}})
		}
		if h.Role == site.Proxy {
			if _, known := provider.Find(h.Provider); !known && h.Provider != "" {
				p.Notes = append(p.Notes, Note{Host: h.Name, Text: unknownProvider(h.Provider)})
			}
			p.Tasks = append(p.Tasks, hosterTasks(s, h, now)...)
		}
	}
	return p
}

// unsupported says, one line for each, why hosts of the site cannot be set up; it is the same for every chapter.
func unsupported(s *site.Site, look Look) []string {
	var why []string
	if s.Layout == "toaster" {
		return unsupportedJails(s, look)
	}
	for _, r := range []site.Role{site.Proxy, site.Mail} {
		if n := len(s.HostsOf(r)); n != 1 {
			why = append(why, fmt.Sprintf("the site has %d hosts with role = %s: exactly one is set up", n, r))
		}
	}
	for _, h := range s.Hosts {
		facts, ok := look[h.Name]
		if !ok {
			why = append(why, h.Name+" was not looked at, so nothing can be planned: reach it first (host."+h.Name+".ssh)")
			continue
		}
		if line := cmp.Or(foreignSystem(h, seen.Look(facts)), untold(h, facts)); line != "" {
			why = append(why, line)
		}
	}
	return why
}

// untold says what the tools of a host would not tell that every chapter is planned by.
func untold(h *site.Host, facts remote.Facts) string {
	_, units := seen.UnitsOf.Of(facts)
	_, tunnel := seen.Tunnels.Of(facts)
	_, keys := seen.Keys.Of(facts)
	_, sysctl := seen.Sysctl.Of(facts)
	_, routing := seen.Routing.Of(facts)
	_, rules := seen.Rules.Of(facts)
	why := map[string]error{seen.UnitsOf.ID: units, seen.Tunnels.ID: tunnel, seen.Keys.ID: keys, seen.Sysctl.ID: sysctl, seen.Routing.ID: routing, seen.Rules.ID: rules}
	for _, id := range slices.Sorted(maps.Keys(facts.Answers)) {
		fact, _, _ := strings.Cut(id, " ")
		if a := facts.Answers[id]; (a.Late || a.Cut || a.Code != 0) && why[fact] != nil {
			return fmt.Sprintf("%s: %v: as long as that is so, nothing is planned", h.Name, why[fact])
		}
	}
	return ""
}

func foreignSystem(h *site.Host, now seen.Host) string {
	switch {
	case now.Kernel == "":
		return h.Name + ": which system it runs could not be told, so it is left alone"
	case now.Kernel == site.FreeBSD:
		return oldFreeBSD(h, now)
	case now.Kernel != "linux":
		return fmt.Sprintf("%s runs %s, which is not set up: use a Debian host", h.Name, now.Kernel)
	case now.Distro == "":
		return h.Name + ": which Linux it runs could not be told (no ID in /etc/os-release), so it is left alone: use a Debian host"
	case now.Distro != "debian" && now.Distro != "ubuntu":
		return fmt.Sprintf("%s runs %s, which is not set up: use Debian (or Ubuntu, untested)", h.Name, now.Distro)
	case now.Init != "systemd":
		return h.Name + " does not run systemd, which the tunnel at boot and the guard need"
	case onlyIPv6(h, now):
		return onlyIPv6Text(h)
	}
	return ""
}

func onlyIPv6Text(h *site.Host) string {
	return h.Name + " has IPv6 only, which is not supported yet: most of the mail world delivers over IPv4, so take a server that has an IPv4 address as well"
}

// onlyIPv6 says whether a proxy is seen to have no IPv4 address but its loopback's, and none in front of it either.
func onlyIPv6(h *site.Host, now seen.Host) bool {
	four := slices.ContainsFunc(now.Interfaces, func(i seen.Interface) bool {
		return slices.ContainsFunc(i.Addresses, func(p seen.Address) bool { return p.Addr().Is4() && !p.Addr().IsLoopback() })
	})
	return h.Role == site.Proxy && !h.Public4.IsValid() && len(now.Interfaces) > 0 && !four
}

// hosterTasks is what only a person can do in the hoster's panel and on the phone.
//
// guide: firewall, Opening Required Ports in IONOS Control Panel
func hosterTasks(s *site.Site, h *site.Host, now seen.Host) []Task {
	hoster, who := hosterOf(h)
	tasks := []Task{{
		ID:    "provider.firewall." + h.Name,
		Title: fmt.Sprintf("let the ports in at the provider of %s%s", h.Name, who),
		Text:  hoster.FirewallText(),
		Copy:  provider.RuleList(panelRules(s, h, now)),
		Check: "firewall.open",
	}}
	if s.Smarthost.Host != "" { // no mail leaves by that port
		return tasks
	}
	return append(tasks, Port25(s, h))
}

// Port25 is the task of having outgoing port 25 opened for a proxy. Its text to copy is the letter, with what was measured; there is none
// where the provider opens it for nobody.
func Port25(s *site.Site, h *site.Host, measured ...string) Task {
	hoster, who := hosterOf(h)
	letter := provider.Letter{Hostname: s.Hostname, Domain: s.Domain, Port: site.WorldSMTP, Evidence: measured}
	if h.Public4.IsValid() {
		letter.Address4 = h.Public4.String()
	}
	if h.Public6.IsValid() {
		letter.Address6 = h.Public6.String()
	}
	out := Task{
		ID:    "provider.port25." + h.Name,
		Title: fmt.Sprintf("have outgoing port %d opened for %s%s", site.WorldSMTP, h.Name, who),
		Text:  hoster.Port25Text(site.WorldSMTP) + "\nWhere it stays closed, a smart host takes your mail at another port: the answer smarthost.host. 'postern port25' measures, and keeps what was asked.",
		Check: "smtp.outbound",
	}
	if hoster.Firewall.Stateless {
		out.Text += fmt.Sprintf("\nIts firewall in front of the server keeps no state, which looks the same where answers have no rule: let TCP from port %d in there first.", site.WorldSMTP)
	}
	if asked := s.Port25; asked.Asked != "" {
		out.Text += "\n" + strings.Join(slices.DeleteFunc([]string{"Asked on " + asked.Asked, asked.Ticket, asked.Answer}, func(one string) bool { return one == "" }), ", ") + "."
	}
	if hoster.Out25.Default == provider.Never {
		out.Title, out.Text = fmt.Sprintf("send by another way than port %d of %s%s, which is never opened", site.WorldSMTP, h.Name, who), hoster.Port25Text(site.WorldSMTP)
		return out
	}
	out.Copy, _ = hoster.Write(letter) // the contract test writes every letter
	return out
}

// hosterOf is what is known of a host's provider, and its name in brackets, "" for one of which nothing is.
func hosterOf(h *site.Host) (provider.Provider, string) {
	hoster, known := provider.Find(h.Provider)
	if known && hoster.ID != provider.Unknown {
		return hoster, " (" + hoster.Name + ")"
	}
	return hoster, ""
}

// panelRules are the incoming rules the hoster's firewall must have, with this site's own ports.
func panelRules(s *site.Site, h *site.Host, now seen.Host) []provider.Rule {
	var rules []provider.Rule
	for _, port := range now.Ports {
		rules = append(rules, provider.Rule{Name: "ssh", Proto: "tcp", Port: port, From: seen.Joined(h.SSHFrom)})
	}
	for _, p := range site.Services(s) {
		rules = append(rules, provider.Rule{Name: p.Name, Proto: p.Proto, Port: p.Port, From: seen.Joined(p.From)})
	}
	for _, k := range h.Keep {
		rules = append(rules, provider.Rule{Name: "kept", Proto: k.Proto, Port: k.Port, From: seen.Joined(k.Sources())})
	}
	if s.Layout == "toaster" {
		return rules
	}
	return append(rules, provider.Rule{Name: "tunnel (WireGuard)", Proto: "udp", Port: s.Tunnel.Port})
}
