package firewall

import (
	"net/netip"
	"slices"
	"strings"

	"postern/seen"
)

// guideOptions are those of iptables that the guide's rules use.
var guideOptions = []string{"-A", "-i", "-o", "-p", "-m tcp", "-d", "--dport", "--to-destination", "--to", "-j"}

// guideForward finds the forward a rule of the guide stands for. guide: firewall, Configuring NAT Rules in UFW; Port
// Forwarding Configuration.
func guideForward(line string, want Policy) (Forward, bool) {
	r := seen.ParseRule(line)
	for _, option := range r.Options {
		if !slices.Contains(guideOptions, option) {
			return Forward{}, false
		}
	}
	for _, f := range want.Forwards {
		if f.Proto != "tcp" || (r.In != "" && r.In != f.In) || (r.Out != "" && r.Out != f.Out) {
			continue
		}
		goes := func(to netip.AddrPort) bool {
			return r.Proto == "tcp" && slices.Equal(r.Ports, []seen.Span{{First: int(to.Port()), Last: int(to.Port())}})
		}
		dest := slices.Equal(r.Dst, []netip.Prefix{netip.PrefixFrom(f.Dest.Addr(), f.Dest.Addr().BitLen())})
		switch {
		case r.Chain == "PREROUTING" && r.Target == "DNAT" && r.Dst == nil && goes(f.To) &&
			(r.To == f.Dest.String() || r.To == f.Dest.Addr().String() && f.To.Port() == f.Dest.Port()),
			r.Chain == "POSTROUTING" && r.Target == "MASQUERADE" && r.To == "" && dest && (goes(f.Dest) || r.Proto == "" && r.Ports == nil),
			r.Chain == "ufw-before-forward" && r.Target == "ACCEPT" && r.To == "" && dest && goes(f.Dest):
			return f, true
		}
	}
	return Forward{}, false
}

// guideCut is before.rules without what the guide had people write into it.
type guideCut struct {
	text    string
	cut     []string        // the rules taken out
	covers  map[string]bool // names of the forwards the guide's DNAT rules do
	flushes string          // a line that is left and flushes a chain of the nat table at every start
}

// cutGuide takes the guide's rules out of before.rules; a nat section that has nothing else goes with them.
func cutGuide(text string, want Policy) guideCut {
	g := guideCut{covers: map[string]bool{}}
	var out, section []string
	table, own, foreign := "", 0, 0
	flush := ""
	for _, line := range strings.SplitAfter(text, "\n") {
		word := strings.TrimSpace(line)
		if strings.HasPrefix(word, "*") {
			out = append(out, section...)
			section, table, own, foreign, flush = nil, word[1:], 0, 0, ""
		}
		f, isGuide := guideForward(word, want)
		switch {
		case isGuide && (table == "nat" || strings.HasPrefix(word, "-A ufw-before-forward ")):
			g.cut = append(g.cut, word)
			own++
			if strings.HasPrefix(word, "-A PREROUTING") {
				g.covers[f.Name] = true
			}
			continue
		case table == "nat" && (word == "-F" || strings.HasPrefix(word, "-F ")):
			flush = word
		case word != "" && word[0] != '#' && word[0] != '*' && word[0] != ':' && word != "COMMIT":
			foreign++
		}
		section = append(section, line)
		if word == "COMMIT" {
			if table == "nat" && own > 0 && foreign == 0 {
				section = nil
			} else if table == "nat" && flush != "" {
				g.flushes = flush
			}
			out = append(out, section...)
			section, table = nil, ""
		}
	}
	g.text = strings.Join(append(out, section...), "")
	return g
}

// guideLive lists the guide's rules that run in the nat table now, each as often as it is there and in its order.
func guideLive(now seen.Tables, want Policy) []string {
	var rules []string
	if now["nat"] == nil {
		return nil
	}
	for _, r := range now["nat"].Rules {
		if _, ok := guideForward(r.Text, want); ok {
			rules = append(rules, r.Text)
		}
	}
	return rules
}

// replacing is the policy with what to do about the guide's rules decided by what was found.
func (p *plan) replacing() Policy {
	want := p.want
	want.ReplaceRules = want.ReplaceRules || want.ReplaceFound && p.followsGuide()
	return want
}

// followsGuide says whether the host was set up by hand as the guide has it, which its NAT block or its rule for the tunnel
// tells.
func (p *plan) followsGuide() bool {
	for _, f := range []ufwFile{p.scene.four, p.scene.six} {
		for _, e := range f.entries {
			if e.known && e.rule.Dport+"/"+e.rule.Proto == p.want.GuideMark && guideRule(e.rule, p.want) {
				return true
			}
		}
	}
	return len(cutGuide(p.file(before4Path).Text, p.want).cut) > 0
}

// guideRule says whether an untagged rule reads as the guide's text has it typed: allow PORT/PROTO from anywhere, or the
// relay's port from one address. guide: firewall, Opening Required Ports; Restricting Access to Specific IPs.
func guideRule(r ufwRule, want Policy) bool {
	if r.Note != "" || r.Action != "allow" || r.Route || r.Dir != "in" || r.In+r.Out != "" || r.Sport != "any" || r.Dapp+r.Sapp != "" ||
		(r.Dst != any4 && r.Dst != any6) {
		return false
	}
	src, ok := seen.Prefix(r.Src)
	if !ok || (src.Bits() != 0 && !src.IsSingleIP()) {
		return false
	}
	for _, port := range want.GuidePorts {
		if port == r.Dport+"/"+r.Proto {
			return true
		}
	}
	return false
}
