package firewall

import (
	"strings"

	"postern/remote"
	"postern/seen"
)

// titles say what each file's change does.
var titles = map[string]string{
	rules4Path:   "admit and forward over IPv4 what is wanted, and no more",
	rules6Path:   "admit over IPv6 what is wanted, and no more",
	before4Path:  "take the guide's NAT rules out of ufw's own file",
	hookPath:     "let ufw start and stop our forwarding rules",
	scriptPath:   "write the forwarding rules, in chains of our own",
	defaultsPath: "deny what comes in and what is forwarded, on both families",
	confPath:     "start ufw at boot",
}

// tests check a staged file; before.rules refers to chains that exist only while ufw runs, so it has none.
var tests = map[string]string{
	rules4Path: `iptables-restore -w -n --test < "$NEW"`,
	rules6Path: `[ ! -e /proc/sys/net/ipv6 ] || ip6tables-restore -w -n --test < "$NEW"`,
	hookPath:   `sh -n "$NEW"`,
	scriptPath: `sh -n "$NEW" && sh "$NEW" test`,
	confPath:   `sh -n "$NEW"`,
	// ufw's own start sources it.
	defaultsPath: `sh -n "$NEW"`,
}

// rendering turns the plan into changes: the files, then one change that loads them.
func (p *plan) rendering() Rendering {
	var r Rendering
	for _, path := range []string{defaultsPath, confPath, before4Path, scriptPath, hookPath, rules4Path, rules6Path} {
		if f, ok := p.new[path]; ok {
			c := p.change(path)
			c.New = &f
			c.Test = tests[path]
			r.Changes = append(r.Changes, c)
		}
	}
	for _, path := range p.remove {
		c := p.change(path)
		c.Title = "take our forwarding rules away"
		r.Changes = append(r.Changes, c)
	}
	if p.after.enabled && (len(r.Changes) > 0 || p.drifted() || len(p.live) > 0) {
		a := p.activation()
		r.Changes = append(r.Changes, remote.Change{
			ID: "firewall.activate", Step: "firewall", Title: p.activateTitle(), Do: a.do(), Undo: a.undo(), Risk: remote.LoseSSH,
		})
	}
	if p.want.Enable && p.units.By[unit].AtBoot == "disabled" {
		r.Changes = append(r.Changes, remote.Change{
			ID: "firewall.unit", Step: "firewall", Title: "start ufw's own unit at boot", Keep: "systemctl -q enable ufw.service\n", Undo: "systemctl -q disable ufw.service\n",
		})
	}
	r.Foreign = append(append(r.Foreign, clean(p.four.foreign)...), clean(p.six.foreign)...)
	r.Gone = append(append(r.Gone, clean(p.four.gone)...), clean(p.six.gone)...)
	r.Notes = append(append(append(r.Notes, p.notes...), p.four.notes...), p.six.notes...)
	return r
}

func (p *plan) change(path string) remote.Change {
	c := remote.Change{ID: "firewall." + path[strings.LastIndex(path, "/")+1:], Step: "firewall", Title: titles[path], Path: path}
	if path == defaultsPath {
		c.ID = "firewall.defaults"
	}
	c.Old, _ = p.found.File(path)
	return c
}

func (p *plan) activateTitle() string {
	if p.running {
		return "load the rules into the running firewall"
	}
	return "switch the firewall on"
}

