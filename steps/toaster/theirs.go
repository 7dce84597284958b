package toaster

import (
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	seenpf "postern/seen/pf"
	"postern/site"
	"postern/steps/does"
)

// host is what is known of the host to who reads rules, with these in its anchors.
func (c scene) host(anchors map[string]*seenpf.Ruleset) seenpf.Host {
	h := seenpf.Host{Files: map[string]seenpf.File{}, Interfaces: map[string][]netip.Prefix{}, Anchors: anchors, Listed: true}
	for _, i := range c.network.Interfaces {
		for _, a := range i.Addresses {
			h.Interfaces[i.Name] = append(h.Interfaces[i.Name], a.Prefix)
		}
	}
	for file, text := range c.toaster.Files {
		h.Files[file] = seenpf.File{Text: text}
		for _, named := range tableFiles(text) {
			if i := slices.IndexFunc(c.plan.Changes, func(one remote.Change) bool { return one.Path == named && one.New != nil }); i >= 0 {
				h.Files[named] = seenpf.File{Text: c.plan.Changes[i].New.Text}
			} else if c.gone(named) {
				h.Files[named] = seenpf.File{Missing: true}
			}
		}
	}
	return h
}

var tableFile = regexp.MustCompile(`(?m)^[^#\n]*\bfile\s+"([^"\n]+)"`)

// tableFiles are the files of tables that a text names.
func tableFiles(text string) (all []string) {
	for _, m := range tableFile.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// gone says whether a file of a jail's folder is certainly not there: the look lists all that such a table may be called.
func (c scene) gone(file string) bool {
	_, there := c.toaster.Files[file]
	base := path.Base(file)
	return !there && !c.planned(file) && path.Base(path.Dir(file)) == "pf.conf.d" && (strings.HasSuffix(base, ".table") || base == insecureTable) &&
		(strings.HasPrefix(file, seen.ToasterEtc+"/") || strings.HasPrefix(file, seen.JailData+"/")) && path.Clean(file) == file && plain.MatchString(file)
}

var plain = regexp.MustCompile(`^[A-Za-z0-9/_.-]{1,200}$`)

// theirs judges a file of rules that others wrote: it stays, and what it lacks is told.
func (c scene) theirs(j site.Jail, p place, w wanted, text string) {
	full := p.dir + "/" + w.name
	if w.class == "" {
		c.table(j, p, full, w.text, text)
		return
	}
	if (w.name == "allow.conf" || w.name == "filter.conf") && w.class != p.filter && w.text == "" {
		c.idle(p, w)
		return
	}
	for _, file := range tableFiles(text) {
		if c.gone(file) {
			c.makes(j, p, full, file)
		} else if had, there := c.toaster.Files[file]; there && strings.HasPrefix(path.Base(file), insecureTable) {
			c.table(j, p, file, lines(prefixes(j.Insecure)), had)
		}
	}
	anchor := w.class + "/" + j.Name
	set := seenpf.Parse(text, anchor, c.host(nil))
	switch a := set.Accepts(c.release); {
	case a.Verdict == seenpf.Refuses && !strings.Contains(a.Why, "cannot load"):
		c.note("%s, line %d: pfctl refuses it (%s), so nothing of it is loaded when the jail starts", full, a.Line, shown(a.Why))
		return
	case a.Verdict == seenpf.Unknown:
		c.note("%s, line %d: whether pfctl takes it could not be told: %s", full, a.Line, shown(a.Why))
	case a.Verdict == seenpf.Accepts && c.mode != "advise" && c.running(j.Name) && c.called(w.class) && c.drifts(anchor, text) && c.holds(anchor) == 0:
		c.plan.Changes = append(c.plan.Changes, does.PF{File: full, Anchor: anchor}.Load(remote.Change{ID: "firewall.jail." + j.Name + "." + w.name, Step: "firewall",
			Title: "load the rules of the jail " + j.Name + " (" + w.name + "), which runs without them"}))
	}
	if lacks := c.lacks(j, w, p.dir, set); lacks != "" {
		c.hand(j, full, lacks, "This file is yours, so it is not changed: add what it lacks (lines that block come first in it), then "+p.script+" load "+j.Name)
	}
}

// table judges a table of theirs: who is in it is theirs to say, but that somebody is wanted there and is not.
func (c scene) table(j site.Jail, p place, file, wants, text string) {
	var had []netip.Prefix
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if found, err := seenpf.ParseTable(line); err == nil {
			for _, a := range found {
				had = append(had, a.Prefix)
			}
		}
	}
	var lacks []string
	for _, line := range strings.Split(wants, "\n") {
		if want, ok := seen.Prefix(line); ok && !slices.ContainsFunc(had, func(p netip.Prefix) bool { return p.Bits() <= want.Bits() && p.Contains(want.Addr()) }) {
			lacks = append(lacks, line)
		}
	}
	c.hand(j, file, strings.Join(lacks, "\n"), "This table is yours, so it is not changed: add the addresses, one a line, then "+p.script+" load "+j.Name)
}

