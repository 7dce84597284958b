package toaster

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	seenpf "postern/seen/pf"
	"postern/site"
)

// place is where the rules of a jail lie, and what loads them.
type place struct {
	dir    string
	script string
	tables bool   // the script loads tables, too; else a file of rules needs them within
	filter string // the class of rules that let in: filter, or allow on an older host
}

// folder is a jail's folder of rules as Mail Toaster has it today, or as it had it before.
func folder(jail string, today bool) string {
	if today {
		return seen.ToasterEtc + "/" + jail + "/pf.conf.d"
	}
	return seen.JailData + "/" + jail + "/etc/pf.conf.d"
}

func confOf(jail string) string { return seen.JailConf + "/" + jail + ".conf" }

// place is the folder that a jail's hooks name, or in which its rules lie, or else where the other jails of the host have theirs.
func (c scene) place(j site.Jail) place {
	today := c.today()
	for _, is := range []bool{true, false} {
		if c.lies(folder(j.Name, is)) {
			today = is
			break
		}
	}
	if conf := c.jailNamed(c.toaster.Configured, j.Name); conf != nil {
		for _, hook := range conf.Created {
			if script := ruleScript(hook); script != "" {
				today = path.Dir(script) != folder(j.Name, false)
			}
		}
	}
	p := place{dir: folder(j.Name, today), script: seen.ToasterEtc + "/" + seen.PFRule, tables: true}
	if !today {
		p.script = p.dir + "/" + seen.PFRule
	}
	if had, there := c.toaster.Scripts[p.script]; there {
		p.tables = had.Tables
	}
	p.filter = c.class(p)
	return p
}

// today says whether the host has Mail Toaster's folder of today, or none at all.
func (c scene) today() bool {
	if _, there := c.toaster.Scripts[seen.ToasterEtc+"/"+seen.PFRule]; there || c.lies(seen.ToasterEtc) {
		return true
	}
	for script := range c.toaster.Scripts {
		if strings.HasPrefix(script, seen.JailData+"/") {
			return false
		}
	}
	return !c.lies(seen.JailData)
}

// lies says whether files of jails lie below a folder.
func (c scene) lies(dir string) bool {
	for file := range c.toaster.Files {
		if strings.HasPrefix(file, dir+"/") {
			return true
		}
	}
	return false
}

// class is what lets in: the class of anchors that the main file evaluates. A script of Mail Toaster's that takes names loads no allow.conf.
func (c scene) class(p place) string {
	calls := c.main.Anchors(seenpf.Filter)
	had, there := c.toaster.Scripts[p.script]
	theirs := there && had.Named && !had.Ours
	if slices.Contains(calls, "allow/*") && !slices.Contains(calls, "filter/*") && !theirs && c.mode != "own" {
		return "allow"
	}
	return "filter"
}

// ruleScript is the script that a hook runs to load or unload rules, "" when it runs none.
func ruleScript(hook string) string {
	for _, word := range strings.Fields(hook) {
		if path.Base(word) == seen.PFRule && path.IsAbs(word) {
			return word
		}
	}
	return ""
}

// scripts supplies the script that loads a jail's rules where it is missing; one of ours is kept as it should be.
func (c scene) scripts(j site.Jail, p place) error {
	old, known := c.found.File(p.script)
	switch {
	case !known:
		return fmt.Errorf("%s could not be read", p.script)
	case old != nil && !strings.HasPrefix(old.Text, "#!/bin/sh\n"+mark):
		if had := c.toaster.Scripts[p.script]; !had.Runs {
			c.note("%s may not be executed, so a jail that runs it as it starts does not start: chmod 755 %s", p.script, p.script)
		}
		return nil
	case old != nil && old.Text == script && old.Mode&0o111 != 0, c.planned(p.script):
		return nil
	case c.mode == "advise" && old == nil:
		if !slices.ContainsFunc(c.plan.Hands, func(h Hand) bool { return h.Path == p.script }) {
			c.hand(j, p.script, strings.TrimSuffix(script, "\n"), "Make this file, mode 755: it loads the rules of a jail that starts, and takes them away when it stops")
		}
		return nil
	}
	c.plan.Changes = append(c.plan.Changes, remote.Change{ID: "firewall.jails" + strings.ReplaceAll(strings.TrimSuffix(p.script, ".sh"), "/", "."), Step: "firewall",
		Title: "supply what loads the rules of a jail that starts, and takes them away when it stops", Path: p.script, Old: old,
		New: &remote.File{Text: script, Mode: 0o755, Owner: "root:wheel"}, Test: `sh -n "$NEW"`})
	return nil
}