// drifted says whether what runs is not what the files say: not running at all, rules missing, our chains
// changed or hung in twice. More rules than the files have are other people's.
func (p *plan) drifted() bool {
	four, six := p.now.Four, p.now.Six
	if !p.running || p.after.ipv6 && p.unfiltered6() {
		return true
	}
	for _, chain := range []string{"user-input", "user-forward", "user-output"} {
		if lacks(four, "filter", "ufw-"+chain, p.text(rules4Path)) || six.Has("filter", "ufw6-user-input") && lacks(six, "filter", "ufw6-"+chain, p.text(rules6Path)) {
			return true
		}
	}
	for _, family := range []struct {
		now  seen.Tables
		text string
	}{{four, section(p.script, "load_iptables")}, {six, section(p.script, "load_ip6tables")}} {
		for _, j := range ownJumps {
			jumps := 0
			if family.text != "" {
				jumps = 1
			}
			if family.now.Hangs(j[0], j[1], j[2]) != jumps || len(family.now.Chain(j[0], j[2])) != len(rulesOf(family.text, j[2])) ||
				lacks(family.now, j[0], j[2], family.text) {
				return true
			}
		}
	}
	return false
}

// unfiltered6 says whether IPv6 runs and ufw does not filter it.
func (p *plan) unfiltered6() bool {
	return p.now.Six.Has("filter", "INPUT") && !p.now.Six.Has("filter", "ufw6-user-input")
}

// rulesOf are the rules that a file has for a chain.
func rulesOf(text, chain string) (list []seen.Rule) {
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "-A "+chain+" ") {
			list = append(list, seen.ParseRule(line))
		}
	}
	return list
}

// lacks says whether a rule that a file has for a chain does not run there, however it is spelled.
func lacks(now seen.Tables, table, chain, text string) bool {
	runs := map[string]int{}
	for _, r := range now.Chain(table, chain) {
		runs[r.Spelling()+" "+r.To]++
	}
	for _, r := range rulesOf(text, chain) {
		key := r.Spelling() + " " + r.To
		if runs[key]--; runs[key] < 0 {
			return true
		}
	}
	return false
}

// section is the rules one function of postern.init loads.
func section(script, function string) string {
	_, rest, ok := strings.Cut(script, function+"() {\n")
	if !ok {
		return ""
	}
	_, rest, _ = strings.Cut(rest, "<<'RULES'\n")
	rules, _, _ := strings.Cut(rest, "RULES\n}")
	return rules
}

func (p *plan) activation() activation {
	script, _ := p.found.File(scriptPath)
	a := activation{
		was: p.running, script: p.script != "", hadOwn: script != nil, live: p.live,
		chains:   p.now.Four.Has("filter", "ufw-before-input"),
		policies: map[string]string{}, sysctls: map[string]string{},
	}
	for _, path := range []string{defaultsPath, before4Path} {
		_, changed := p.new[path]
		a.restart = a.restart || changed
	}
	_, conf := p.new[confPath]
	a.restart = a.restart || conf || p.unfiltered6()
	for _, chain := range []string{"INPUT", "OUTPUT", "FORWARD"} {
		if p.now.Four.Has("filter", chain) && p.now.Four["filter"].Policy[chain] == "DROP" {
			a.policies[chain] = "DROP"
		}
		if p.now.Six.Has("filter", chain) && p.now.Six["filter"].Policy[chain] == "DROP" {
			a.policies["6 "+chain] = "DROP"
		}
	}
	for _, now := range []seen.Tables{p.now.Four, p.now.Six} {
		for _, j := range ownJumps {
			a.hung = a.hung || now.Has(j[0], j[2])
		}
	}
	now, _ := seen.Sysctl.Of(p.found)
	for _, kv := range now.Ufw {
		if !p.ufwSets(kv[0], kv[1]) {
			a.sysctls[kv[0]] = kv[1]
		}
	}
	return a
}

// ufwSets says whether ufw's start gives a sysctl the value that it has now.
func (p *plan) ufwSets(name, value string) bool {
	set := ""
	for _, line := range strings.Split(p.file(ufwSysctl).Text, "\n") {
		if key, v, ok := strings.Cut(line, "="); ok && strings.TrimSpace(key) == name {
			set = strings.TrimSpace(v)
		}
	}
	return set == value
}

func clean(list []string) []string {
	for i, s := range list {
		list[i] = remote.Clean(s).Line(200)
	}
	return list
}
