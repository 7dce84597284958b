package seen

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"postern/remote"
)

// UfwRule is one rule as ufw keeps it in user.rules and user6.rules: the words of a line that begins with UfwTuple.
type UfwRule struct {
	Action string // allow, deny, reject or limit, with _log or _log-all behind it
	Route  bool   // a rule for forwarded traffic
	Proto  string // tcp, udp, any …
	Dport  string // any, 25, 80,443 or 1000:2000
	Dst    string // 0.0.0.0/0 or ::/0 is everywhere
	Sport  string
	Src    string
	Dapp   string // name of an application profile, "-" for none; both empty in a rule without profiles
	Sapp   string
	Dir    string // in or out
	In     string // interface, empty is any
	Out    string
	Note   string // the comment, decoded
}

// The files in which ufw keeps them, for IPv4 and for IPv6.
const (
	UfwUser  = "/etc/ufw/user.rules"
	UfwUser6 = "/etc/ufw/user6.rules"
)

// UfwRules are the rules of both files, in their order. With an error, for a file or a rule that cannot be read, come those that can.
func UfwRules(f remote.Facts) (all []UfwRule, err error) {
	for _, path := range []string{UfwUser, UfwUser6} {
		file, known := f.File(path)
		if !known || file == nil {
			err = fmt.Errorf("%s could not be read", path)
			continue
		}
		if !strings.Contains(file.Text, "*filter") || !strings.Contains(file.Text, "COMMIT") {
			err = fmt.Errorf("%s is not a rules file", path)
		}
		for line := range strings.Lines(file.Text) {
			line = strings.TrimRight(line, "\n")
			if !strings.HasPrefix(line, UfwTuple) {
				continue
			}
			if r, ok := ParseUfwRule(line); ok && r.whole() {
				all = append(all, r)
			} else {
				err = fmt.Errorf("%s: a rule that cannot be read: %q", path, remote.Clean(line).Line(200))
			}
		}
	}
	return all, err
}

// whole says whether its addresses and ports are such.
func (r UfwRule) whole() bool {
	_, okSrc := Prefix(r.Src)
	_, okDst := Prefix(r.Dst)
	return okSrc && okDst && (r.Dport == "any" || ParsePorts(r.Dport) != nil)
}

// Does says whether the rule has one of these actions, whatever it writes to the log.
func (r UfwRule) Does(actions ...string) bool {
	action, _, _ := strings.Cut(r.Action, "_")
	return slices.Contains(actions, action)
}

// Leaves says whether the rule is for what the host itself sends.
func (r UfwRule) Leaves() bool { return r.Dir == "out" && !r.Route }

// Fits says whether the rule is for a packet that comes in, or one of Route for one that goes through.
func (r UfwRule) Fits(p Packet) bool {
	src, _ := Prefix(r.Src)
	dst, _ := Prefix(r.Dst)
	return r.whole() && !r.Leaves() && r.Route == p.Beyond && (r.Proto == "any" || r.Proto == p.Proto) && (r.Dport == "any" || HasPort(ParsePorts(r.Dport), p.Port)) &&
		src.Masked().Contains(p.Src) && dst.Masked().Contains(p.Dst) && (r.In == "" || r.In == p.In) && (r.Out == "" || r.Out == p.Out)
}

// UfwTuple begins the line of a rule.
const UfwTuple = "### tuple ### "

// ParseUfwRule reads one such line. It is false for a line ufw itself would skip.
func ParseUfwRule(line string) (UfwRule, bool) {
	rest, ok := strings.CutPrefix(line, strings.TrimSpace(UfwTuple))
	if !ok || strings.ContainsFunc(rest, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
		return UfwRule{}, false
	}
	var r UfwRule
	if before, comment, found := strings.Cut(rest, " comment="); found {
		raw, err := hex.DecodeString(strings.TrimSpace(comment))
		if err != nil {
			return UfwRule{}, false
		}
		rest, r.Note = before, string(raw)
	}
	w := strings.Fields(rest)
	if len(w) < 6 || len(w) > 9 {
		return UfwRule{}, false
	}
	r.Action, r.Proto, r.Dport, r.Dst, r.Sport, r.Src, r.Dir = w[0], w[1], w[2], w[3], w[4], w[5], "in"
	if len(w) >= 8 {
		r.Dapp, r.Sapp = w[6], w[7]
	}
	if action, isRoute := strings.CutPrefix(r.Action, "route:"); isRoute {
		r.Action, r.Route = action, true
	}
	if len(w) == 7 || len(w) == 9 {
		return r, r.interfaces(w[len(w)-1])
	}
	return r, true
}

// interfaces reads the last word of a tuple: in, out_eth0, or in_eth0!out_wg0.
func (r *UfwRule) interfaces(word string) bool {
	for i, part := range strings.Split(word, "!") {
		dir, name, _ := strings.Cut(part, "_")
		switch {
		case i > 1, dir != "in" && dir != "out":
			return false
		case i == 0:
			r.Dir = dir
		}
		if dir == "in" {
			r.In = name
		} else {
			r.Out = name
		}
	}
	return true
}

// Typed is the rule as one would type it after "ufw".
func (r UfwRule) Typed() string {
	text := strings.ReplaceAll(r.Action, "_", " ")
	if r.Route {
		text = "route " + text
	}
	if r.Dir == "out" && !r.Route {
		text += " out"
	}
	if r.In != "" {
		text += " in on " + r.In
	}
	if r.Out != "" {
		if r.Route {
			text += " out"
		}
		text += " on " + r.Out
	}
	side := func(word, addr, port, app string) string {
		if addr == "0.0.0.0/0" || addr == "::/0" {
			addr = "any"
		}
		if app != "" && app != "-" {
			return fmt.Sprintf(" %s %s app %s", word, addr, strings.ReplaceAll(app, "%20", " "))
		}
		if port != "any" {
			return fmt.Sprintf(" %s %s port %s", word, addr, port)
		}
		return fmt.Sprintf(" %s %s", word, addr)
	}
	text += side("from", r.Src, r.Sport, r.Sapp) + side("to", r.Dst, r.Dport, r.Dapp)
	if r.Proto != "any" {
		text += " proto " + r.Proto
	}
	if strings.Contains(r.Dst, ":") {
		text += " (v6)"
	}
	if r.Note != "" {
		text += " # " + r.Note
	}
	return text
}

// Delete is the command that takes the rule away, of both families where both have it.
func (r UfwRule) Delete() string {
	r.Note = ""
	text := strings.TrimSuffix(r.Typed(), " (v6)")
	if r.Route || r.In+r.Out+r.Dapp+r.Sapp != "" || r.Dir != "in" || r.Sport != "any" || !strings.HasPrefix(text, strings.ReplaceAll(r.Action, "_", " ")+" from any to any port ") {
		return "ufw delete " + text
	}
	text = strings.ReplaceAll(r.Action, "_", " ") + " " + r.Dport
	if r.Proto != "any" {
		text += "/" + r.Proto
	}
	return "ufw delete " + text
}
