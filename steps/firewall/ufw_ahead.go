package firewall

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
)

// The files that others load rules from, and the packages that own the units which do.
const (
	saved4Path = "/etc/iptables/rules.v4"
	saved6Path = "/etc/iptables/rules.v6"
	nftPath    = "/etc/nftables.conf"

	persistentUnit = "netfilter-persistent.service"
)

// ahead tells of what other programs load beside ufw: rules that are asked before ufw's and refuse what ours admit, as the images of some
// providers have them, and units that load their own at boot. It says which file and package that is, what comes of it, and the way out.
func ahead(want Policy, found remote.Facts) []string {
	var notes []string
	now, err := seen.Rules.Of(found)
	if err != nil {
		return nil
	}
	strangers := now.Strangers()
	for i, family := range []struct {
		tables        seen.Tables
		program, file string
	}{{now.Four, "iptables", saved4Path}, {now.Six, "ip6tables", saved6Path}} {
		for _, chain := range []string{"INPUT", "FORWARD"} {
			refused := map[string][]string{}
			for name, p := range want.packets(chain, strangers[i], found) {
				if rule := refusedAhead(family.tables["filter"], chain, p); rule != "" {
					refused[rule] = append(refused[rule], name)
				}
			}
			for _, rule := range slices.Sorted(maps.Keys(refused)) {
				slices.Sort(refused[rule])
				at := slices.IndexFunc(family.tables.Chain("filter", chain), func(r seen.Rule) bool { return r.Text == rule })
				text := fmt.Sprintf("%s is asked before ufw's rules and refuses %s, which ours would admit", shownRule(rule), strings.Join(refused[rule], ", "))
				way := fmt.Sprintf("; take it away with: %s -D %s %d", family.program, chain, at+1)
				if f, _ := found.File(family.file); f != nil && slices.Contains(strings.Split(f.Text, "\n"), rule) {
					text, way = text+"; it stands in "+family.file+", which the package netfilter-persistent loads at boot", strings.Replace(way, "; take it away", "; take it out there, and away", 1)
				}
				notes = append(notes, text+way)
			}
		}
	}
	return append(append(notes, beside(want, now, found)...), loaders(found)...)
}