// idle says of a file that lets in that it does nothing, because nothing loads it, or the main file does not ask what it is loaded into.
func (c scene) idle(p place, w wanted) {
	if !c.called(w.class) {
		c.note("%s/%s does nothing: the main file of pf calls no anchor %q; what it lets in belongs into %s.conf", p.dir, w.name, w.class+"/*", p.filter)
	}
}

// makes supplies the file of a table that a file of rules names: without it the whole of those is refused when the jail starts.
func (c scene) makes(j site.Jail, p place, by, file string) {
	what, holds := "the task makes it", ""
	if strings.HasPrefix(path.Base(file), insecureTable) {
		holds = lines(prefixes(j.Insecure))
	}
	if c.mode != "advise" {
		what = "it is made"
		c.plan.Changes = append(c.plan.Changes, remote.Change{ID: "firewall.jail." + j.Name + "." + path.Base(file), Step: "firewall",
			Title: "make the table that the rules of the jail " + j.Name + " name", Path: file,
			New: &remote.File{Text: mark + ": " + path.Base(by) + " names this file, and is refused as a whole without it.\n" + holds, Mode: 0o644, Owner: "root:wheel"}})
	} else {
		c.hand(j, file, "# addresses, one a line\n"+strings.TrimSuffix(holds, "\n"), "Make this file, mode 644: "+by+" names it, and pfctl refuses the whole of that without it; then "+p.script+" load "+j.Name)
	}
	c.note("%s names the table %s, which is not there: pfctl refuses the whole file, so nothing of it is loaded when the jail starts; %s", by, file, what)
}

// called says whether the main file evaluates a class of anchors.
func (c scene) called(class string) bool {
	if c.mode == "own" {
		return true
	}
	kind := map[string]seenpf.Kind{"rdr": seenpf.Rdr, "nat": seenpf.Nat, "binat": seenpf.Binat}[class]
	if kind == "" {
		kind = seenpf.Filter
	}
	return slices.Contains(c.main.Anchors(kind), class+"/*")
}

// lacks are the rules of ours whose work a file of theirs does not do: each port is tried by what becomes of a stranger's connection.
func (c scene) lacks(j site.Jail, w wanted, dir string, set *seenpf.Ruleset) string {
	var lacks []string
	main := map[string]string{"rdr": "rdr-anchor \"rdr/*\"\n", "nat": "nat-anchor \"nat/*\"\n"}[w.class]
	if main == "" {
		main = "block in\nanchor \"" + w.class + "/*\"\n"
	}
	h := c.host(map[string]*seenpf.Ruleset{w.class + "/" + j.Name: set})
	h.Tables = c.inTables(dir)
	for _, name := range []string{insecureTable, w.class + "/" + j.Name + "/" + insecureTable} {
		h.Tables[name] = addresses(j.Insecure)
	}
	around := seenpf.Parse(main, "", h)
	for _, line := range strings.Split(w.text, "\n") {
		word, _, _ := strings.Cut(line, " ")
		switch {
		case strings.HasPrefix(line, "block return"):
			if !c.keeps(j, w.class, line, h) {
				lacks = append(lacks, line)
			}
		case word != "rdr" && word != "pass" && word != "nat":
		case !c.done(j, w.class, line, around, h):
			lacks = append(lacks, line)
		}
	}
	return strings.Join(lacks, "\n")
}

