package pf

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// rule is one line of a pf file, in the syntax that pf of FreeBSD 13, 14 and 15 takes alike. Rules that differ in their ports alone are
// one line.
type rule struct {
	action string // pass in, pass out, nat or rdr
	on     string // the interface; "" is any
	via    string // reply-to, with the next hop
	family string // inet or inet6; "" only where a table stands for the addresses
	proto  string // "" is any
	from   string
	source string // ports that it comes from; "" is any
	to     string
	ports  []int  // none is any
	state  string // flags and state, where they are not the usual ones
	target string // where nat and rdr send to
	names  []string
}

// line is the rule as the file has it. An anchor's rules decide at once, whatever the main file says behind it.
func (r rule) line(quick bool) string {
	words := []string{r.action}
	if quick && strings.HasPrefix(r.action, "pass") {
		words = append(words, "quick")
	}
	if r.on != "" {
		words = append(words, "on "+r.on)
	}
	if r.via != "" {
		words = append(words, r.via)
	}
	if r.family != "" {
		words = append(words, r.family)
	}
	if r.proto != "" {
		words = append(words, "proto "+r.proto)
	}
	words = append(words, "from "+r.from)
	if r.source != "" {
		words = append(words, "port "+r.source)
	}
	words = append(words, "to "+r.to)
	if len(r.ports) > 0 {
		words = append(words, "port "+PortList(r.ports))
	}
	if r.target != "" {
		words = append(words, "-> "+r.target)
	}
	if r.state != "" {
		words = append(words, r.state)
	}
	return strings.Join(words, " ")
}

// rules are lines in their order.
type rules []rule

// add joins a rule to one that differs from it in its ports alone, or puts it behind them all.
func (l *rules) add(r rule) {
	for i, had := range *l {
		same := had
		same.ports, same.names = r.ports, r.names
		if len(had.ports) > 0 && len(r.ports) > 0 && same.line(false) == r.line(false) {
			for _, p := range r.ports {
				if !slices.Contains(had.ports, p) {
					(*l)[i].ports = append((*l)[i].ports, p)
				}
			}
			for _, name := range r.names {
				if !slices.Contains(had.names, name) {
					(*l)[i].names = append((*l)[i].names, name)
				}
			}
			return
		}
		if had.line(false) == r.line(false) {
			return
		}
	}
	*l = append(*l, r)
}

// lines are the rules below what they are for.
func (l rules) lines(quick bool) string {
	text, above := "", ""
	for _, r := range l {
		if names := strings.Join(r.names, ", "); names != above && names != "" {
			text, above = text+"# "+names+"\n", names
		}
		text += r.line(quick) + "\n"
	}
	return text
}

// PortList is a list of ports as pf has it.
func PortList(ports []int) string {
	var words []string
	for _, p := range ports {
		words = append(words, strconv.Itoa(p))
	}
	return Braced(words)
}

// Braced is a list as pf has it, or the one thing alone.
func Braced(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return "{ " + strings.Join(words, " ") + " }"
}

// families are the two that rules are written for, each by itself: a rule for both loses, without a word, what is not of one.
var families = []string{"inet", "inet6"}

func family(a netip.Addr) string {
	if a.Is4() {
		return "inet"
	}
	return "inet6"
}

// canonical is a network as pf keeps it: without the bits of a host, and a single address alone.
func canonical(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().WithZone("").String()
	}
	return p.Masked().String()
}

// sources are those of one family; false where a list has none of it, which admits nobody over it.
func sources(from []netip.Prefix, fam string) (string, bool) {
	if from == nil {
		return "any", true
	}
	var words []string
	for _, p := range from {
		switch one := canonical(p); {
		case !p.IsValid() || family(p.Addr()) != fam || slices.Contains(words, one):
		case p.Bits() == 0:
			return "any", true
		default:
			words = append(words, one)
		}
	}
	if len(words) == 0 {
		return "", false
	}
	return Braced(words), true
}

// table is a table's definition; an empty one stays, because rules name it.
func table(name string, of []netip.Prefix) string {
	var words []string
	for _, p := range of {
		words = append(words, canonical(p))
	}
	if len(words) == 0 {
		return fmt.Sprintf("table <%s> persist\n", name)
	}
	return fmt.Sprintf("table <%s> persist { %s }\n", name, strings.Join(words, " "))
}
