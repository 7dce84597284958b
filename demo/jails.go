package demo

import (
	"io"
	"maps"
	"net"
	"net/netip"
	"path"
	"slices"
	"strings"

	"postern/seen"
)

// jail is one of the host's.
type jail struct {
	name  string
	four  netip.Addr
	ports map[int]func(*World, net.Conn, netip.AddrPort)
}

// jails are those that Mail Toaster made, which nobody outside reaches yet.
var jails = []jail{
	{"mysql", netip.MustParseAddr("172.16.15.4"), nil},
	{"haraka", netip.MustParseAddr("172.16.15.9"), map[int]func(*World, net.Conn, netip.AddrPort){
		smtpPort: func(w *World, c net.Conn, at netip.AddrPort) { postman{w: w}.serve(c, at) }, 587: func(w *World, c net.Conn, at netip.AddrPort) { postman{w: w, logins: true}.serve(c, at) }, 465: (*World).mailTLS}},
	{"webmail", netip.MustParseAddr("172.16.15.10"), map[int]func(*World, net.Conn, netip.AddrPort){80: silent, 443: (*World).imaps}},
	{"dovecot", netip.MustParseAddr("172.16.15.15"), map[int]func(*World, net.Conn, netip.AddrPort){993: (*World).imaps, 995: (*World).imaps, 143: silent, 110: silent}},
}

func (w *World) mailTLS(c net.Conn, at netip.AddrPort) {
	postman{w: w, encrypted: true, logins: true}.serve(c, at)
}

func silent(_ *World, c net.Conn, _ netip.AddrPort) { _, _ = io.Copy(io.Discard, c) }

// jailHost makes the proxy a FreeBSD host with jails, as Mail Toaster leaves them: without a firewall.
func (w *World) jailHost() {
	h := w.Proxy
	h.Name = "toaster"
	h.becomeBSD("14.3-RELEASE-p2", "em0")
	h.bsd.jails = jails
	for _, j := range jails {
		h.put("/etc/jail.conf.d/"+j.name+".conf", "exec.start = \"/bin/sh /etc/rc\";\nexec.stop = \"/bin/sh /etc/rc.shutdown\";\nexec.clean;\n\n"+j.name+" {\n\tip4.addr = lo1|"+j.four.String()+";\n\tmount.devfs;\n}\n", 0o644)
	}
}

// jails says whether the world is one host with jails.
func (w *World) jails() bool { return w.Proxy.bsd != nil && w.Proxy.bsd.jails != nil }

// startJails has each jail load what its file has it load.
func (h *Host) startJails() {
	for _, j := range h.bsd.jails {
		if strings.Contains(h.text("/etc/jail.conf.d/"+j.name+".conf"), "pfrule.sh load "+j.name) && h.File(seen.ToasterEtc+"/"+seen.PFRule) != nil {
			for _, class := range []string{"nat", "rdr", "allow", "filter"} {
				if f := h.File(seen.ToasterEtc + "/" + j.name + "/pf.conf.d/" + class + ".conf"); f != nil {
					h.bsd.anchors[class+"/"+j.name] = f.Text
				}
			}
		}
	}
}

// jailEars are the servers of the jails.
func (h *Host) jailEars() (ears []*ear) {
	if h.bsd == nil {
		return nil
	}
	for _, j := range h.bsd.jails {
		for _, port := range slices.Sorted(maps.Keys(j.ports)) {
			talk := j.ports[port]
			ears = append(ears, &ear{at: netip.AddrPortFrom(j.four, uint16(port)), name: j.name, talk: func(c net.Conn, peer netip.AddrPort) { talk(h.w, c, peer) }})
		}
	}
	return ears
}

// barred is a text with a bar before each line.
func barred(text string) string {
	all := ""
	for line := range strings.Lines(text) {
		all += "|" + line
	}
	return all
}

// connections are those between jails: they are cut when pf begins to run, and nobody has connected since.
func (b *bsd) connections() string {
	if b.on {
		return "sockets\nstates"
	}
	return "172.16.15.9 172.16.15.15 24\n172.16.15.10 172.16.15.15 993\nsockets"
}

// jailsTold is what the host tells of its jails.
func (h *Host) jailsTold([]string) string {
	jls, conf, files, scripts := "", "", "", ""
	for _, j := range h.bsd.jails {
		jls += "name=" + j.name + " ip4.addr=" + j.four.String() + " ip6.addr=\n"
	}
	for _, file := range h.Paths() {
		switch {
		case path.Dir(file) == seen.JailConf:
			conf += "file " + file + "\n" + barred(h.text(file))
		case path.Base(path.Dir(file)) == "pf.conf.d":
			files += "file " + file + "\n" + barred(h.text(file))
		case path.Base(file) == seen.PFRule:
			scripts += file + " runs ours named tables\n"
		}
	}
	return section("jls", jls) + section("conf", conf) + section("files", files) + section("scripts", scripts) + section("feeders", "sshguard runs") + section("neighbours", "") + section("connections", h.bsd.connections())
}
