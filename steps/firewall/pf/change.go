package pf

import (
	"errors"
	"fmt"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/steps/does"
	"postern/steps/firewall"
)

// put is the change that gives a file of ours its text, nil where it has that.
func (s scene) put(path, id, title, text string) *remote.Change {
	old := s.file(path)
	if old != nil && old.Text == text {
		return nil
	}
	return &remote.Change{ID: "firewall." + id, Step: "firewall", Title: title, Path: path, Old: old,
		New: &remote.File{Text: text, Mode: 0o644, Owner: "root:wheel"}}
}

// own plans the whole main file, what is loaded where it fails, and pf's start.
func (s scene) own() (firewall.Rendering, error) {
	var r firewall.Rendering
	if s.filter.Running && s.filter.Rules > 0 && s.filter.Text == "" {
		return r, fmt.Errorf("it runs with rules that stand in no file (%s is not there), so they could not be put back: keep them (pfctl -sn; pfctl -sr), and put them there, or take them away (pfctl -F rules; pfctl -F nat)", s.filter.Path)
	}
	if c := s.fallbackChange(&r); c != nil {
		r.Changes = append(r.Changes, *c)
	}
	admins := s.admins(mainPath, s.admin)
	load := does.PF{File: mainPath, Before: s.filter.Path, Off: !s.filter.Running}
	title := "load what pf admits and sends on"
	if load.Off {
		title = "switch pf on with what it admits and sends on"
	}
	if c := s.put(mainPath, "pf.conf", title, s.main(admins)); c != nil {
		c.AtConfirm = true
		r.Changes = append(r.Changes, load.Load(*c))
	} else if load.Off || s.filter.Path != mainPath || s.drifts(s.filter.Rules, mainPath) {
		r.Changes = append(r.Changes, load.Load(activate(title)))
	}
	if c := s.settings("rc.conf", "start pf, its log and its fallback at boot", []does.Key{
		{Name: "pf_enable", Value: "YES"}, {Name: "pf_rules", Value: mainPath}, {Name: "pflog_enable", Value: "YES"}, {Name: "pf_fallback_rules_enable", Value: "YES"}}); c != nil {
		r.Changes = append(r.Changes, *c)
	}
	r.LockOut, r.Lets = s.lockOut(admins), s.lets
	if !s.filter.Running {
		r.Notes = append(r.Notes, "connections that are open now are cut once, but for those of the addresses that are never cut off: pf knows only what begins under it")
	}
	if f := s.file(mainPath); f != nil && !s.ours(mainPath) {
		r.Notes = append(r.Notes, mainPath+" was written by somebody else and is replaced as a whole (pf.main = own); undo brings it back")
	}
	return r, nil
}

// fallbackChange writes the fallback, unless somebody else has.
func (s scene) fallbackChange(r *firewall.Rendering) *remote.Change {
	if s.file(fallbackPath) != nil && !s.ours(fallbackPath) {
		r.Notes = append(r.Notes, fallbackPath+" is not ours and stays: see that it admits SSH, because it is loaded when "+mainPath+" is refused at boot")
		return nil
	}
	c := s.put(fallbackPath, "pf-fallback.conf", "write what pf loads when its main file is refused", s.fallback())
	if c != nil {
		c.Test = `pfctl -nf "$NEW"`
	}
	return c
}

// activate is the change that loads a file which is in place already.
func activate(title string) remote.Change {
	return remote.Change{ID: "firewall.activate", Step: "firewall", Title: title}
}

// settings is the change of rc.conf, nil where all is as wanted. It is made at confirm: a reboot before it starts the host as it was.
func (s scene) settings(id, title string, want []does.Key) *remote.Change {
	var list []does.Setting
	for _, key := range want {
		if old := s.rc.Value[key.Name]; old != key.Value && !(key.Value == "YES" && s.rc.Yes(key.Name)) {
			list = append(list, does.Setting{Name: key.Name, Value: key.Value, Old: old, Had: s.rc.Set[key.Name]})
		}
	}
	if len(list) == 0 {
		return nil
	}
	keep, undo := does.Sysrc(list)
	return &remote.Change{ID: "firewall." + id, Step: "firewall", Title: title, Keep: keep, Undo: undo}
}

