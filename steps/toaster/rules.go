package toaster

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
	seenpf "postern/seen/pf"
	"postern/site"
	"postern/steps/firewall/pf"
)

// insecureTable is Mail Toaster's table of those who may speak POP3 and IMAP without TLS.
const insecureTable = "insecure_mua"

// head begins a file of a jail.
func head(jail, what string) string {
	return mark + ": " + what + " the jail " + jail + ". Changes made here by hand are lost when postern runs again;\n" +
		"# without its first line the file is yours.\n"
}

// tables are the files of tables that a jail needs, where its script loads them.
func (c scene) tables(j site.Jail, p place) (all []wanted) {
	if !p.tables {
		return nil
	}
	text := ""
	if slices.ContainsFunc(j.Ports, site.Insecure) {
		text = mark + ": who may speak to " + j.Name + " without TLS.\n" + lines(prefixes(j.Insecure))
	}
	all = append(all, wanted{name: insecureTable + ".table", text: text})
	for _, name := range j.Tables {
		var addresses []string
		for _, a := range j.Addresses() {
			addresses = append(addresses, a.String())
		}
		all = append(all, wanted{name: name + ".table", text: mark + ": the addresses of the jail " + j.Name + ".\n" + lines(addresses)})
	}
	return all
}

func lines(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return strings.Join(words, "\n") + "\n"
}

// rules are the files of rules that a jail needs. They name addresses, not tables of the main file, which may go while they stay.
func (c scene) rules(j site.Jail, p place) []wanted {
	var rdr, nat, filter string
	for _, a := range j.Addresses() {
		r, f := c.incoming(j, p, a)
		rdr, filter = rdr+r, filter+c.isolated(j, a)+f
		nat += c.leaving(a)
	}
	named := func(name, class, what, text string) wanted {
		if text != "" {
			text = head(j.Name, what) + text
		}
		return wanted{name, class, text}
	}
	other := "allow"
	if p.filter == other {
		other = "filter"
	}
	return []wanted{
		named("rdr.conf", "rdr", "what goes to", rdr),
		named("nat.conf", "nat", "how the world is reached by", nat),
		named(p.filter+".conf", p.filter, "what is let in to", filter),
		{name: other + ".conf", class: other},
	}
}

// incoming are the rules by which the world reaches an address of a jail.
func (c scene) incoming(j site.Jail, p place, a netip.Addr) (rdr, filter string) {
	fam := family(a)
	var open, few []int
	for _, port := range j.Ports {
		if site.Insecure(port) {
			few = append(few, port)
		} else {
			open = append(open, port)
		}
	}
	slices.Sort(open)
	slices.Sort(few)
	if len(j.Ports) > 0 && c.declares("bruteforce") {
		filter += "block in quick " + fam + " from <bruteforce> to " + a.String() + "\n"
	}
	b, reached := c.outside(a.Is4())
	for _, group := range []struct {
		ports []int
		from  string
	}{{open, "any"}, {few, c.few(j, p, a)}} {
		if len(group.ports) == 0 || group.from == "" {
			continue
		}
		if c.within(a) && reached {
			rdr += fmt.Sprintf("rdr on { %s lo0 } %s proto tcp from %s to %s port %s -> %s\n", b.Out, fam, group.from, c.own(b.As, b.Out), pf.PortList(group.ports), a)
		}
		filter += fmt.Sprintf("pass in quick %s proto tcp from %s to %s port %s\n", fam, group.from, a, pf.PortList(group.ports))
	}
	return rdr, filter
}

// few are those who may speak without TLS, as a rule names them: the table, or the addresses where none is loaded; "" for nobody.
func (c scene) few(j site.Jail, p place, a netip.Addr) string {
	if p.tables {
		return "<" + insecureTable + ">"
	}
	var words []string
	for _, from := range j.Insecure {
		if from.Addr().Is4() == a.Is4() {
			words = append(words, short(from))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return pf.Braced(words)
}

// isolated is the rule that keeps the other jails away which may not come here, logged and counted. It refuses only what begins a connection
// of TCP, so no answer is ever lost; names and logs by UDP go on. It stands with the jail that it keeps, before what is let in there.
func (c scene) isolated(j site.Jail, a netip.Addr) string {
	var away []string
	for _, other := range c.site.Jails {
		if other.Name != j.Name && !other.Reaches(j.Name) {
			away = append(away, of(other, a.Is4())...)
		}
	}
	if len(away) == 0 {
		return ""
	}
	return "block return in log quick " + family(a) + " proto tcp from " + pf.Braced(away) + " to " + a.String() + " flags S/SA\n"
}

// of are the addresses of one family that a jail has.
func of(j site.Jail, four bool) (words []string) {
	for _, a := range j.Addresses() {
		if a.Is4() == four {
			words = append(words, a.String())
		}
	}
	return words
}

// leaving is how an address of a jail reaches the world, where the main file does not see to that.
func (c scene) leaving(a netip.Addr) string {
	b, reached := c.outside(a.Is4())
	if !c.within(a) || !reached || c.mode == "own" || c.natted(a) {
		return ""
	}
	return fmt.Sprintf("nat on %s %s from %s to any -> %s\n", b.Out, family(a), a, c.own(b.As, b.Out))
}

// natted says whether a rule of the main file translates what comes from that address.
func (c scene) natted(a netip.Addr) bool {
	for _, st := range c.main.Statements {
		for _, r := range st.Rules {
			if r.Action != "nat" || r.No || r.Family != 0 && (r.Family == 4) != a.Is4() {
				continue
			}
			if len(r.From.Hosts) == 0 {
				return true
			}
			for _, h := range r.From.Hosts {
				if h.Kind == seenpf.Net && h.Prefix.Masked().Contains(a) || h.Kind == seenpf.Dynamic && c.network.Holder(a) == h.Name {
					return true
				}
			}
		}
	}
	return false
}

// declares says whether the main file has a table of that name, or is ours, which has it.
func (c scene) declares(table string) bool {
	return c.mode == "own" || slices.ContainsFunc(c.main.Statements, func(st seenpf.Statement) bool { return st.Table != nil && st.Table.Name == table })
}

// own is an address of the host; one that was given for a time stands as that of its interface.
func (c scene) own(a netip.Addr, on string) string {
	for _, had := range c.network.On(on) {
		if had.Addr() == a && had.Dynamic {
			return "(" + on + ":0)"
		}
	}
	return a.String()
}

// loadTable completes a change of a table's file: the table has what the file says, and what it had comes back with an undo.
func loadTable(change remote.Change, name, file string) remote.Change {
	quoted, path := remote.Quote(name), remote.Quote(file)
	change.Do = "kldstat -q -m pf || exit 0\n" +
		`[ -e "$KEPT" ] || { pfctl -q -t ` + quoted + ` -T show 2>/dev/null | sed 's/^ *//' >"$KEPT.new"; mv "$KEPT.new" "$KEPT"; }` + "\n" +
		"file=${NEW:-" + path + "}; [ -e \"$file\" ] || file=/dev/null\npfctl -q -t " + quoted + ` -T replace -f "$file"` + "\n"
	change.Undo = "kldstat -q -m pf || exit 0\n" + `[ ! -e "$KEPT" ] || pfctl -q -t ` + quoted + ` -T replace -f "$KEPT"` + "\n"
	return change
}

func family(a netip.Addr) string {
	if a.Is4() {
		return "inet"
	}
	return "inet6"
}

func short(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.Masked().String()
}

func prefixes(list []netip.Prefix) (words []string) {
	for _, p := range list {
		words = append(words, short(p))
	}
	return words
}