// beside tells of tables that somebody made with nft which refuse what ours admit: a packet must pass both.
func beside(want Policy, now seen.Ruleset, found remote.Facts) (notes []string) {
	theirs, refused := seen.Ruleset{Beside: now.Beside}, map[string][]string{}
	add := func(name string, f seen.Fate) {
		if f.Verdict != "ACCEPT" && !f.Unsure && strings.HasPrefix(f.Rule, "table ") && !slices.Contains(refused[f.Rule], name) {
			refused[f.Rule] = append(refused[f.Rule], name)
		}
	}
	for _, stranger := range now.Strangers() {
		for name, p := range want.packets("INPUT", stranger, found) {
			add(name, theirs.Enters(p))
		}
		for name, p := range want.packets("FORWARD", stranger, found) {
			add(name, theirs.Crosses(p))
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(refused)) {
		slices.Sort(refused[rule])
		table, what, _ := strings.Cut(rule, ": ")
		text := fmt.Sprintf("the %s of nft is asked beside ufw's rules and refuses %s (%q), which ours would admit", table, strings.Join(refused[rule], ", "), what)
		f, _ := found.File(nftPath)
		if f != nil && strings.Contains(f.Text, table+" {") {
			text += "; it stands in " + nftPath
		}
		notes = append(notes, remote.Clean(text+"; admit them there too, or take it away with: nft delete "+table).String())
	}
	return notes
}

func shownRule(rule string) string {
	return "the rule " + remote.Clean(fmt.Sprintf("%q", rule)).Line(160)
}

// packets are first packets of what the policy admits, by its name; a stranger's where it is for everyone.
func (p Policy) packets(chain string, stranger netip.Addr, found remote.Facts) map[string]seen.Packet {
	network, _ := seen.Addresses.Of(found)
	all := map[string]seen.Packet{}
	from := func(list []netip.Prefix) (netip.Addr, bool) {
		for _, one := range list {
			if one.Addr().Is6() == stranger.Is6() {
				return one.Addr(), true
			}
		}
		return stranger, list == nil
	}
	for _, a := range p.Allows {
		in := a.In
		if in == "" {
			in = network.Device
		}
		if src, ok := from(a.From); ok && chain == "INPUT" && a.Port != 0 {
			all[a.Name] = seen.Packet{Proto: a.Proto, Src: src, Dst: cmp.Or(a.To, network.Meets(src, in)), Port: a.Port, In: in}
		}
	}
	for _, f := range p.Forwards {
		if src, ok := from(f.From); ok && chain == "FORWARD" && f.Dest.Addr().Is6() == stranger.Is6() {
			all[f.Name] = seen.Packet{Proto: f.Proto, Src: src, Dst: f.Dest.Addr(), Port: int(f.Dest.Port()), In: f.In, Out: f.Out, Beyond: true}
		}
	}
	return all
}

// refusedAhead is the rule of a built-in chain that refuses a packet before ufw is asked, or "".
func refusedAhead(t *seen.Table, chain string, p seen.Packet) string {
	if t == nil {
		return ""
	}
	before := seen.Table{Policy: maps.Clone(t.Policy), Chains: maps.Clone(t.Chains)}
	before.Policy[chain] = ""
	rules := t.Chains[chain]
	if at := slices.IndexFunc(rules, func(r seen.Rule) bool { return strings.HasPrefix(r.Target, "ufw") }); at >= 0 {
		rules = rules[:at]
	}
	before.Chains[chain] = rules
	f := before.Lets(chain, p)
	if f.Verdict != "DROP" && f.Verdict != "REJECT" {
		return ""
	}
	if slices.ContainsFunc(rules, func(r seen.Rule) bool { return r.Text == f.Rule }) {
		return f.Rule
	}
	for _, r := range rules { // it stands in a chain below
		if _, isChain := t.Policy[r.Target]; isChain {
			below := seen.Table{Policy: before.Policy, Chains: maps.Clone(t.Chains)}
			below.Chains[chain] = []seen.Rule{r}
			if got := below.Lets(chain, p); got.Verdict == f.Verdict {
				return r.Text
			}
		}
	}
	return ""
}

// barred is what keeps ufw from being installed: a package that it excludes, which we take away from nobody.
func barred(found remote.Facts) string {
	if units, _ := seen.UnitsOf.Of(found); !units.By[persistentUnit].Loaded {
		return ""
	}
	return fmt.Sprintf("the packages ufw and netfilter-persistent exclude each other, and nothing is removed without you: keep a copy of %s and %s, whose rules run until the next boot and not after it, "+
		"put what is needed of them into ufw afterwards, and now: apt-get remove netfilter-persistent", saved4Path, saved6Path)
}

// loaders tells of the units that load rules of their own at boot.
func loaders(found remote.Facts) []string {
	var notes []string
	units, _ := seen.UnitsOf.Of(found)
	if tools, err := seen.Tools.Of(found); units.By[persistentUnit].Loaded && (err != nil || tools["ufw"]) {
		notes = append(notes, fmt.Sprintf("netfilter-persistent loads %s and %s at boot, in place of all that runs then: put what is needed of them into ufw, and then: apt-get remove netfilter-persistent", saved4Path, saved6Path))
	}
	if u := units.By["nftables.service"]; u.Active || u.Enabled() {
		text := "nftables.service (package nftables) loads " + nftPath
		f, _ := found.File(nftPath)
		switch {
		case f != nil && strings.Contains(f.Text, "policy drop"):
			text += ", which drops what it does not name itself: packets must pass both; admit there what is admitted here"
		case f != nil && strings.Contains(f.Text, "flush ruleset"):
			text += ", which begins by emptying all rules: whoever reloads it must type \"ufw reload\" after it"
		default:
			text += ": see that it agrees with ufw"
		}
		notes = append(notes, text+", or put what is needed of it into ufw, and then: systemctl disable nftables")
	}
	return notes
}
