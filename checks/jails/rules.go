package jails

import (
	"context"
	"fmt"
	"net/netip"
	"path"
	"strings"

	"postern/checks"
	seenpf "postern/seen/pf"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{ID: "jails.rules", Layout: "toaster", Rests: []string{"host.ssh@"}, Step: "firewall", Title: "The rules that run let in to each jail", Guide: "firewall, Port Forwarding Configuration",
		Page: checks.Page{
			Asks: "Would pf, by the rules that it runs at this moment, send a stranger's connection to each public port on to the jail that the port is for, over each family? The main rules and the anchors of each jail are followed, with their tables; " +
				"and the anchors hold what the jail's files say.",
			OK:      "They do, and each anchor holds as many rules as its files make.",
			Warn:    "They do, and an anchor holds fewer or more rules than its files make: somebody changed one of them and not the other. Or other jails were refused by this one's rules: what pf counted is told, and jail.NAME.reach is how to let them.",
			Fail:    "A port is refused, or goes elsewhere, or the jail's anchor is empty. The rule that decides is named.",
			Unknown: "What pf holds could not be read, or rests on something that is not known.",
			Skip:    "The layout has no jails, or the jail does not run, or offers nothing.",
			Mends:   "The chapter Firewall writes and loads the rules of a jail that has none; files of yours are a task of it. A jail whose rules are there and not loaded: its script, with the words load and the jail's name.",
		}, Reads: reads, Ask: ofToaster(askRules)})
	checks.Register(checks.Check{ID: "jails.policy", Layout: "toaster", Rests: []string{"host.ssh@"}, Step: "firewall", Title: "What nobody provided for is refused", Guide: "firewall, Configuring Default Policies",
		Page: checks.Page{
			Asks:    "Does pf of the host with the jails run, and what becomes, by the rules that run, of a stranger's connection to a port that no rule names?",
			OK:      "It is refused.",
			Fail:    "It gets in, or pf does not run: everything that listens on the host is open, and what lets in to single ports decides nothing.",
			Unknown: "What pf holds could not be read, or rests on something that is not known.",
			Skip:    "The layout has no jails.",
			Mends:   "The chapter Firewall says which lines close a main file of yours without locking you out. With pf.main = own it writes one that does, and takes it back unless a new login works.",
		}, Reads: reads, Ask: ofToaster(askPolicy)})
}

func askRules(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Fix: "firewall", Likely: "its rules were never loaded, or the main file does not call their anchors"}
	return eachHost(e, q, func(q checks.Question, s scene) (all []checks.Result) {
		for _, j := range e.Site.Jails {
			q.Suffix, q.Want = "."+j.Name, "each port of the jail "+j.Name+" is let in, and goes there"
			one := s.rules(q, j)
			if refused := s.refused(e.Site.Jails, j); len(refused) > 0 && (one.Outcome == checks.OK || one.Outcome == checks.Skip) {
				one = q.Warn(checks.Few(refused), "they need what they are kept from, and their answer does not name it; or somebody in them looks around", strings.Join(refused, "\n"))
			}
			all = append(all, one)
		}
		return all
	})
}

func (s scene) rules(q checks.Question, j site.Jail) checks.Result {
	switch {
	case len(j.Ports) == 0:
		return q.Skip("it offers nothing to the world")
	case !s.runs(j.Name):
		return q.Skip("the jail does not run")
	case !s.filter.Running:
		return q.Fail("pf does not run, so nothing is sent on", "it was never switched on", "")
	}
	var wrong, unsure []string
	n := 0
	for _, at := range s.public() {
		to := address(j, at.Is4())
		if !to.IsValid() {
			continue
		}
		if site.Public(to) {
			at = to // it has an address of its own in the world
		}
		for _, port := range j.Ports {
			from := stranger(at.Is4())
			if site.Insecure(port) {
				if from = first(j.Insecure, at.Is4()); !from.IsValid() {
					continue
				}
			}
			n++
			d := s.main.Decide(seenpf.Packet{On: s.network.Device, Proto: "tcp", From: netip.AddrPortFrom(from, 40000), To: netip.AddrPortFrom(at, uint16(port))}, s.known)
			switch goes := netip.AddrPortFrom(to, uint16(port)); {
			case d.Verdict == seenpf.Unknown:
				unsure = append(unsure, fmt.Sprintf("%s: %s", netip.AddrPortFrom(at, uint16(port)), d.Why))
			case d.Verdict == seenpf.Block:
				wrong = append(wrong, fmt.Sprintf("%s is refused by %q", netip.AddrPortFrom(at, uint16(port)), d.Rule))
			case d.To != goes:
				wrong = append(wrong, fmt.Sprintf("%s goes to %s, not to %s", netip.AddrPortFrom(at, uint16(port)), d.To, goes))
			}
		}
	}
	switch {
	case len(wrong) > 0:
		return q.Fail(checks.Few(wrong), "", strings.Join(wrong, "\n"))
	case len(unsure) > 0:
		return q.Unknown(checks.Few(unsure), "")
	case n == 0:
		return q.Unknown("no port could be tried: "+s.host.Name+"'s public address is not known, or the jail has none of its family", "")
	}
	if differs := s.differs(j.Name); len(differs) > 0 {
		return q.Warn(checks.Few(differs), "a file was changed and not loaded, or rules were loaded that stand in no file: what a restart of the jail brings is another", strings.Join(differs, "\n"))
	}
	return q.OK("each is, of %d tried", n)
}