// done says whether what a rule of ours is for comes about by theirs.
func (c scene) done(j site.Jail, class, line string, around *seenpf.Ruleset, h seenpf.Host) bool {
	one := seenpf.Parse(line+"\n", class+"/"+j.Name, h)
	if len(one.Statements) != 1 || len(one.Statements[0].Rules) != 1 {
		return false
	}
	rule := one.Statements[0].Rules[0]
	four := rule.Family == 4
	b, _ := c.outside(four)
	from := stranger(four)
	if rule.From.Hosts != nil && rule.From.Hosts[0].Kind == seenpf.InTable {
		i := slices.IndexFunc(j.Insecure, func(p netip.Prefix) bool { return p.Addr().Is4() == four })
		if i < 0 {
			return true // nobody is in it
		}
		from = j.Insecure[i].Addr()
	} else if rule.From.Hosts != nil && rule.From.Hosts[0].Kind == seenpf.Net {
		from = rule.From.Hosts[0].Prefix.Addr()
	}
	for _, a := range j.Addresses() {
		if a.Is4() != four {
			continue
		}
		if class == "nat" {
			d := around.Decide(seenpf.Packet{Out: true, On: b.Out, Proto: "tcp", From: netip.AddrPortFrom(a, 40000), To: netip.AddrPortFrom(stranger(four), 1)}, h)
			return d.By != ""
		}
		for _, p := range rule.To.Ports {
			to := b.As
			if class != "rdr" {
				to = a
			}
			d := around.Decide(seenpf.Packet{On: b.Out, Proto: "tcp", From: netip.AddrPortFrom(from, 40000), To: netip.AddrPortFrom(to, uint16(p.A))}, h)
			if class == "rdr" && d.To != netip.AddrPortFrom(a, uint16(p.A)) || class != "rdr" && d.Verdict != seenpf.Pass {
				return false
			}
		}
	}
	return true
}

// keeps says whether their file keeps away whom a rule of ours would.
func (c scene) keeps(j site.Jail, class, line string, h seenpf.Host) bool {
	open := seenpf.Parse("anchor \""+class+"/*\"\n", "", h)
	for _, st := range seenpf.Parse(line+"\n", class+"/"+j.Name, h).Statements {
		for _, r := range st.Rules {
			for _, from := range r.From.Hosts {
				for _, to := range r.To.Hosts {
					for _, port := range append([]int{1}, j.Ports...) {
						p := seenpf.Packet{On: "lo0", Proto: "tcp", From: netip.AddrPortFrom(from.Prefix.Addr(), 40000), To: netip.AddrPortFrom(to.Prefix.Addr(), uint16(port))}
						if open.Decide(p, h).Verdict != seenpf.Block {
							return false
						}
					}
				}
			}
		}
	}
	return true
}

// stranger is who comes from the world.
func stranger(four bool) netip.Addr {
	if four {
		return netip.MustParseAddr("233.252.0.77")
	}
	return netip.MustParseAddr("2001:db8:dead::77")
}

// inTables is what tables hold: those of the main ruleset as they are, those of a folder as their files say.
func (c scene) inTables(dir string) map[string][]seenpf.Address {
	all := map[string][]seenpf.Address{}
	for _, st := range c.main.Statements {
		if st.Table != nil && !st.Table.Unknown {
			all[st.Table.Name] = st.Table.Addresses
		}
	}
	for _, t := range c.loaded.Tables {
		if t.Anchor == "" && (t.Addresses != nil || t.Size == 0) {
			all[t.Name] = addresses(t.Addresses)
		}
	}
	for file, text := range c.toaster.Files {
		name, table := strings.CutSuffix(path.Base(file), ".table")
		if !table || path.Dir(file) != dir {
			continue
		}
		var list []seenpf.Address
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(line, "#")
			if found, err := seenpf.ParseTable(line); err == nil {
				list = append(list, found...)
			}
		}
		all[name] = list
	}
	return all
}

func addresses(list []netip.Prefix) (all []seenpf.Address) {
	for _, p := range list {
		all = append(all, seenpf.Address{Kind: seenpf.Net, Prefix: p})
	}
	return all
}

// shown is a host's text as it may stand in a sentence.
func shown(text string) string { return remote.Clean(text).Line(120) }
