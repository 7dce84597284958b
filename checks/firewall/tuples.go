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

// tuple is one rule as ufw keeps it in user.rules and user6.rules: the line that begins with "### tuple ###".
type tuple struct {
	action   string // allow, deny, reject, limit
	route    bool   // for what passes through, not for the host itself
	leaves   bool   // for what the host itself sends
	proto    string
	dports   []seen.Span // none: any
	src, dst netip.Prefix
	in, out  string
	comment  string
	undoing  string // the command that takes it away
}

// ours says whether the rule carries our mark.
func (t tuple) ours() bool {
	return t.comment == ownMark || strings.HasPrefix(t.comment, ownMark+" ")
}

// tuplesOf are the rules of both families in ufw's files.
func tuplesOf(f remote.Facts) ([]tuple, error) {
	var all []tuple
	for _, path := range []string{fileUfwUser, fileUfwUser6} {
		file, known := f.File(path)
		if !known || file == nil {
			return nil, fmt.Errorf("%s could not be read", path)
		}
		if !strings.Contains(file.Text, "*filter") || !strings.Contains(file.Text, "COMMIT") {
			return nil, fmt.Errorf("%s is not a rules file", path)
		}
		for _, line := range strings.Split(file.Text, "\n") {
			if strings.HasPrefix(line, seen.UfwTuple) {
				t, err := tupleOf(line)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", path, err)
				}
				all = append(all, t)
			}
		}
	}
	return all, nil
}

func tupleOf(line string) (tuple, error) {
	r, ok := seen.ParseUfwRule(line)
	t := tuple{route: r.Route, leaves: r.Dir == "out" && !r.Route, proto: r.Proto, dports: seen.ParsePorts(r.Dport), in: r.In, out: r.Out, comment: r.Note, undoing: r.Delete()}
	t.action, _, _ = strings.Cut(r.Action, "_")
	dst, okDst := seen.Prefix(r.Dst)
	src, okSrc := seen.Prefix(r.Src)
	if t.dst, t.src = dst.Masked(), src.Masked(); !ok || !okDst || !okSrc || t.dports == nil && r.Dport != "any" {
		return t, fmt.Errorf("a rule that cannot be read: %q", remote.Clean(line).Line(200))
	}
	return t, nil
}

// String is the rule as a person would say it.
func (t tuple) String() string {
	text := t.action + " "
	if t.route {
		text = "forward " + text
	}
	if t.leaves {
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
	text += port + "/" + t.proto
	if t.dst.Bits() > 0 {
		text += " to " + t.dst.String()
	}
	if t.src.Bits() > 0 {
		text += " from " + t.src.String()
	} else if t.src.Addr().Is6() {
		text += " (v6)"
	}
	if t.in != "" {
		text += " in on " + t.in
	}
	if t.out != "" {
		text += " out on " + t.out
	}
	if t.comment != "" {
		text += " (" + remote.Clean(t.comment).Line(60) + ")"
	}
	return text
}

// within says whether the rule lets in no more than what is wanted.
func (t tuple) within(w want) bool {
	switch {
	case t.route || t.leaves || (t.action != "allow" && t.action != "limit"):
		return false
	case w.proto != "" && t.proto != w.proto, w.iface != "" && t.in != w.iface:
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
func (t tuple) refuses(p seen.Packet) bool {
	return !t.ours() && !t.route && (t.action == "deny" || t.action == "reject") && t.fits(p)
}

// covers says whether a packet of a connection is let in, or through, by the rule.
func (t tuple) covers(p seen.Packet) bool {
	return (t.action == "allow" || t.action == "limit") && t.route == p.Beyond && t.fits(p)
}

func (t tuple) fits(p seen.Packet) bool {
	return !t.leaves && (t.proto == "any" || t.proto == p.Proto) && (len(t.dports) == 0 || seen.HasPort(t.dports, p.Port)) &&
		t.src.Contains(p.Src) && t.dst.Contains(p.Dst) && (t.in == "" || t.in == p.In) && (t.out == "" || t.out == p.Out)
}

// admitsAll says whether a rule of other people that names a port lets everybody in to it.
func (t tuple) admitsAll(proto string, port int) bool {
	return !t.ours() && !t.route && !t.leaves && (t.action == "allow" || t.action == "limit") && t.src.Bits() == 0 &&
		(t.proto == "any" || t.proto == proto) && seen.HasPort(t.dports, port)
}
