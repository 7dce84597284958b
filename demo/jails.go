package demo

import (
	"crypto/tls"
	"io"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postern/seen"
	seenpf "postern/seen/pf"
)

// jailed is a FreeBSD host with jails: what its pf holds, and what rc.conf and the kernel are told. World.mu guards it.
type jailed struct {
	running bool
	main    string              // the text that the main ruleset was loaded from
	anchors map[string]string   // those of anchors
	tables  map[string][]string // global ones that were filled by hand
	rc      map[string]string   // what rc.conf sets
	live    map[string]string   // sysctls
	counts  map[string]int      // packets that a redirection met: ANCHOR PORT FAMILY
	kept    map[string]jailed   // how it was before a change, by the change's ID
}

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
	{"webmail", netip.MustParseAddr("172.16.15.10"), map[int]func(*World, net.Conn, netip.AddrPort){80: silent, 443: (*World).webTLS}},
	{"dovecot", netip.MustParseAddr("172.16.15.15"), map[int]func(*World, net.Conn, netip.AddrPort){993: (*World).webTLS, 995: (*World).webTLS, 143: silent, 110: silent}},
}

// webTLS is as much of a server in a jail as shows its certificate.
func (w *World) webTLS(c net.Conn, _ netip.AddrPort) {
	inside := tls.Server(c, &tls.Config{GetCertificate: w.jailShows})
	if inside.Handshake() == nil {
		_, _ = io.Copy(io.Discard, inside)
	}
}

func (w *World) mailTLS(c net.Conn, at netip.AddrPort) {
	postman{w: w, encrypted: true, logins: true}.serve(c, at)
}

// jailShows is the certificate that a jail's server has, from the jail letsencrypt.
func (w *World) jailShows(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return w.issued(hello.ServerName)
}

func silent(_ *World, c net.Conn, _ netip.AddrPort) { _, _ = io.Copy(io.Discard, c) }

// jailHost makes the proxy a FreeBSD host with jails, as Mail Toaster leaves them: without a firewall.
func (w *World) jailHost() {
	h := w.Proxy
	h.Name = "toaster"
	for _, p := range h.Paths() {
		if p != "/etc/resolv.conf" {
			h.Write(p, nil)
		}
	}
	for _, j := range jails {
		h.put("/etc/jail.conf.d/"+j.name+".conf", "exec.start = \"/bin/sh /etc/rc\";\nexec.stop = \"/bin/sh /etc/rc.shutdown\";\nexec.clean;\n\n"+j.name+" {\n\tip4.addr = lo1|"+j.four.String()+";\n\tmount.devfs;\n}\n", 0o644)
	}
	h.jailed = &jailed{anchors: map[string]string{}, tables: map[string][]string{}, rc: map[string]string{}, live: map[string]string{"net.inet.ip.forwarding": "0", "net.inet6.ip6.forwarding": "0"}, counts: map[string]int{}, kept: map[string]jailed{}}
}

// startJails is a boot: pf runs what rc.conf says, and each jail runs what its file has it run.
func (h *Host) startJails() {
	k := h.jailed
	k.running, k.main, k.anchors, k.tables = k.rc["pf_enable"] == "YES", "", map[string]string{}, map[string][]string{}
	if k.running {
		k.main = h.text("/etc/pf.conf")
	}
	for _, j := range jails {
		if strings.Contains(h.text("/etc/jail.conf.d/"+j.name+".conf"), "pfrule.sh load "+j.name) && h.File(seen.ToasterEtc+"/"+seen.PFRule) != nil {
			for _, class := range []string{"nat", "rdr", "allow", "filter"} {
				if f := h.File(seen.ToasterEtc + "/" + j.name + "/pf.conf.d/" + class + ".conf"); f != nil {
					k.anchors[class+"/"+j.name] = f.Text
				}
			}
		}
	}
}

func (k jailed) clone() jailed {
	k.anchors, k.tables, k.rc, k.live = maps.Clone(k.anchors), maps.Clone(k.tables), maps.Clone(k.rc), maps.Clone(k.live)
	return k
}