// refused are the other jails that the rules of a jail refused, as pf counted since these were loaded.
func (s scene) refused(all []site.Jail, j site.Jail) (words []string) {
	counted := map[string]uint64{}
	for _, anchor := range []string{"allow/" + j.Name, "filter/" + j.Name} {
		for _, st := range seenpf.Printed(s.loaded.Rules[anchor], anchor, seenpf.Host{}).Statements {
			for _, r := range st.Rules {
				if r.Action != "block" || r.Counters == nil || len(r.From.Hosts) != 1 || r.From.Hosts[0].Kind != seenpf.Net {
					continue
				}
				from := r.From.Hosts[0].Prefix
				for _, other := range all {
					if other.Name != j.Name && from.IsSingleIP() && (from.Addr() == other.Address4 || from.Addr() == other.Address6) {
						counted[other.Name] += r.Counters.Packets
					}
				}
			}
		}
	}
	for _, other := range all {
		if n := counted[other.Name]; n > 0 {
			words = append(words, fmt.Sprintf("%s was refused %d times at %s: jail.%s.reach", other.Name, n, j.Name, other.Name))
		}
	}
	return words
}

// first is the first address of one family among those.
func first(list []netip.Prefix, four bool) netip.Addr {
	for _, p := range list {
		if p.Addr().Is4() == four {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// differs are the anchors of a jail that hold another number of rules than its files make.
func (s scene) differs(name string) (all []string) {
	for file, text := range s.toaster.Files {
		class, rules := strings.CutSuffix(path.Base(file), ".conf")
		if !rules || jailOf(file) != name || class != "rdr" && class != "nat" && class != "binat" && class != "filter" && class != "allow" {
			continue
		}
		anchor := class + "/" + name
		made := seenpf.Parse(text, anchor, s.files()).Expand(seenpf.R14)
		want, has := len(made.Translation)+len(made.Filter), 0
		for _, st := range seenpf.Printed(s.loaded.Rules[anchor], anchor, seenpf.Host{}).Statements {
			has += len(st.Rules)
		}
		if fewer := has < want && !made.Merges; fewer || has > want {
			all = append(all, fmt.Sprintf("the anchor %s holds %d rules, and %s makes %d", anchor, has, file, want))
		}
	}
	return all
}

// files are the files of jails, to who reads rules that name them.
func (s scene) files() seenpf.Host {
	h := seenpf.Host{Files: map[string]seenpf.File{}, Interfaces: s.known.Interfaces}
	for file, text := range s.toaster.Files {
		h.Files[file] = seenpf.File{Text: text}
	}
	return h
}

func askPolicy(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "a host that refuses what nobody provided for", Fix: "firewall", Likely: "its main file has no line that blocks, or that line is out of use"}
	return eachHost(e, q, func(q checks.Question, s scene) []checks.Result {
		if !s.filter.Running {
			return []checks.Result{q.Fail("pf does not run: everything that listens is open", "it was never switched on", "")}
		}
		switch d := s.main.Default(s.network.Device, s.known); d.Verdict {
		case seenpf.Block:
			return []checks.Result{q.OK("it is refused by %q", d.Rule)}
		case seenpf.Pass:
			saw := "no rule refuses it: everything that listens is open"
			if d.Rule != "" {
				saw = fmt.Sprintf("it gets in by %q: everything that listens is open", d.Rule)
			}
			return []checks.Result{q.Fail(saw, "", "")}
		default:
			return []checks.Result{q.Unknown(d.Why, "")}
		}
	})
}
