package tunnel

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// anew is a tunnel as its file would bring it up, beside the one that runs.
type anew struct {
	site  *site.Site
	host  *site.Host
	facts remote.Facts
	conf  conf
	runs  seen.WireGuard
}

// differs names all in which the two would not be the same. What cannot be told makes an error, unless something differs.
func (a anew) differs() (wrong []string, err error) {
	wrong = differs(a.conf, a.runs)
	if a.host.Role == site.Proxy && a.conf.port == 0 {
		wrong = append(wrong, "the file names no port to listen on")
	}
	if a.conf.mtu == 0 && a.runs.MTU != usualMTU {
		wrong = append(wrong, fmt.Sprintf("its MTU is %d, and the file names none", a.runs.MTU))
	}
	keys, err := seen.Keys.Of(a.facts)
	if err != nil {
		return wrong, err
	}
	switch key, why, told := a.conf.key(folder(a.host)+a.site.Tunnel.Interface+".key", keys); {
	case why != "" && told:
		wrong = append(wrong, why)
	case why != "":
		err = fmt.Errorf("%s", why)
	case key != a.runs.Key:
		wrong = append(wrong, fmt.Sprintf("it runs with the key %s, and would start with %s", remote.Clean(a.runs.Key).Line(8), remote.Clean(key).Line(8)))
	}
	for _, one := range []func() ([]string, error){a.addresses, a.dials, a.routing, a.marks} {
		more, failed := one()
		if wrong = append(wrong, more...); failed != nil {
			err = failed
		}
	}
	if len(wrong) > 0 {
		err = nil
	}
	return wrong, err
}

const usualMTU = 1420 // wg-quick's own choice on a path of the usual size

func (a anew) addresses() (wrong []string, err error) {
	network, err := seen.Addresses.Of(a.facts)
	if err != nil {
		return nil, err
	}
	var now []netip.Prefix
	for _, one := range network.On(a.site.Tunnel.Interface) {
		if !one.Addr().IsLinkLocalUnicast() {
			now = append(now, one.Prefix)
		}
	}
	if spelled(now) != spelled(a.conf.addresses) {
		wrong = append(wrong, fmt.Sprintf("it has the address %s, and the file says %s", spelled(now), spelled(a.conf.addresses)))
	}
	return wrong, nil
}

// dials compares where the mail host dials. A peer that moved is dialled where the file says once more: that is right when it
// is the proxy's own address and port.
func (a anew) dials() (wrong []string, err error) {
	if a.host.Role != site.Mail {
		return nil, nil
	}
	for _, proxy := range a.site.HostsOf(site.Proxy) {
		key, live := a.runs.To(a.site.TunnelAddress(proxy))
		file := a.conf.peers[key]
		switch {
		case live == nil || file == nil: // told as a peer that does not fit
		case file.endpoint == "":
			wrong = append(wrong, "the file does not say where to dial "+proxy.Name)
		case file.Endpoint == live.Endpoint && live.Endpoint.IsValid():
		case file.Endpoint.IsValid():
			own := file.Endpoint.Addr() == proxy.Public4 || file.Endpoint.Addr() == proxy.Public6
			if !own || int(file.Endpoint.Port()) != a.site.Tunnel.Port {
				wrong = append(wrong, fmt.Sprintf("it dials %s, and the file says %s", live.Endpoint, file.Endpoint))
			}
		case file.endpoint != fmt.Sprintf("%s:%d", proxy.SSHHost(), a.site.Tunnel.Port):
			err = fmt.Errorf("the file dials the name %s: what it stands for at boot cannot be told", remote.Clean(file.endpoint).Line(80))
		}
	}
	return wrong, err
}

var addsRule = regexp.MustCompile(`\bip (?:(-[46]) )?rule add (?:(?:pref|preference|priority|prio|order) (\d+) )?([^;&|]+)`)
var addsRoute = regexp.MustCompile(`\bip (?:(-[46]) )?route (?:add|replace) default dev (\S+) table (\S+)`)

