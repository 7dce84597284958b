package steps

import (
	"strings"

	"postern/remote"
	"postern/site"
)

// guideUnits are the units that the guide has people write by hand, or that an init script of that name becomes. The
// package brings none of these names.
//
// guide: wireguard, Making WireGuard Persistent
var guideUnits = []string{"wireguard.service", "wireguard-setup.service"}

const (
	guideUnitFile = "/etc/systemd/system/wireguard.service"
	guideInit     = "init.d/wireguard-setup" // stands for the init script's links, beside the units
)

// guideReads find the guide's script wherever it was put.
func guideReads() []remote.Query {
	return []remote.Query{remote.ReadRun("wireguard.guide", `for f in `+guideUnitFile+` /etc/systemd/system/wireguard-setup.service /etc/init.d/wireguard-setup `+
		`/usr/local/bin/wireguard-setup /usr/local/bin/wireguard-setup.sh /usr/local/sbin/wireguard-setup /usr/local/sbin/wireguard-setup.sh `+
		`/etc/wireguard/wireguard-setup /etc/wireguard/wireguard-setup.sh; do if [ -e $f ]; then echo $f; fi; done; true`)}
}

// guideFiles are the guide's hand-made files found on a host.
func guideFiles(f remote.Facts) []string {
	out, _ := f.Get("wireguard.guide")
	var files []string
	for _, w := range strings.Fields(out) {
		if strings.HasPrefix(w, "/") && word(strings.ReplaceAll(w, "/", "")) {
			files = append(files, w)
		}
	}
	return files
}

// guideRuns says whether one of the guide's units is what brought the tunnel up.
func guideRuns(t tunnelSeen) bool {
	for _, name := range guideUnits {
		if t.Units[name].Active {
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
	_, notes := guideUnitChanges(s, e.host, e.facts, e.t)
	_, conf := wantedConf(s, e.host, e.t, nil, 0)
	return append(notes, conf...)
}

// keptNote tells that a hand-made tunnel stays.
func keptNote(s *site.Site, h *site.Host) Note {
	return Note{Host: h.Name, Warn: true,
		Text: confPath(s.Tunnel.Interface) + " was made by hand after the guide and is kept as it is (guide.tunnel = keep): the tunnel's proofs tell whether it works"}
}

// guideUnitChanges stop and disable the guide's units. Their files stay as they are, so that an undo has them back.
func guideUnitChanges(s *site.Site, h *site.Host, f remote.Facts, t tunnelSeen) (changes []remote.Change, notes []Note) {
	for _, name := range guideUnits {
		u := t.Units[name]
		if !u.Loaded || (!u.Active && !u.Enabled) {
			continue
		}
		if s.Guide.Unit == "keep" {
			notes = append(notes, Note{Host: h.Name, Warn: true,
				Text: name + " was made by hand after the guide and is kept (guide.unit = keep): at boot it and " + wgUnit(s.Tunnel.Interface) + " reach for the same interface"})
			continue
		}
		unit := remote.Quote(name)
		c := remote.Change{
			ID: "wireguard.guide." + strings.TrimSuffix(name, ".service"), Step: "wireguard",
			Title: "stop " + name + " and no longer start it at boot; its files stay",
			Why:   "It says active while the tunnel may be missing, and reaches for the interface that " + wgUnit(s.Tunnel.Interface) + " brings up.",
			Do:    "systemctl stop " + unit + " || true",
			Risk:  remote.LoseMail,
		}
		if u.Enabled {
			c.Keep = "systemctl disable " + unit
			c.Undo = "systemctl enable " + unit + " 2>/dev/null || true"
		}
		if u.Active {
			c.Undo = strings.TrimPrefix(c.Undo+"\nsystemctl start "+unit+" || true", "\n")
		}
		changes = append(changes, c)
	}
	if files := guideFiles(f); len(files) > 0 && len(changes) > 0 {
		notes = append(notes, Note{Host: h.Name,
			Text: "made by hand after the guide: " + strings.Join(files, ", ") + "; no longer used, left where they are (guide.unit = keep leaves them in use)"})
	}
	return changes, notes
}