// anchors plans a file of our own, which the operator's main file calls. The file is made empty first, and stays when all is undone: a
// main file that names one that is not there is refused as a whole.
func (s scene) anchors() (firewall.Rendering, error) {
	var r firewall.Rendering
	if s.ours(mainPath) {
		return r, errors.New(mainPath + " is ours as a whole, and calls no anchor: go on with pf.main = own, or put a file of yours in its place")
	}
	if f := s.file(anchorPath); f == nil {
		r.First = []remote.Change{{ID: "firewall.pf-anchor", Step: "firewall", Title: "make the empty file of our anchor",
			Why: "it stays when the rest is undone: a pf.conf that names a file which is not there is refused as a whole",
			Do:  "[ -e " + anchorPath + " ] || { cat > " + anchorPath + " <<'END'\n" + anchorHead + "END\nchmod 644 " + anchorPath + "; }\n"}}
		return r, nil
	} else if !s.ours(anchorPath) {
		return r, errors.New(anchorPath + " is not ours: move it out of the way")
	}
	const title = "load what our anchor admits and sends on"
	text := s.anchor(s.admins(anchorPath, "postern_admin"))
	if c := s.put(anchorPath, "pf.postern.conf", title, text); c != nil {
		c.AtConfirm = true
		r.Changes = append(r.Changes, loadAnchor.Load(*c))
	} else if s.filter.Running && s.drifts(s.filter.Ours, anchorPath) {
		r.Changes = append(r.Changes, loadAnchor.Load(activate(title)))
	}
	s.off(&r)
	s.theirs(&r, s.calls(), "A scrub line belongs before your first nat or rdr, the nat and rdr lines before your first pass, block or anchor; the last two at the place where rules "+
		"are to count that admit what mail needs: behind your own bans, before what refuses the rest. Then, on the host: pfctl -nf "+s.filter.Path+" && pfctl -f "+s.filter.Path, text)
	return r, nil
}

// loadAnchor loads our anchor.
var loadAnchor = does.PF{File: anchorPath, Anchor: seen.FilterAnchor}

// advise changes nothing of pf's: it says what is missing.
func (s scene) advise() firewall.Rendering {
	var r firewall.Rendering
	s.off(&r)
	lines := s.advice()
	if len(s.want.Behind) > 0 {
		lines = s.jailLines()
	}
	s.theirs(&r, lines, "A scrub line belongs before your first nat or rdr, nat and rdr before your first pass, block or anchor, the others behind your block lines: the last rule that fits decides, unless one says quick. "+
		"What is there in other words need not be added. Then, on the host: pfctl -nf "+s.filter.Path+" && pfctl -f "+s.filter.Path, "")
	if len(s.want.Behind) > 0 {
		r.Notes = append(r.Notes, s.filter.Path+" is yours, or Mail Toaster's, so it is not changed: what it lacks is a task. With pf.main = anchors the files of rules that jails lack are written; pf.main = own writes the main file, too")
		return r
	}
	r.Notes = append(r.Notes, s.filter.Path+" is yours, so it is not changed (pf.main = advise): what it lacks is a task. pf.main = anchors lets us keep our rules in a file of our own, pf.main = own the whole file")
	return r
}

// theirs is what a main file of the operator's lacks, as lines to add where it is told, and what is to be known of it. ours is what the
// file of our anchor will say.
func (s scene) theirs(r *firewall.Rendering, lines []string, where, ours string) {
	lacks := s.missing(lines)
	if len(lacks) > 0 {
		r.Hand = firewall.Hand{Path: s.filter.Path, Lines: strings.Join(lacks, "\n"), Text: where}
	}
	r.Notes = append(r.Notes, s.judge(lacks, ours)...)
}

// off says how to switch on a pf whose rules are somebody else's.
func (s scene) off(r *firewall.Rendering) {
	if !s.filter.Running {
		r.Notes = append(r.Notes, "pf is off, and its rules are yours, so it is not switched on: read "+s.filter.Path+", and start it with a way back that needs no login: "+
			"daemon sh -c 'sleep 120; pfctl -d' && service pf onestart; keep it with: sysrc pf_enable=YES")
	}
}

// strip takes away what is ours in files that others changed since: the anchor's rules. A main file that somebody went on with is his.
func (s scene) strip() firewall.Rendering {
	var r firewall.Rendering
	if !s.ours(anchorPath) || s.file(anchorPath).Text == anchorHead {
		return r
	}
	c := s.put(anchorPath, "pf.postern.conf", "take the rules of our anchor away", anchorHead)
	c.AtConfirm = true
	r.Changes = append(r.Changes, loadAnchor.Load(*c))
	return r
}
