package wireguard

import (
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/steps/does"
)

// guideRuns says whether one of the guide's units is what brought the tunnel up.
func (e End) guideRuns() bool {
	for _, name := range seen.GuideUnits {
		if e.units.By[name].Active {
			return true
		}
	}
	return false
}

// Found tells beforehand what will become of the guide's tunnel, while the changes cannot be planned yet.
func (e End) Found() []Note {
	if e.conf == nil || kindOf(e.Site, e.conf.Text) != guideConf {
		return nil
	}
	if e.Kept() {
		return []Note{e.keptNote()}
	}
	_, notes := e.guideUnitChanges()
	_, conf := e.wantedConf(nil, 0)
	return append(notes, conf...)
}

// keptNote tells that a hand-made tunnel stays.
func (e End) keptNote() Note {
	return Note{true, e.confPath(e.Site.Tunnel.Interface) + " was made by hand after the guide and is kept as it is (guide.tunnel = keep): the tunnel's proofs tell whether it works"}
}

// Configure is what makes the end run as it should, by the public keys of the hosts. A tunnel that is kept gets nothing.
func (e End) Configure(keys map[string]string, mtu int) (changes []remote.Change, notes []Note) {
	if e.Kept() {
		return nil, []Note{e.keptNote()}
	}
	units, notes := e.guideUnitChanges()
	changes = append(e.renamedChanges(), units...)
	conf, more := e.confChange(keys, mtu)
	if conf != nil {
		changes = append(changes, *conf)
	}
	notes = append(notes, more...)
	if rule := e.caughtBy(); rule.Text != "" {
		notes = append(notes, e.caughtNote(rule))
	}
	if routes(e.Site, e.Host) && e.marked {
		notes = append(notes, Note{true, "net.ipv4.conf.all.src_valid_mark is 1, which breaks answers from containers to the clients' real addresses: set it to 0, or clients.addresses to masquerade"})
	}
	if iface := e.Site.Tunnel.Interface; e.keys.Conf != "" && e.keys.Conf != e.keys.File {
		notes = append(notes, Note{true, e.keyPath() + " holds another key than " + e.confPath(iface) + " did; the file's is used"})
	}
	docker, _ := e.dockerChanges() // Refused has told why not
	return append(changes, docker...), notes
}

// guideUnitChanges stop and disable the guide's units. Their files stay as they are, so that an undo has them back.
func (e End) guideUnitChanges() (changes []remote.Change, notes []Note) {
	for _, name := range seen.GuideUnits {
		u := e.units.By[name]
		if !u.Loaded || (!u.Active && !u.Enabled()) {
			continue
		}
		if e.Site.Guide.Unit == "keep" {
			notes = append(notes, Note{true,
				name + " was made by hand after the guide and is kept (guide.unit = keep): at boot it and " + seen.TunnelUnit(e.Site.Tunnel.Interface) + " reach for the same interface"})
			continue
		}
		c := does.Within("wireguard", does.Unit{Name: name, Title: "stop " + name + " and no longer start it at boot; its files stay"}.Stop(does.State{Active: u.Active, Enabled: u.Enabled()}))
		c.ID = "wireguard.guide." + strings.TrimSuffix(name, ".service")
		c.Why = "It says active while the tunnel may be missing, and reaches for the interface that " + seen.TunnelUnit(e.Site.Tunnel.Interface) + " brings up."
		changes = append(changes, c)
	}
	if files := e.units.Scripts; len(files) > 0 && len(changes) > 0 {
		notes = append(notes, Note{Text: "made by hand after the guide: " + strings.Join(files, ", ") + "; no longer used, left where they are (guide.unit = keep leaves them in use)"})
	}
	return changes, notes
}

// renamedChanges stop a tunnel of ours under another interface name: it was renamed in the answers, and two would want the
// same addresses. Its file and key stay.
func (e End) renamedChanges() []remote.Change {
	var changes []remote.Change
	for _, name := range e.units.Ours {
		u := e.units.By[seen.TunnelUnit(name)]
		if name == e.Site.Tunnel.Interface || (!u.Active && !u.Enabled()) {
			continue
		}
		if e.Host.BSD() {
			changes = append(changes, e.renamedBSD(name))
			continue
		}
		c := does.Within("wireguard", does.Unit{Name: seen.TunnelUnit(name), Title: "stop the tunnel's former interface " + name + "; its file and key stay"}.Stop(
			does.State{Enabled: u.Enabled()}))
		c.ID, c.Do = "wireguard.renamed."+strings.Map(plain, name), e.stop(name)
		if u.Active {
			c.Undo = strings.TrimPrefix(c.Undo+"\n"+onlyWith(e.confPath(name), "systemctl start "+remote.Quote(seen.TunnelUnit(name))), "\n")
		}
		changes = append(changes, c)
	}
	return changes
}

func plain(r rune) rune {
	if strings.ContainsRune("_=+", r) {
		return '-'
	}
	return r
}
