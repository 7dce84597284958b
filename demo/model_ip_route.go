package demo

import (
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// tableNumber reads a table's name or number.
func tableNumber(text string) (int, bool) {
	switch text {
	case "", "main":
		return mainTable, true
	case "local":
		return 255, true
	case "default":
		return 253, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n > 0
}

// six is 1 for IPv6, by the flag or by the words.
func (i *ipCall) six() int {
	if i.family == 6 || i.family == 0 && slices.ContainsFunc(i.w, func(s string) bool { return strings.Count(s, ":") > 1 }) {
		return 1
	}
	return 0
}

// network is what a route leads to.
func (i *ipCall) network() (netip.Prefix, bool) {
	if len(i.w) == 0 {
		return netip.Prefix{}, false
	}
	if i.w[0] == "default" {
		if i.six() == 1 {
			return netip.PrefixFrom(netip.IPv6Unspecified(), 0), true
		}
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0), true
	}
	p, err := parseHostPrefix(i.w[0])
	return p.Masked(), err == nil
}

func (i *ipCall) route() int {
	k := i.host.kernel
	verb := i.verb()
	if verb == "get" {
		return i.routeGet()
	}
	table, ok := tableNumber(i.value("table"))
	if !ok {
		return i.answer(255, "Error: argument \""+i.value("table")+"\" is wrong: table id value is invalid")
	}
	if verb == "show" {
		list := k.shown(table, i.six())
		if len(list) == 0 && table != mainTable && !k.tables[table] {
			return i.answer(2, "Error: ipv"+[]string{"4", "6"}[i.six()]+": FIB table does not exist.\nDump terminated")
		}
		for _, r := range list {
			if dev := i.value("dev"); (len(i.w) == 0 || i.w[0] != "default" || r.to.Bits() == 0) && (dev == "" || dev == r.dev) {
				i.out("%s\n", r.text())
			}
		}
		return 0
	}
	to, ok := i.network()
	if !ok {
		return i.answer(1, "Error: any valid prefix is expected.")
	}
	k.tables[table] = true
	r := route{table: table, to: to, dev: i.value("dev")}
	r.via, _ = netip.ParseAddr(i.value("via"))
	r.src, _ = netip.ParseAddr(i.value("src"))
	r.metric, _ = strconv.Atoi(i.value("metric"))
	if to.Addr().Is6() && r.metric == 0 {
		r.metric = 1024
	}
	if r.dev == "" && r.via.IsValid() {
		if way, ok := k.longest(mainTable, r.via); ok {
			r.dev = way.dev
		}
	}
	same := func(one route) bool {
		return one.table == table && one.to == to && (verb != "delete" || r.dev == "" || r.dev == one.dev)
	}
	at := slices.IndexFunc(k.routes, same)
	switch {
	case verb == "delete" && at < 0:
		return i.answer(2, "RTNETLINK answers: No such process")
	case verb == "delete":
		k.routes = slices.Delete(slices.Clone(k.routes), at, at+1)
	case k.link(r.dev) == nil:
		return i.answer(1, "Cannot find device \""+r.dev+"\"")
	case verb == "add" && at >= 0:
		return i.answer(2, "RTNETLINK answers: File exists")
	case verb == "replace" && at >= 0:
		k.routes = slices.Clone(k.routes)
		k.routes[at] = r
	default:
		k.routes = append(k.routes, r)
	}
	return 0
}

func (i *ipCall) routeGet() int {
	if len(i.w) == 0 {
		return 255
	}
	a, err := netip.ParseAddr(i.w[0])
	if err != nil {
		return i.answer(1, "Error: any valid address is expected rather than \""+i.w[0]+"\".")
	}
	from, _ := netip.ParseAddr(i.value("from"))
	mark, _ := parseMark(or(i.value("mark"), "0"))
	r, ok := i.host.kernel.lookup(from, a, mark)
	if !ok {
		return i.answer(2, "RTNETLINK answers: Network is unreachable")
	}
	text := a.String()
	if r.via.IsValid() {
		text += " via " + r.via.String()
	}
	i.out("%s dev %s src %s uid 0 \n    cache \n", text, r.dev, i.host.kernel.source(r, a))
	return 0
}

func (i *ipCall) rule() int {
	rules := &i.host.kernel.rules[i.six()]
	verb := i.verb()
	pref, err := strconv.Atoi(or(i.value("pref", "preference", "priority"), "-1"))
	if err != nil {
		return i.answer(255, "Error: argument is wrong: preference value is invalid")
	}
	if verb == "show" {
		for _, r := range *rules {
			if pref < 0 || r.pref == pref {
				i.out("%s\n", r.text())
			}
		}
		return 0
	}
	r := policyRule{pref: pref}
	if text := i.value("from"); text != "" && text != "all" {
		if r.from, err = parseHostPrefix(text); err != nil {
			return i.answer(1, "Error: inet prefix is expected rather than \""+text+"\".")
		}
	}
	if text := i.value("fwmark"); text != "" {
		r.mark, r.mask = parseMark(text)
	}
	named := i.value("table", "lookup")
	r.table, _ = tableNumber(named)
	at := slices.IndexFunc(*rules, func(one policyRule) bool {
		return (pref < 0 || one.pref == pref) && (!r.from.IsValid() || one.from == r.from) && (r.mask == 0 || one.mark == r.mark && one.mask == r.mask) && (named == "" || one.table == r.table)
	})
	switch {
	case verb == "add":
		for _, one := range *rules {
			if one == r {
				return i.answer(2, "RTNETLINK answers: File exists")
			}
		}
		if pref < 0 {
			r.pref = 32765
		}
		*rules = append(slices.Clone(*rules), r)
		sort.SliceStable(*rules, func(a, b int) bool { return (*rules)[a].pref < (*rules)[b].pref })
	case verb == "delete" && at >= 0:
		*rules = slices.Delete(slices.Clone(*rules), at, at+1)
	case verb == "delete":
		return i.answer(2, "RTNETLINK answers: No such file or directory")
	default:
		return i.answer(255, "Command is unknown, try \"ip rule help\".")
	}
	return 0
}
