package firewall

import (
	"net/netip"
	"strconv"
	"strings"

	"postern/seen"
)

// natLine is one iptables rule of the few shapes the guide uses.
type natLine struct {
	chain, in, out, proto, target string
	src, dst                      netip.Prefix
	dport                         int
	to                            string // of a DNAT
}

// parseNatLine reads a rule as a person or iptables-save writes it. It is false for any option the guide does not use.
func parseNatLine(line string) (natLine, bool) {
	w := strings.Fields(line)
	var n natLine
	if len(w)%2 != 0 || len(w) < 4 || w[0] != "-A" {
		return n, false
	}
	n.chain = w[1]
	for i := 2; i < len(w); i += 2 {
		var err error
		switch v := w[i+1]; w[i] {
		case "-i":
			n.in = v
		case "-o":
			n.out = v
		case "-p":
			n.proto = v
		case "-j":
			n.target = v
		case "-s":
			n.src, err = parsePrefix(v)
		case "-d":
			n.dst, err = parsePrefix(v)
		case "--dport":
			n.dport, err = strconv.Atoi(v)
		case "--to-destination", "--to":
			n.to = v
		case "-m":
			if v != "tcp" {
				return n, false
			}
		default:
			return n, false
		}
		if err != nil {
			return n, false
		}
	}
	return n, true
}

// guideForward finds the forward a rule of the guide stands for. guide: firewall, Configuring NAT Rules in UFW; Port
// Forwarding Configuration.
func guideForward(line string, want Policy) (Forward, bool) {
	n, ok := parseNatLine(line)
	if !ok || n.src.IsValid() {
		return Forward{}, false
	}
	for _, f := range want.Forwards {
		if f.Proto != "tcp" || (n.in != "" && n.in != f.In) || (n.out != "" && n.out != f.Out) {
			continue
		}
		dest := n.dst.IsValid() && n.dst.IsSingleIP() && n.dst.Addr() == f.Dest.Addr()
		port := n.proto == "tcp" && n.dport == int(f.Dest.Port())
		switch {
		case n.chain == "PREROUTING" && n.target == "DNAT" && !n.dst.IsValid() && n.proto == "tcp" && n.dport == int(f.To.Port()) &&
			(n.to == f.Dest.String() || n.to == f.Dest.Addr().String() && f.To.Port() == f.Dest.Port()),
			n.chain == "POSTROUTING" && n.target == "MASQUERADE" && n.to == "" && dest && (port || n.proto == "" && n.dport == 0),
			n.chain == "ufw-before-forward" && n.target == "ACCEPT" && n.to == "" && dest && port:
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
			if e.known && e.rule.dport+"/"+e.rule.proto == p.want.GuideMark && guideRule(e.rule, p.want) {
				return true
			}
		}
	}
	return len(cutGuide(p.file(before4Path).Text, p.want).cut) > 0
}

// guideRule says whether an untagged rule reads as the guide's text has it typed: allow PORT/PROTO from anywhere, or the
// relay's port from one address. guide: firewall, Opening Required Ports; Restricting Access to Specific IPs.
func guideRule(r ufwRule, want Policy) bool {
	if r.note != "" || r.action != "allow" || r.route || r.dir != "in" || r.in+r.out != "" || r.sport != "any" || r.dapp+r.sapp != "" ||
		(r.dst != any4 && r.dst != any6) {
		return false
	}
	src, err := parsePrefix(r.src)
	if err != nil || (src.Bits() != 0 && !src.IsSingleIP()) {
		return false
	}
	for _, port := range want.GuidePorts {
		if port == r.dport+"/"+r.proto {
			return true
		}
	}
	return false
}
