package toaster

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"

	"postern/seen"
	seenpf "postern/seen/pf"
	"postern/site"
)

// Found are the jails of a host that the answers do not have yet, with the ports that jails of their names usually offer.
func Found(s *site.Site, t seen.Toaster) (all []site.Jail) {
	had := func(name string) bool {
		same := func(j site.Jail) bool { return j.Name == name }
		return slices.ContainsFunc(s.Jails, same) || slices.ContainsFunc(all, same)
	}
	for _, list := range [][]seen.BSDJail{t.Running, t.Configured} {
		for _, j := range list {
			one := site.Jail{Name: j.Name, Ports: site.UsualPorts(j.Name)}
			for _, a := range j.Addresses {
				switch {
				case a.Is4() && !one.Address4.IsValid():
					one.Address4 = a
				case a.Is6() && !one.Address6.IsValid():
					one.Address6 = a
				}
			}
			if !had(j.Name) && len(one.Addresses()) > 0 && site.Default().AddJail(j.Name) == nil {
				all = append(all, one)
			}
		}
	}
	return all
}

// findings are what else is to be known of the jails.
func (c scene) findings() (notes []string) {
	var names []string
	for _, j := range Found(c.site, c.toaster) {
		names = append(names, fmt.Sprintf("%s (%s)", j.Name, strings.Join(append(of(j, true), of(j, false)...), ", ")))
	}
	if len(names) > 0 {
		notes = append(notes, "jails that the answers do not have: "+strings.Join(names, ", ")+"; without a [[jail]] nothing is planned for them")
	}
	for _, file := range c.orphans() {
		notes = append(notes, file+" is for a jail that the host does not have: nothing loads it")
	}
	for _, name := range c.loaded.Names {
		class, jail, below := strings.Cut(name, "/")
		switch {
		case !below || !slices.Contains([]string{"rdr", "nat", "binat", "filter", "allow"}, class) || c.holds(name) == 0:
		case !c.running(jail):
			notes = append(notes, "the jail "+jail+" does not run, and its rules are loaded for all that (anchor "+name+"): stopping it does not take them away")
		case !c.called(class):
			notes = append(notes, "the anchor "+name+" is loaded, and never asked: the main file of pf calls no \""+class+"/*\"")
		}
	}
	if c.plan.unseen {
		notes = append(notes, "the main file of pf has it skip lo0, and what jails of one host send one another passes there: nothing keeps them apart, whatever jail.NAME.reach says, until lo0 is taken out of \"set skip on\"")
	}
	if n := c.strangersNext(); len(n) > 0 {
		notes = append(notes, "on the network of the jails there is also "+strings.Join(n, ", ")+": virtual machines, as a rule; with a [[jail]] they are treated as jails are")
	}
	for _, j := range c.site.Jails {
		if p := c.place(j); len(j.Ports) > 0 && !c.called(p.filter) {
			return append(notes, fmt.Sprintf("%s loads %s.conf, and the main file of pf calls no %q: what lets in to jails is never asked, so add anchor %q there, behind your block lines", p.script, p.filter, p.filter+"/*", p.filter+"/*"))
		}
	}
	return notes
}

// unseen says whether pf does not look at what jails send one another, some of which are to be kept apart.
func (c scene) unseen() bool {
	if c.mode == "own" || !slices.ContainsFunc(c.site.Jails, site.Jail.Alone) {
		return false
	}
	between := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), 1) // whatever they are, they pass there
	return strings.HasPrefix(c.main.Decide(seenpf.Packet{On: "lo0", Proto: "tcp", From: between, To: between}, c.host(nil)).Rule, "set skip on")
}

// orphans are the files of rules whose jail is neither on the host nor among the answers.
func (c scene) orphans() (all []string) {
	for _, file := range slices.Sorted(maps.Keys(c.toaster.Files)) {
		jail := path.Base(path.Dir(path.Dir(file)))
		if strings.HasPrefix(file, seen.JailData+"/") {
			jail = path.Base(path.Dir(path.Dir(path.Dir(file))))
		}
		if c.machine(jail) && !slices.ContainsFunc(c.site.Jails, func(j site.Jail) bool { return j.Name == jail }) {
			all = append(all, file)
		}
	}
	return all
}

// strangersNext are those on the jails' networks that no jail and no address of the host is.
func (c scene) strangersNext() (all []string) {
	known := map[netip.Addr]bool{}
	for _, list := range [][]seen.BSDJail{c.toaster.Running, c.toaster.Configured} {
		for _, j := range list {
			for _, a := range j.Addresses {
				known[a] = true
			}
		}
	}
	for _, j := range c.site.Jails {
		for _, a := range j.Addresses() {
			known[a] = true
		}
	}
	for _, a := range c.toaster.Neighbours {
		if c.within(a) && !known[a] && c.network.Holder(a) == "" {
			all = append(all, a.String())
		}
	}
	return all
}

// feeders say who fills the tables of those who are banned, and that nobody does.
func (c scene) feeders() {
	bruteforce, sshguard := "", "nobody: no sshguard is installed"
	tell := &c.plan.Notes
	for _, st := range c.main.Statements {
		for _, r := range st.Rules {
			for _, l := range r.Limits {
				if l.Name == "overload" && strings.HasPrefix(l.Value, "<bruteforce>") {
					bruteforce = fmt.Sprintf("pf itself (line %d of its main file)", r.Line)
				}
			}
		}
	}
	if c.mode == "own" {
		bruteforce = "pf itself, for who knocks at SSH too often"
	}
	if runs, there := c.toaster.Feeders["sshguard"]; runs {
		sshguard, tell = "sshguard, which runs", &c.plan.Told
	} else if there {
		sshguard = "nobody: sshguard is installed, and does not run"
	}
	switch {
	case bruteforce == "":
		bruteforce, tell = "nobody", &c.plan.Notes
	case !c.toaster.Expires:
		bruteforce += "; nothing takes addresses out of it again"
	}
	*tell = append(*tell, "who is banned: the table bruteforce is filled by "+bruteforce+"; the table sshguard by "+sshguard)
}
