package pf

import (
	"strconv"
	"strings"
)

// names reads "name=number …".
func names(text string) map[string]int {
	m := map[string]int{}
	for _, w := range strings.Fields(text) {
		name, n, _ := strings.Cut(w, "=")
		m[name], _ = strconv.Atoi(n)
	}
	return m
}

// The types of ICMP and ICMPv6 by the names of pfctl. Where a number has two names, pfctl prints the one that is in printed6.
var (
	types4 = names(`echoreq=8 echorep=0 unreach=3 squench=4 redir=5 althost=6 routeradv=9 routersol=10 timex=11 paramprob=12 timereq=13 timerep=14
		inforeq=15 inforep=16 maskreq=17 maskrep=18 trace=30 dataconv=31 mobredir=32 ipv6-where=33 ipv6-here=34 mobregreq=35 mobregrep=36
		skip=39 photuris=40`)
	types6 = names(`unreach=1 toobig=2 timex=3 paramprob=4 echoreq=128 echorep=129 groupqry=130 listqry=130 grouprep=131 listenrep=131 groupterm=132
		listendone=132 routersol=133 routeradv=134 neighbrsol=135 neighbradv=136 redir=137 routrrenum=138 wrureq=139 fqdnreq=139 wrurep=140
		fqdnrep=140 niqry=139 nirep=140 mtraceresp=200 mtrace=201`)
	printed6 = names(`groupqry=130 grouprep=131 groupterm=132 wrureq=139 wrurep=140`)

	codes4 = map[string]map[string]int{
		"unreach": names(`net-unr=0 host-unr=1 proto-unr=2 port-unr=3 needfrag=4 srcfail=5 net-unk=6 host-unk=7 isolate=8 net-prohib=9 host-prohib=10
			net-tos=11 host-tos=12 filter-prohib=13 host-preced=14 cutoff-preced=15`),
		"redir": names(`redir-net=0 redir-host=1 redir-tos-net=2 redir-tos-host=3`),
		"timex": names(`transit=0 reassemb=1`), "paramprob": names(`badhead=0 optmiss=1 badlen=2`),
	}
	codes6 = map[string]map[string]int{
		"unreach": names(`noroute-unr=0 admin-unr=1 beyond-unr=2 addr-unr=3 port-unr=4`),
		"timex":   names(`transit=0 reassemb=1`), "paramprob": names(`badhead=0 nxthdr=1`),
	}
)

// named is the name of a number, as pfctl prints it.
func named(n int, all map[string]int) string {
	for name, number := range printed6 {
		if _, ok := all[name]; ok && number == n {
			return name
		}
	}
	for name, number := range all {
		if number == n {
			return name
		}
	}
	return strconv.Itoa(n)
}

// icmp reads icmp-type or icmp6-type with what stands behind it.
func (p *parser) icmp(r *Rule, six bool) {
	if len(r.ICMP) > 0 {
		p.refuse("icmp-type cannot be given twice")
	}
	types, codes := types4, codes4
	if r.icmp6 = six; six {
		types, codes = types6, codes6
	}
	p.list(func() {
		i := ICMP{}
		if p.peek().kind == number {
			i.Type = named(int(p.number(0, 255, "icmp-type")), types)
		} else if i.Type = p.str(); !has(types, i.Type) {
			p.doubt("icmp-type " + strconv.Quote(i.Type) + " is not known here")
		} else {
			i.Type = named(types[i.Type], types)
		}
		if p.is("code") {
			i.Code = p.icmpCode(codes[i.Type])
		}
		r.ICMP = append(r.ICMP, i)
	})
}

func (p *parser) icmpCode(codes map[string]int) string {
	if p.peek().kind == number {
		return named(int(p.number(0, 255, "icmp-code")), codes)
	}
	code := p.str()
	if !has(codes, code) {
		p.doubt("icmp-code " + strconv.Quote(code) + " is not known here")
	}
	return code
}

func has(m map[string]int, name string) bool {
	_, ok := m[name]
	return ok
}
