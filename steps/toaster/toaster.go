// Package toaster knows the jails of one FreeBSD host as Mail Toaster keeps them: the rules of each in a folder of its own, loaded into
// pf's anchors when the jail starts and taken away when it stops. It plans what is missing, and leaves what others wrote. The main file
// of pf is not its affair, and it asks no host.
package toaster

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	seenpf "postern/seen/pf"
	"postern/site"
	"postern/steps/does"
	"postern/steps/firewall"
)

// mark begins every file that is ours.
const mark = "# Made by postern"

// files are what a jail's folder may hold.
var files = []string{"rdr.conf", "nat.conf", "filter.conf", "allow.conf", insecureTable + ".table"}

// Reads lists what must be seen of the host.
func Reads(s *site.Site, h *site.Host) []remote.Query {
	all := []remote.Query{remote.ReadFile(seen.ToasterEtc + "/" + seen.PFRule), remote.ReadFile(startsPath)}
	for _, j := range s.Jails {
		names := slices.Clone(files)
		for _, t := range j.Tables {
			names = append(names, t+".table")
		}
		for _, dir := range []string{folder(j.Name, true), folder(j.Name, false)} {
			for _, name := range names {
				all = append(all, remote.ReadFile(dir+"/"+name))
			}
		}
		all = append(all, remote.ReadFile(folder(j.Name, false)+"/"+seen.PFRule), remote.ReadFile(confOf(j.Name)))
	}
	return slices.Concat(all, seen.Toasters.Reads(s, h), seen.PFLoaded.Reads(s, h), seen.PF.Reads(s, h), seen.Addresses.Reads(s, h), seen.Systems.Reads(s, h))
}

// Plan is what the jails of a host still need.
type Plan struct {
	Changes []remote.Change
	Hands   []Hand
	Notes   []string // what the operator should mind, one sentence each
	Told    []string // what is as it should be, and good to know

	unseen bool // pf looks at nothing that jails send one another
}

// Keeps says whether something of it keeps jails from one another that were not, or not like that.
func (p Plan) Keeps() bool {
	const block = "block return in"
	return !p.unseen && (slices.ContainsFunc(p.Hands, func(h Hand) bool { return strings.Contains(h.Lines, block) }) ||
		slices.ContainsFunc(p.Changes, func(c remote.Change) bool { return c.New != nil && strings.Contains(c.New.Text, block) }))
}

// Hand is what a person adds to a file of theirs.
type Hand struct {
	ID, Title string
	firewall.Hand
}

// scene is all that a plan depends on.
type scene struct {
	site    *site.Site
	policy  firewall.Policy
	found   remote.Facts
	toaster seen.Toaster
	loaded  seen.Anchors
	filter  seen.Filter
	network seen.Network
	release seenpf.Release
	main    *seenpf.Ruleset
	mode    string // advise, anchors or own
	plan    *Plan
}

// Make plans. Mode is what may be done: with advise nothing is written at all.
func Make(s *site.Site, policy firewall.Policy, mode string, found remote.Facts) (Plan, error) {
	c, err := read(s, policy, mode, found)
	if err != nil {
		return Plan{}, fmt.Errorf("firewall: %s: jails: %w", policy.Host, err)
	}
	for _, j := range s.Jails {
		if err := c.jail(j); err != nil {
			return Plan{}, fmt.Errorf("firewall: %s: jail %s: %w", policy.Host, j.Name, err)
		}
	}
	c.starts()
	c.plan.unseen = c.unseen()
	c.plan.Notes = append(c.plan.Notes, c.findings()...)
	c.feeders()
	return *c.plan, nil
}

func read(s *site.Site, policy firewall.Policy, mode string, found remote.Facts) (c scene, err error) {
	c = scene{site: s, policy: policy, mode: mode, found: found, plan: &Plan{}}
	if c.toaster, err = seen.Toasters.Of(found); err != nil {
		return c, err
	}
	if c.loaded, err = seen.PFLoaded.Of(found); err != nil {
		return c, err
	}
	if c.filter, err = seen.PF.Of(found); err != nil {
		return c, err
	}
	if c.network, err = seen.Addresses.Of(found); err != nil {
		return c, err
	}
	system, _ := seen.Systems.Of(found)
	release, known := seenpf.ReleaseOf(system.Release)
	if c.release = release; !known {
		c.release = seenpf.R15_1
	}
	c.main = seenpf.Parse(c.filter.Text, "", c.host(nil))
	return c, nil
}

// jail plans one jail: what loads its rules, what runs that, and the rules themselves.
func (c scene) jail(j site.Jail) error {
	if len(j.Addresses()) == 0 && len(j.Ports) > 0 {
		c.note("the jail %s has ports, and no address that they could go to: set jail.%s.address4", j.Name, j.Name)
		return nil
	}
	p := c.place(j)
	if err := c.scripts(j, p); err != nil {
		return err
	}
	if err := c.hooks(j, p); err != nil {
		return err
	}
	for _, one := range c.tables(j, p) {
		if err := c.file(j, p, one); err != nil {
			return err
		}
	}
	for _, one := range c.rules(j, p) {
		if err := c.file(j, p, one); err != nil {
			return err
		}
	}
	return nil
}

