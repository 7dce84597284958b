package firewall

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
)

// ownMark is how rules of ours are told from other people's: the first word of their comment.
const ownMark = "postern"

// tuple is one rule of ufw's.
type tuple struct {
	seen.UfwRule
	dports   []seen.Span // none: any
	src, dst netip.Prefix
}

// ours says whether the rule carries our mark.
func (t tuple) ours() bool { return t.Note == ownMark || strings.HasPrefix(t.Note, ownMark+" ") }

// lets says whether the rule lets something in, or through.
func (t tuple) lets() bool { return t.Does("allow", "limit") }

// tuplesOf are the rules of both families in ufw's files.
func tuplesOf(f remote.Facts) (all []tuple, err error) {
	rules, err := seen.UfwRules(f)
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		all = append(all, tupleOf(r))
	}
	return all, nil
}

func tupleOf(r seen.UfwRule) tuple {
	src, _ := seen.Prefix(r.Src)
	dst, _ := seen.Prefix(r.Dst)
	return tuple{r, seen.ParsePorts(r.Dport), src.Masked(), dst.Masked()}
}

// String is the rule as a person would say it.
func (t tuple) String() string {
	text, _, _ := strings.Cut(t.Action, "_")
	text += " "
	if t.Route {
		text = "forward " + text
	}
	if t.Leaves() {
		text += "out "
	}
	port := "any port"
	if len(t.dports) > 0 {
		port = ""
		for i, s := range t.dports {
			if i > 0 {
				port += ","
			}
			port += fmt.Sprint(s.First)
			if s.Last != s.First {
				port += fmt.Sprintf(":%d", s.Last)
			}
		}
	}
	text += port + "/" + t.Proto
	if t.dst.Bits() > 0 {
		text += " to " + t.dst.String()
	}
	if t.src.Bits() > 0 {
		text += " from " + t.src.String()
	} else if t.src.Addr().Is6() {
		text += " (v6)"
	}
	if t.In != "" {
		text += " in on " + t.In
	}
	if t.Out != "" {
		text += " out on " + t.Out
	}
	if t.Note != "" {
		text += " (" + remote.Clean(t.Note).Line(60) + ")"
	}
	return text
}

// within says whether the rule lets in no more than what is wanted.
func (t tuple) within(w want) bool {
	switch {
	case t.Route || t.Leaves() || !t.lets():
		return false
	case w.proto != "" && t.Proto != w.proto, w.iface != "" && t.In != w.iface:
		return false
	case w.port != 0 && (len(t.dports) != 1 || t.dports[0] != (seen.Span{First: w.port, Last: w.port})):
		return false
	case w.to.IsValid() && t.dst.Bits() > 0 && t.dst.Addr() != w.to:
		return false
	case len(w.from) == 0:
		return true
	}
	return slices.ContainsFunc(w.from, func(p netip.Prefix) bool { return p.Overlaps(t.src) && p.Bits() <= t.src.Bits() })
}

// refuses says whether a rule of other people refuses a packet.
func (t tuple) refuses(p seen.Packet) bool { return !t.ours() && t.Does("deny", "reject") && t.Fits(p) }

// covers says whether a packet of a connection is let in, or through, by the rule.
func (t tuple) covers(p seen.Packet) bool { return t.lets() && t.Fits(p) }

// admitsAll says whether a rule of other people that names a port lets everybody in to it.
func (t tuple) admitsAll(proto string, port int) bool {
	return !t.ours() && !t.Route && !t.Leaves() && t.lets() && t.src.Bits() == 0 && (t.Proto == "any" || t.Proto == proto) && seen.HasPort(t.dports, port)
}
