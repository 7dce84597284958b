package steps

import (
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// guideRuns says whether one of the guide's units is what brought the tunnel up.
func guideRuns(t tunnelSeen) bool {
	for _, name := range seen.GuideUnits {
		if t.Units.By[name].Active {
			return true
		}
	}
	return false
}

// foundNotes tells beforehand what will become of the guide's tunnel, while the changes cannot be planned yet.
func foundNotes(s *site.Site, e end) []Note {
	if e.t.Conf == nil || kindOf(s, e.t.Conf.Text) != guideConf {
		return nil
	}
	if e.kept(s) {
		return []Note{keptNote(s, e.host)}
	}
	_, notes := guideUnitChanges(s, e.host, e.t)
	_, conf := wantedConf(s, e.host, e.t, nil, 0)
	return append(notes, conf...)
}

// keptNote tells that a hand-made tunnel stays.
func keptNote(s *site.Site, h *site.Host) Note {
	return Note{Host: h.Name, Warn: true,
		Text: confPath(s.Tunnel.Interface) + " was made by hand after the guide and is kept as it is (guide.tunnel = keep): the tunnel's proofs tell whether it works"}
}

// guideUnitChanges stop and disable the guide's units. Their files stay as they are, so that an undo has them back.
func guideUnitChanges(s *site.Site, h *site.Host, t tunnelSeen) (changes []remote.Change, notes []Note) {
	for _, name := range seen.GuideUnits {
		u := t.Units.By[name]
		if !u.Loaded || (!u.Active && !u.Enabled()) {
			continue
		}
		if s.Guide.Unit == "keep" {
			notes = append(notes, Note{Host: h.Name, Warn: true,
				Text: name + " was made by hand after the guide and is kept (guide.unit = keep): at boot it and " + seen.TunnelUnit(s.Tunnel.Interface) + " reach for the same interface"})
			continue
		}
		unit := remote.Quote(name)
		c := remote.Change{
			ID: "wireguard.guide." + strings.TrimSuffix(name, ".service"), Step: "wireguard",
			Title: "stop " + name + " and no longer start it at boot; its files stay",
			Why:   "It says active while the tunnel may be missing, and reaches for the interface that " + seen.TunnelUnit(s.Tunnel.Interface) + " brings up.",
			Do:    "systemctl stop " + unit + " || true",
			Risk:  remote.LoseMail,
		}
		if u.Enabled() {
			c.Keep = "systemctl disable " + unit
			c.Undo = "systemctl enable " + unit + " 2>/dev/null || true"
		}
		if u.Active {
			c.Undo = strings.TrimPrefix(c.Undo+"\nsystemctl start "+unit+" || true", "\n")
		}
		changes = append(changes, c)
	}
	if files := t.Units.Scripts; len(files) > 0 && len(changes) > 0 {
		notes = append(notes, Note{Host: h.Name,
			Text: "made by hand after the guide: " + strings.Join(files, ", ") + "; no longer used, left where they are (guide.unit = keep leaves them in use)"})
	}
	return changes, notes
}