var (
	pfFile      = regexp.MustCompile(`(?m)^file=\$\{NEW:-'([^'\n]*)'\}`)
	jailAnchor  = regexp.MustCompile(`(?m)^in='([^'\n]*)'$`)
	pfTable     = regexp.MustCompile(`pfctl -q -t '([^'\n]*)' -T replace -f "\$file"`)
	tableBefore = regexp.MustCompile(`pfctl -q -t '([^'\n]*)' -T replace -f "\$KEPT"`)
)

// jailsDo runs a script of a change on a host with jails. What it did is taken back as a whole.
func (h *Host) jailsDo(s script, phase string) error {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	k := h.jailed
	if phase == "undo" {
		if was, kept := k.kept[s.ID]; kept {
			counts, all := k.counts, k.kept
			*k = was.clone()
			k.counts, k.kept = counts, all
		}
		return nil
	}
	if _, kept := k.kept[s.ID]; !kept {
		k.kept[s.ID] = k.clone()
	}
	if m := pfFile.FindStringSubmatch(s.text); m != nil {
		text := h.text(m[1])
		if s.Path == m[1] && s.New != nil {
			text = s.New.Text
		}
		in, table := jailAnchor.FindStringSubmatch(s.text), pfTable.FindStringSubmatch(s.text)
		switch {
		case table != nil:
			k.tables[table[1]] = strings.Fields(strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.HasPrefix(line, "#") }), " "))
		case in != nil && in[1] != "":
			k.anchors[in[1]] = text
		default:
			k.main, k.running = text, true
		}
	}
	if m := pfBacks.FindStringSubmatch(s.text); m != nil { // a script that takes back, long after
		in := jailAnchor.FindStringSubmatch(s.text)
		switch text := h.text(m[1]); {
		case in != nil && in[1] != "":
			if delete(k.anchors, in[1]); text != "" {
				k.anchors[in[1]] = text
			}
		default:
			k.main, k.running = text, m[2] == ""
		}
	}
	if m := tableBefore.FindStringSubmatch(s.text); m != nil {
		delete(k.tables, m[1])
	}
	for _, gone := range sysrcGone.FindAllStringSubmatch(s.text, -1) {
		delete(k.rc, gone[1])
	}
	for _, set := range sysrcSet.FindAllStringSubmatch(s.text, -1) {
		k.rc[set[1]] = set[2]
	}
	for _, set := range bsdSysctl.FindAllStringSubmatch(s.text, -1) {
		k.live[set[1]] = set[2]
	}
	return nil
}

// pf reads what the host's pf holds.
func (k *jailed) pf() (*seenpf.Ruleset, seenpf.Host) {
	own := []netip.Prefix{netip.PrefixFrom(proxy4, 24), netip.PrefixFrom(proxy6, 64)}
	known := seenpf.Host{Interfaces: map[string][]netip.Prefix{"em0": own}, Tables: map[string][]seenpf.Address{}, Anchors: map[string]*seenpf.Ruleset{}, Listed: true}
	for name, words := range k.tables {
		known.Tables[name], _ = seenpf.ParseTable(strings.Join(words, "\n"))
	}
	for name, text := range k.anchors {
		known.Anchors[name] = seenpf.Parse(text, name, known)
	}
	return seenpf.Parse(k.main, "", known), known
}

// enterJails brings a packet to the host: pf decides, and the jail that it is sent to answers.
func (h *Host) enterJails(x way) way {
	k := h.jailed
	if k.running {
		main, known := k.pf()
		d := main.Decide(seenpf.Packet{On: "em0", Proto: x.proto, From: x.src, To: x.dst}, known)
		if d.Verdict != seenpf.Pass {
			return x
		}
		if d.To.IsValid() {
			x.dst = d.To
		}
	}
	x.host, x.fate = h, refused
	if x.proto != "tcp" {
		x.fate = arrived
		return x
	}
	for _, j := range jails {
		if talk := j.ports[int(x.dst.Port())]; j.four == x.dst.Addr() && talk != nil {
			k.counts["rdr/"+j.name+" "+strconv.Itoa(int(x.dst.Port()))]++
			x.fate, x.ear = arrived, &ear{at: x.dst, name: j.name, talk: func(c net.Conn, peer netip.AddrPort) { talk(h.w, c, peer) }}
		}
	}
	if x.dst.Port() == sshPort && (x.dst.Addr() == proxy4 || x.dst.Addr() == proxy6) {
		x.fate, x.ear = arrived, h.ear(x.dst)
	}
	return x
}
