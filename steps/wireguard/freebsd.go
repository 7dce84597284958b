package wireguard

import (
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/steps/does"
)

// bsdPath makes what packages bring reachable on FreeBSD: neither a boot nor the guard of a change looks there.
const bsdPath = "PATH=$PATH:/usr/local/sbin:/usr/local/bin\n"

// owner is root, with the group that root has on the host.
func (e End) owner() string {
	if e.Host.BSD() {
		return "root:wheel"
	}
	return "root:root"
}

// port installs wireguard-tools where it is missing: the base system has wg, but not what brings a tunnel up at boot.
func (e End) port() *remote.Change {
	if e.Now.Tools["wireguard-tools"] && e.Now.Tools["wg-quick"] {
		return nil
	}
	c := does.Pkg{"wireguard-tools"}.Install(e.Host.Name)
	return &c
}

// rcUnits is what rc.conf and the interface say of the tunnels, in the words of units: rc has none, and starts them all by one script.
func (e End) rcUnits() seen.Units {
	u := seen.Units{By: map[string]seen.Unit{}, Ours: e.rc.Ours, Armed: e.rc.Armed}
	listed := strings.Fields(e.rc.Value["wireguard_interfaces"])
	for _, name := range e.rc.Tunnels {
		is := seen.Unit{Loaded: true, AtBoot: "disabled"}
		if name == e.Site.Tunnel.Interface {
			is.Active = e.runs.Link
		} else {
			is.Active = slices.ContainsFunc(e.Now.Interfaces, func(i seen.Interface) bool { return i.Name == name })
		}
		if e.rc.Yes("wireguard_enable") && slices.Contains(listed, name) {
			is.AtBoot = "enabled"
		}
		u.By[seen.TunnelUnit(name)] = is
	}
	return u
}

// settings are those of rc.conf that start these tunnels at boot, none of which is as wanted yet.
func (e End) settings(tunnels []string) (list []does.Setting) {
	for _, want := range [][2]string{{"wireguard_enable", "YES"}, {"wireguard_interfaces", strings.Join(tunnels, " ")}} {
		if old := e.rc.Value[want[0]]; old != want[1] && !(want[1] == "YES" && e.rc.Yes(want[0])) {
			list = append(list, does.Setting{Name: want[0], Value: want[1], Old: old, Had: e.rc.Set[want[0]]})
		}
	}
	return list
}

// rc is sh that has rc start the tunnel at boot, behind what else it starts, and the one that brings back what was.
func (e End) rcScripts() (do, undo string) {
	tunnels := strings.Fields(e.rc.Value["wireguard_interfaces"])
	if !slices.Contains(tunnels, e.Site.Tunnel.Interface) {
		tunnels = append(tunnels, e.Site.Tunnel.Interface)
	}
	return does.Sysrc(e.settings(tunnels))
}

// enable has the tunnel come up at boot.
func (e End) enable() string {
	if e.Host.BSD() {
		do, _ := e.rcScripts()
		return do
	}
	return "systemctl enable " + remote.Quote(seen.TunnelUnit(e.Site.Tunnel.Interface))
}

// disable takes that back.
func (e End) disable() string {
	if !e.Host.BSD() {
		return "systemctl disable " + remote.Quote(seen.TunnelUnit(e.Site.Tunnel.Interface)) + " 2>/dev/null || true"
	}
	if e.units.By[seen.TunnelUnit(e.Site.Tunnel.Interface)].Enabled() {
		do, _ := does.Sysrc(e.settings(e.without(e.Site.Tunnel.Interface)))
		return do
	}
	_, undo := e.rcScripts()
	return undo
}

// without are the tunnels that rc starts, but for one.
func (e End) without(name string) []string {
	return slices.DeleteFunc(strings.Fields(e.rc.Value["wireguard_interfaces"]), func(one string) bool { return one == name })
}

// renamedBSD stops a tunnel of ours under a former name.
func (e End) renamedBSD(name string) remote.Change {
	keep, undo := does.Sysrc(e.settings(e.without(name)))
	c := remote.Change{ID: "wireguard.renamed." + strings.Map(plain, name), Step: "wireguard", Title: "stop the tunnel's former interface " + name + "; its file and key stay",
		Do: e.stop(name), Undo: undo + "[ ! \"${BOOTING-}\" ] || exit 0\n" + bsdPath}
	u := e.units.By[seen.TunnelUnit(name)]
	if u.Enabled() {
		c.Keep = keep
	}
	if u.Active {
		c.Undo += onlyWith(e.confPath(name), "if ! ifconfig "+remote.Quote(name)+" >/dev/null 2>&1; then wg-quick up "+remote.Quote(name)+"; fi")
	}
	return c
}

// whileUp runs a script where the interface is there: while a host boots it is not, and comes up with the file that is in place by then.
func (e End) whileUp(script string) string {
	iface := e.Site.Tunnel.Interface
	if e.Host.BSD() {
		return "if ifconfig " + remote.Quote(iface) + " >/dev/null 2>&1; then\n" + script + "\nfi"
	}
	return onlyWith("/sys/class/net/"+iface, script)
}