// routing compares the rules and tables that carry the answers of the tunnel's address with those that the file's commands make.
func (a anew) routing() (wrong []string, err error) {
	if a.host.BSD() { // pf sends answers back, and tunnel.routing asks it
		if a.conf.takesAll() {
			wrong = append(wrong, "the file would send all that the host sends through the tunnel: it lacks Table = off")
		}
		return wrong, nil
	}
	now, err := seen.Routing.Of(a.facts)
	if err != nil {
		return nil, err
	}
	made, tables := map[string]bool{}, map[string]bool{}
	for _, line := range a.conf.commands {
		for _, m := range addsRule.FindAllStringSubmatch(line, -1) {
			r := seen.PolicyRule{Preference: m[2], Text: strings.Replace(strings.Join(strings.Fields(m[3]), " "), "table ", "lookup ", 1), Six: m[1] == "-6"}
			if !strings.HasPrefix(r.Text, "from ") && !strings.HasPrefix(r.Text, "not ") {
				r.Text = "from all " + r.Text
			}
			made[named(r)], tables[r.Lookup()] = true, true
		}
		for _, m := range addsRoute.FindAllStringSubmatch(line, -1) {
			made[leads(seen.PolicyRoute{Table: m[3], Device: m[2], Six: m[1] == "-6"})] = true
			tables[m[3]] = true
		}
	}
	for _, own := range []netip.Addr{a.site.TunnelAddress(a.host), a.site.TunnelAddress6(a.host)} {
		for _, r := range now.Rules {
			if own.IsValid() && strings.HasPrefix(r.Text, "from "+own.String()+" ") {
				tables[r.Lookup()] = true
			}
		}
	}
	run := map[string]bool{}
	for _, r := range now.Rules {
		if r.Lookup() != "" && tables[r.Lookup()] && !strings.Contains(r.Text, " dport ") { // one for a port carries no answers
			run[named(r)] = true
		}
	}
	for _, r := range now.Routes {
		if tables[r.Table] {
			run[leads(r)] = true
		}
	}
	for one := range run {
		if !made[one] {
			wrong = append(wrong, "it runs, and no line of the file makes it: "+one)
		}
	}
	for one := range made {
		if !run[one] {
			wrong = append(wrong, "the file makes, and it does not run: "+one)
		}
	}
	if a.conf.takesAll() && !slices.ContainsFunc(now.Rules, func(r seen.PolicyRule) bool { return strings.HasPrefix(r.Text, "not from all fwmark ") }) {
		wrong = append(wrong, "the file would send all that the host sends through the tunnel: it lacks Table = off")
	}
	slices.Sort(wrong)
	return wrong, nil
}

// takesAll says whether wg-quick makes the tunnel the host's default route.
func (c conf) takesAll() bool {
	for _, p := range c.peers {
		if strings.ToLower(c.table) != "off" && slices.ContainsFunc(p.Allowed, func(a netip.Prefix) bool { return a.Bits() == 0 }) {
			return true
		}
	}
	return false
}

func named(r seen.PolicyRule) string {
	return remote.Clean(fmt.Sprintf("rule %s %s%s", r.Preference, r.Text, map[bool]string{true: " (v6)"}[r.Six])).Line(120)
}

func leads(r seen.PolicyRoute) string {
	return remote.Clean(fmt.Sprintf("default route of table %s by %s%s", r.Table, r.Device, map[bool]string{true: " (v6)"}[r.Six])).Line(120)
}

// marks compares the rules that mark what comes through the tunnel with the chains that the file's commands fill.
func (a anew) marks() (wrong []string, err error) {
	if a.host.BSD() || a.host.Role != site.Mail || a.site.Clients.Addresses != "preserve" {
		return nil, nil
	}
	rules, err := seen.Rules.Of(a.facts)
	if err != nil {
		return nil, err
	}
	run := map[string]int{}
	for _, family := range rules.Families() {
		if family.Tables["mangle"] == nil {
			continue
		}
		for _, r := range family.Tables["mangle"].Rules {
			if r.In == a.site.Tunnel.Interface && strings.HasSuffix(r.Target, "MARK") {
				run[r.Chain]++
			}
		}
	}
	made, chains := map[string]int{}, map[string]bool{}
	for _, line := range a.conf.commands {
		for _, r := range addsMark.FindAllStringSubmatch(line, -1) {
			made[r[1]]++
			chains[r[1]] = true
		}
	}
	for chain := range run {
		chains[chain] = true
	}
	for chain := range chains {
		if run[chain] != made[chain] {
			wrong = append(wrong, fmt.Sprintf("chain %s marks by %d rules, and the file's commands make %d", remote.Clean(chain).Line(40), run[chain], made[chain]))
			continue
		}
		own := chain == "PREROUTING" || a.commanded("-N "+chain) && a.commanded("-A PREROUTING -j "+chain)
		if !own {
			wrong = append(wrong, "the file does not hang in the chain "+remote.Clean(chain).Line(40))
		}
	}
	slices.Sort(wrong)
	return wrong, nil
}

var addsMark = regexp.MustCompile(`iptables [^;&|]*-t mangle -[AI] (\S+) [^;&|]*-j \w*MARK`)

// commanded says whether one of the file's commands holds these words.
func (a anew) commanded(words string) bool {
	return slices.ContainsFunc(a.conf.commands, func(line string) bool { return strings.Contains(line, words) })
}