func (c scene) planned(file string) bool {
	return slices.ContainsFunc(c.plan.Changes, func(one remote.Change) bool { return one.Path == file })
}

// script loads and takes away the rules of a jail. It serves both layouts, and never fails: a jail starts whatever becomes of its rules.
const script = `#!/bin/sh
` + mark + `: loads the rules of a jail into the anchors of pf when it starts, and takes them away when it stops.
#   pfrule.sh load|unload [JAIL]
# It never fails, so that a jail starts whatever becomes of its rules; what went wrong stands in the system's log.
PATH=/sbin:/bin:/usr/sbin:/usr/bin
here=$(dirname "$(readlink -f "$0")")
jail=${2:-$(basename "$(dirname "$(dirname "$here")")")}
dir=$here/$jail/pf.conf.d
[ -d "$dir" ] || dir=$here
say() { logger -t pfrule "$jail: $*"; echo "pfrule: $jail: $*" >&2; }
case $jail in *[!A-Za-z0-9_.-]* | '') say "no name of a jail"; exit 0 ;; esac
case ${1-} in
load)
	for file in "$dir"/*.table; do
		[ ! -f "$file" ] || pfctl -q -t "$(basename "$file" .table)" -T replace -f "$file" || say "$file was refused"
	done
	for class in binat nat rdr allow filter; do
		file=$dir/$class.conf
		[ ! -f "$file" ] || pfctl -q -a "$class/$jail" -f "$file" || say "$file was refused: what it lets in stays closed"
	done
	;;
unload)
	for class in binat nat rdr; do pfctl -q -a "$class/$jail" -F nat 2>/dev/null; done
	for class in allow filter; do pfctl -q -a "$class/$jail" -F rules 2>/dev/null; done
	;;
*) echo "usage: $0 load|unload [JAIL]" >&2 ;;
esac
exit 0
`

// startsPath is what loads the rules of virtual machines at boot: nothing else starts with them.
const startsPath = "/usr/local/etc/rc.d/postern_pfrule"

// starts supplies it where there are such.
func (c scene) starts() {
	var names []string
	for _, j := range c.site.Jails {
		if c.machine(j.Name) && len(j.Addresses()) > 0 {
			names = append(names, j.Name)
		}
	}
	old, known := c.found.File(startsPath)
	text := ""
	if len(names) > 0 {
		text = "#!/bin/sh\n" + mark + ": loads the rules of virtual machines at boot, for which nothing else does.\n# PROVIDE: postern_pfrule\n# REQUIRE: pf\n# KEYWORD: nojail\n" +
			"case ${1-} in *start) for name in " + strings.Join(names, " ") + "; do " + seen.ToasterEtc + "/" + seen.PFRule + " load \"$name\"; done ;; esac\nexit 0\n"
		c.note("%s: no jail of this host is called so, and its addresses count as those of a virtual machine: its rules are loaded at boot, and stay when it stops", strings.Join(names, ", "))
	}
	switch {
	case !known, text == "" && old == nil, old != nil && old.Text == text && text != "":
		return
	case c.mode == "advise":
		if text != "" && old == nil {
			c.hand(site.Jail{Name: "vm"}, startsPath, strings.TrimSuffix(text, "\n"), "Make this file, mode 755: it loads the rules of virtual machines at boot")
		}
		return
	}
	change := remote.Change{ID: "firewall.jails.starts", Step: "firewall", Title: "load the rules of virtual machines at boot", Path: startsPath, Old: old}
	if text != "" {
		change.New, change.Test = &remote.File{Text: text, Mode: 0o755, Owner: "root:wheel"}, `sh -n "$NEW"`
	}
	c.plan.Changes = append(c.plan.Changes, change)
}
