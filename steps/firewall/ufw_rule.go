package firewall

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
)

// ufwRule is one rule as ufw's own line of it tells it; the iptables lines below that line follow from it.
type ufwRule struct{ seen.UfwRule }

const (
	any4 = "0.0.0.0/0"
	any6 = "::/0"
)

// tuple is the rule's line in user.rules.
func (r ufwRule) tuple() string {
	action, ifaces := r.Action, r.Dir
	if r.Route {
		action = "route:" + action
	}
	switch {
	case r.In != "" && r.Out != "":
		ifaces = "in_" + r.In + "!out_" + r.Out
	case r.In+r.Out != "":
		ifaces = r.Dir + "_" + r.In + r.Out
	}
	words := []string{action, r.Proto, r.Dport, r.Dst, r.Sport, r.Src}
	if r.Dapp+r.Sapp != "" {
		words = append(words, r.Dapp, r.Sapp)
	}
	line := seen.UfwTuple + strings.Join(append(words, ifaces), " ")
	if r.Note != "" {
		line += " comment=" + hex.EncodeToString([]byte(r.Note))
	}
	return line
}

// block is an allow rule of ours as ufw writes it into user.rules: an empty line, the tuple and its iptables lines.
func (r ufwRule) block() string {
	chain := "ufw-user-input"
	switch {
	case r.Route:
		chain = "ufw-user-forward"
	case r.Dir == "out":
		chain = "ufw-user-output"
	}
	if strings.Contains(r.Dst, ":") {
		chain = "ufw6" + strings.TrimPrefix(chain, "ufw")
	}
	text := "\n" + r.tuple() + "\n"
	protos := []string{r.Proto}
	if r.Proto == "any" && r.Dport != "any" {
		protos = []string{"tcp", "udp"}
	}
	for _, proto := range protos {
		line := "-A " + chain
		for _, opt := range [][2]string{{"-i", r.In}, {"-o", r.Out}, {"-p", proto}, {"-d", r.Dst}, {"--dport", r.Dport}, {"-s", r.Src}} {
			if v := opt[1]; v != "" && v != "any" && v != any4 && v != any6 {
				line += " " + opt[0] + " " + v
			}
		}
		text += line + " -j ACCEPT\n"
	}
	return text
}

// same says whether two rules do the same, whatever their comments say.
func (r ufwRule) same(other ufwRule) bool {
	r.Note, other.Note = "", ""
	return r == other
}

// covers says whether the rule admits all that another does, so that the other need not be added: the same port without a
// protocol, a range, a profile, a limit, a wider network. One that lets in everybody, or by every interface, covers nothing
// that is for some only: it is what a person is told to delete, and then the narrow one must be there.
func (r ufwRule) covers(other ufwRule) bool {
	everybody := r.Dir == "in" && (r.Src == any4 || r.Src == any6)
	wider := r.Src != other.Src || r.In != other.In || r.Out != other.Out || r.Dst != other.Dst
	return r.admitting() && r.holds(other) && !(everybody && wider)
}

func (r ufwRule) admitting() bool {
	action, _, _ := strings.Cut(r.Action, "_")
	return action == "allow" || action == "limit"
}

// holds says whether every packet that fits another rule fits this one.
func (r ufwRule) holds(other ufwRule) bool {
	word := func(wide, narrow, all string) bool { return wide == narrow || wide == all }
	within := func(wide, narrow string) bool {
		p, known := seen.Prefix(wide)
		q, known2 := seen.Prefix(narrow)
		return known && known2 && p.Bits() <= q.Bits() && p.Contains(q.Addr())
	}
	return r.Route == other.Route && r.Dir == other.Dir && word(r.In, other.In, "") && word(r.Out, other.Out, "") && word(r.Proto, other.Proto, "any") &&
		r.Sport == "any" && within(r.Src, other.Src) && within(r.Dst, other.Dst) && holdsPorts(r.Dport, other.Dport)
}

// owner tells whether the comment is ours, and whether the rule was a person's before it became ours.
func (r ufwRule) owner() (ours, adopted bool) {
	w := strings.Fields(r.Note)
	if len(w) < 2 || len(w) > 3 || w[0] != Tag || (len(w) == 3 && w[2] != adoptedMark) {
		return false, false
	}
	return true, len(w) == 3
}

// adoptedMark follows the name in the comment of a rule that was there, untagged, before us: what takes our part out
// again gives such a rule back instead of deleting it.
const adoptedMark = "adopted"

// shown is the rule as one would type it, fit to be shown, and undoing the command that takes it away.
func (r ufwRule) shown() string { return remote.Clean(r.Typed()).Line(160) }

func (r ufwRule) undoing() string { return remote.Clean(r.Delete()).Line(160) }

// admits says whether a packet of this kind matches the rule. A rule on an interface matches only packets known to come
// in there.
func (r ufwRule) admits(from, to netip.Addr, in, proto string, port int) bool {
	return !r.Route && r.Dir == "in" && (r.In == "" || r.In == in) && (r.Proto == "any" || r.Proto == proto) &&
		r.Sport == "any" && holdsAddr(r.Src, from) && (!to.IsValid() && (r.Dst == any4 || r.Dst == any6) || to.IsValid() && holdsAddr(r.Dst, to)) &&
		holdsPort(r.Dport, port)
}

func holdsAddr(word string, a netip.Addr) bool {
	p, ok := seen.Prefix(word)
	return ok && p.Contains(a)
}

// holdsPorts says whether a rule for some ports, or for any, is for all of another's.
func holdsPorts(word, others string) bool {
	if word == "any" {
		return true
	}
	spans := seen.ParsePorts(word)
	return others != "any" && !slices.ContainsFunc(seen.ParsePorts(others), func(o seen.Span) bool {
		return !slices.ContainsFunc(spans, func(s seen.Span) bool { return s.First <= o.First && o.Last <= s.Last })
	})
}

func holdsPort(word string, port int) bool {
	if word == "any" {
		return true
	}
	return seen.HasPort(seen.ParsePorts(word), port)
}