// wanted is one file of a jail's folder.
type wanted struct {
	name  string // rdr.conf
	class string // the anchor's; "" of a table
	text  string // "" where there is to be none
}

// file plans one file: ours is kept as it should be, one that others wrote is theirs, and what it lacks is told.
func (c scene) file(j site.Jail, p place, w wanted) error {
	full := p.dir + "/" + w.name
	old, known := c.found.File(full)
	if !known {
		return fmt.Errorf("%s could not be read", full)
	}
	mine := old != nil && strings.HasPrefix(old.Text, mark)
	switch {
	case old != nil && !mine:
		c.theirs(j, p, w, old.Text)
		return nil
	case old == nil && w.text == "":
		return nil
	case c.mode == "advise" && !mine:
		c.hand(j, full, strings.TrimSuffix(w.text, "\n"), fmt.Sprintf("Make this file, mode 644; %s load %s takes it up", p.script, j.Name))
		return nil
	}
	change := remote.Change{ID: "firewall.jail." + j.Name + "." + w.name, Step: "firewall", Title: "write what pf does for the jail " + j.Name + " (" + w.name + ")",
		Path: full, Old: old, New: &remote.File{Text: w.text, Mode: 0o644, Owner: "root:wheel"}}
	if w.text == "" {
		change.New, change.Title = nil, "take away what pf did for the jail "+j.Name+" ("+w.name+")"
	}
	same := old != nil && old.Text == w.text
	switch {
	case same && (w.class == "" || !c.running(j.Name) || !c.drifts(w.class+"/"+j.Name, w.text)):
		return nil
	case same:
		change.Path, change.Old, change.New, change.Title = "", nil, nil, "load what pf does for the jail "+j.Name+" again ("+w.name+")"
	}
	if change.Path != "" {
		change.AtConfirm = true
	}
	switch {
	case !c.running(j.Name) || !c.filter.There:
	case w.class != "":
		change = does.PF{File: full, Anchor: w.class + "/" + j.Name}.Load(change)
	default:
		change = loadTable(change, strings.TrimSuffix(w.name, ".table"), full)
	}
	c.plan.Changes = append(c.plan.Changes, change)
	return nil
}

// running says whether what is called so is at work: a jail that runs, or what is no jail of this host, such as a virtual machine.
func (c scene) running(name string) bool {
	return c.jailNamed(c.toaster.Running, name) != nil || c.jailNamed(c.toaster.Configured, name) == nil
}

// machine says whether it is no jail of this host, so that nothing but a boot could load its rules.
func (c scene) machine(name string) bool {
	return c.jailNamed(c.toaster.Running, name) == nil && c.jailNamed(c.toaster.Configured, name) == nil
}

func (c scene) jailNamed(list []seen.BSDJail, name string) *seen.BSDJail {
	if i := slices.IndexFunc(list, func(j seen.BSDJail) bool { return j.Name == name }); i >= 0 {
		return &list[i]
	}
	return nil
}

// drifts says whether an anchor holds other rules than a file makes: none, or more.
func (c scene) drifts(anchor, text string) bool {
	want := seenpf.Parse(text, anchor, c.host(nil)).Expand(c.release)
	n, has := len(want.Translation)+len(want.Filter), c.holds(anchor)
	return c.filter.Running && n > 0 && (has == 0 || has > n)
}

// holds is how many rules an anchor has at this moment.
func (c scene) holds(anchor string) (n int) {
	for _, st := range seenpf.Printed(c.loaded.Rules[anchor], anchor, seenpf.Host{}).Statements {
		n += len(st.Rules)
	}
	return n
}

func (c scene) note(format string, args ...any) {
	c.plan.Notes = append(c.plan.Notes, fmt.Sprintf(format, args...))
}

func (c scene) hand(j site.Jail, file, lines, text string) {
	if lines == "" {
		return
	}
	c.plan.Hands = append(c.plan.Hands, Hand{ID: j.Name + "." + strings.TrimSuffix(path.Base(file), path.Ext(file)),
		Title: "give the jail " + j.Name + " its rules (" + file + ")", Hand: firewall.Hand{Path: file, Lines: lines, Text: text}})
}

// outside is the host's own public address of one family, and the interface that it is reached at; false where there is none.
func (c scene) outside(four bool) (firewall.Behind, bool) {
	for _, b := range c.policy.Behind {
		if b.As.IsValid() && b.As.Is4() == four {
			return b, true
		}
	}
	return firewall.Behind{}, false
}

// within says whether an address is of a network of jails.
func (c scene) within(a netip.Addr) bool {
	return slices.ContainsFunc(c.policy.Behind, func(b firewall.Behind) bool { return b.Net.Contains(a) })
}
