package pf

import (
	"net/netip"
	"slices"

	"postern/steps/firewall"
)

// mark begins every file that is ours.
const mark = "# Made by postern"

const head = mark + `: all that pf of this host admits and sends on. It reads alike on FreeBSD 13, 14 and 15.
# Changes made here by hand are lost when postern runs again; with pf.main = advise or anchors the file is yours.
`

// mss is what TCP through the tunnel may carry in one packet: it fits in the smallest path that IPv6 allows, whatever the tunnel's is.
const mss = "1220"

// answers are what a host must take to stay reachable at all: addresses from DHCP, and what ICMP says of paths and neighbours.
const answers = `pass in inet  proto udp from any port 67 to any port 68
pass in inet6 proto udp from any port 547 to any port 546
pass in inet  proto icmp icmp-type { echoreq, unreach, timex }
pass in inet6 proto ipv6-icmp icmp6-type { 1, 2, 3, 4, echoreq, 134, 135, 136 }
`

// macroLines name the interfaces, and stand before their use.
func (w writer) macroLines() string {
	text := `ext_if = "` + w.ext + "\"\n"
	if w.tunnel != "" {
		text += `wg_if  = "` + w.tunnel + "\"\n"
	}
	return text
}

// main is the whole main file: options, normalization, translation and filtering, in the one order that pf takes.
func (w writer) main(admins []netip.Prefix) string {
	w.banned = "bruteforce"
	if len(w.want.Behind) > 0 {
		return w.jails(admins)
	}
	text := head + "\n" + w.macroLines() + "\n# those who are never cut off, and those who knocked too often\n" + table(w.admin, admins) + table(w.banned, nil) +
		"\nset block-policy drop\nset loginterface $ext_if\nset skip on lo0\n"
	if w.want.ClampMSS != "" {
		text += "\nscrub on " + w.iface(w.want.ClampMSS) + " max-mss " + mss + "\n"
	}
	if list := w.translation(); len(list) > 0 {
		text += "\n" + list.lines(false)
	}
	text += "\n" + w.admins().lines(false) + "block in quick from <" + w.banned + ">\n" +
		"\n# all else that comes in is refused and logged; what leaves keeps a state for its answers\nblock in log\npass out\n\n" + answers +
		"\n" + append(w.allows(), w.onward()...).lines(false)
	return text
}

// fallback is what pf loads at boot where the main file cannot be: SSH still gets in, and nothing else.
func (w writer) fallback() string {
	w.macros, w.admin = false, ""
	w.want.Allows = slices.DeleteFunc(slices.Clone(w.want.Allows), func(a firewall.Allow) bool { return a.Name != "ssh" })
	return mark + ": what pf loads at boot when its main file is refused. SSH gets in, and nothing else.\n" +
		"set skip on lo0\nblock in log\npass out\n" + answers + w.allows().lines(false)
}

// anchor is the file of our own anchor: tables and macros of its own, because those of the main file are not seen here. Its rules decide
// at once, so that they count wherever the main file calls it.
func (w writer) anchor(admins []netip.Prefix) string {
	w.admin = "postern_admin"
	return anchorHead + "\n" + w.macroLines() + "\n" + table(w.admin, admins) + "\n" + w.translation().lines(false) +
		"\n" + w.admins().lines(false) + append(append(w.allows(), w.onward()...), w.outward()...).lines(true)
}

const anchorHead = mark + `: what the anchor "postern" admits and sends on. The main file of pf calls it, and loads it at boot.
# Changes made here by hand are lost when postern runs again.
`

// calls are the lines by which a main file calls our anchor, in the order in which pf takes them.
func (w writer) calls() []string {
	lines := []string{`nat-anchor "postern"`, `rdr-anchor "postern"`, `anchor "postern"`, `load anchor "postern" from "` + anchorPath + `"`}
	if w.want.ClampMSS != "" {
		lines = slices.Insert(lines, 0, "scrub on "+w.want.ClampMSS+" max-mss "+mss)
	}
	return lines
}

// advice are all the lines that a main file of the operator's needs. They name nothing that only another line defines.
func (w writer) advice() []string {
	w.macros, w.admin = false, ""
	var lines []string
	if w.want.ClampMSS != "" {
		lines = append(lines, "scrub on "+w.want.ClampMSS+" max-mss "+mss)
	}
	for _, list := range []rules{w.translation(), w.allows(), w.onward(), w.outward()} {
		for _, r := range list {
			lines = append(lines, r.line(false))
		}
	}
	return lines
}
