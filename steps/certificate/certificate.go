// Package certificate knows what brings the certificate of a proxy's web server to the mail ports, whenever there is a new one: to Haraka
// there, and through the tunnel to the mail host, by a key of SSH that can do nothing else. It does no I/O, and knows no chapter.
package certificate

import (
	_ "embed" // the scripts
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// printed is sh that defines print: the fingerprint of a file's certificate.
const printed = `print() { openssl x509 -in "$1" -noout -fingerprint -sha256 2>/dev/null; }
`

var (
	//go:embed sound.sh
	sound string
	//go:embed give.sh
	give string
	//go:embed take.sh
	take string
	//go:embed plain.sh
	plain string
	//go:embed mailcow.sh
	mailcow string
)

const (
	step    = "caddy"
	script  = "/usr/local/sbin/postern-certificate" // on a proxy it gives, on a mail host it takes
	state   = "/var/lib/postern-certificate"        // what was brought last
	running = "/run/postern-certificate"            // in memory, while it runs
	public  = seen.CertificateKey + ".pub"
	known   = "/etc/postern/certificate.known" // the mail hosts' own keys
)

// Peer is a mail host as a proxy must know it to hand something over.
type Peer struct {
	Host *site.Host
	Port int      // of its sshd
	Keys []string // sshd's own
}

// Giving is what a proxy should have, given the mail hosts that it hands over to. Nothing of it runs before Start.
func Giving(s *site.Site, peers []Peer) does.Table {
	sends, hosts := "", ""
	for _, p := range peers {
		name := remote.Quote(p.Host.Name)
		sends += fmt.Sprintf("said=$(send %s %s %d) || fails %s\": ${said:-ssh says nothing}\"\n\t", name, s.TunnelAddress(p.Host), p.Port, name)
		for _, key := range p.Keys {
			hosts += p.Host.Name + " " + key + "\n"
		}
	}
	serves, haraka := "", "''"
	if s.Web.Kind == "caddy" && s.Web.Certificate != "" { // one of its own it renews by itself
		serves = "serve " + seen.CaddyUnit + " || fails 'Caddy could not be told to read it'\n\t"
	}
	if s.Mail.Path == "haraka" {
		haraka = seen.HarakaPEM
	}
	text := strings.NewReplacer("@NAME@", remote.Quote(s.Hostname), "@STATE@", state, "@RUN@", running, "@HARAKA@", haraka, "@PAIRS@", seen.CertificateFiles(s),
		"@SOUND@", sound+printed, "@KEY@", seen.CertificateKey, "@KNOWN@", known, "@SERVES@", serves, "@SENDS@", strings.TrimSpace(sends)).Replace(give)
	t := does.Table{Step: step, Things: []does.Thing{
		key(),
		does.File{Path: script, Text: text, Mode: 0o755, Title: "write " + script + ", which brings a new certificate to the mail ports"},
		does.File{Path: known, Text: hosts, Title: "note by which keys the mail host is known"},
		does.Unit{Name: seen.CertificateUnit, Starts: does.ByOthers, Text: service(s)},
		does.Unit{Name: seen.CertificatePath, Starts: does.OnceKept, Text: watch(s)},
		does.Unit{Name: seen.CertificateTimer, Starts: does.OnceKept, Text: timer},
		start(),
	}}
	if s.Mail.Path == "haraka" {
		t.Things = append(t.Things, show(s))
	}
	return t
}

// key is the proxy's, for SSH: it is made there, and never leaves it.
func key() does.Command {
	const file = seen.CertificateKey
	return does.Command{ID: "key", First: true, Title: "make the key by which a certificate is handed over to the mail host",
		Why:  "it stays on the proxy; all that the mail host lets it do is to hand over a certificate",
		Test: "[ -s " + file + " ] && [ -s " + public + " ]",
		Do:   "umask 077\nmkdir -p /etc/postern\nrm -f " + file + " " + public + "\nssh-keygen -q -t ed25519 -N '' -C postern-certificate -f " + file + "\nsync " + file + " " + public + "\n",
		Undo: "rm -f " + file + " " + public + "\nrmdir /etc/postern 2>/dev/null || :\n"}
}

// start hands over what there is. A host that does not take it yet is told by the checks; it is tried again by the units.
func start() does.Command {
	return does.Command{ID: "handover", Last: true, Title: "hand the certificate over to the mail ports",
		Why: "Haraka reads it only when it starts, so it is started anew; the mail host's servers are told to read it", Takes: 3 * time.Minute, Risk: remote.LoseMail,
		Test: script + " --check 2>/dev/null || exit 1",
		Do:   "systemctl start " + seen.CertificateUnit + " || :\njournalctl -q -n 1 -o cat _SYSTEMD_UNIT=" + seen.CertificateUnit + " || :\n",
		Undo: "systemctl reset-failed " + seen.CertificateUnit + " 2>/dev/null || :\n" + unshow + "rm -rf " + state + "\n"}
}

// show has a Haraka that was brought later show what was handed over before it, at once: port 25 is never seen with less than it had. It
// does where it has read what the web server has, or the mail host.
func show(s *site.Site) does.Command {
	return does.Command{ID: "show", Title: "have Haraka show the certificate that the mail host has already", Risk: remote.LoseMail,
		Why: "Haraka reads it only when it starts, so it is started anew",
		Test: "[ -s " + state + "/given ] || exit 0\n" + seen.CertificateFiles(s) + printed + "now=$(print " + seen.HarakaPEM + ")\nset -- $(pairs | head -n 1)\n" +
			"[ -n \"$now\" ] && [ \"$now\" = \"$(cat " + state + "/shown 2>/dev/null)\" ] && { [ \"$now\" = \"$(cat " + state + "/given)\" ] || [ \"$now\" = \"$(print \"${1-}\")\" ]; } || exit 1",
		Do: script + " --show\n", Undo: unshow + "rm -f " + state + "/shown\n"}
}

// unshow gives Haraka back what it showed before.
const unshow = "if [ -e " + seen.HarakaPEM + ".before ]; then\n\tmv -f " + seen.HarakaPEM + ".before " + seen.HarakaPEM + "\n\tsystemctl try-restart " + seen.HarakaIn + " || :\nfi\n"

func service(s *site.Site) string {
	return "# postern: brings the certificate of the mail host's name to the mail ports\n[Unit]\nDescription=Certificate of " + s.Hostname + " for the mail ports\n" +
		"After=network-online.target " + seen.TunnelUnit(s.Tunnel.Interface) + "\nStartLimitIntervalSec=0\n\n[Service]\nType=oneshot\nExecStart=" + script + "\n" +
		"RuntimeDirectory=postern-certificate\nRuntimeDirectoryMode=0700\nTimeoutStartSec=5min\nNoNewPrivileges=true\nPrivateTmp=true\n"
}

// watch has it start when the web server has written another certificate. Where that is, nobody but Caddy knows if its own file names an
// authority that we do not: then it is the timer that sees it.
func watch(s *site.Site) string {
	text := "# postern: has a new certificate brought to the mail ports\n[Unit]\nDescription=Watch for a new certificate of " + s.Hostname + "\nStartLimitIntervalSec=0\n\n[Path]\n"
	for _, path := range Watched(s) {
		text += "PathChanged=" + path + "\n"
	}
	return text + "Unit=" + seen.CertificateUnit + "\n\n[Install]\nWantedBy=multi-user.target\n"
}

const timer = "# postern: sees to it that a certificate which was not handed over is\n[Unit]\nDescription=Hand over what was not\n\n[Timer]\n" +
	"OnActiveSec=10min\nOnUnitInactiveSec=1h\nUnit=" + seen.CertificateUnit + "\n\n[Install]\nWantedBy=timers.target\n"

// authorities are those that Caddy asks by itself.
var authorities = []string{"https://acme-v02.api.letsencrypt.org/directory", "https://acme.zerossl.com/v2/DV90"}

// Watched are the files of which a change means another certificate: of the operator's own either, since nobody knows which comes last;
// Caddy writes its .json last, in a folder that is called after the authority.
func Watched(s *site.Site) (paths []string) {
	if certificate, key := s.OwnCertificate(); certificate != "" {
		return slices.Compact([]string{certificate, key})
	}
	of := authorities
	if s.Web.CA != "" {
		of = []string{s.Web.CA}
	}
	for _, one := range of {
		if u, err := url.Parse(one); err == nil {
			folder := strings.ToLower(strings.ReplaceAll(u.Host+"-"+strings.Trim(strings.ReplaceAll(u.Path, "/", "-"), "-"), ":", "-"))
			paths = append(paths, fmt.Sprintf("%s/%s/%s/%s.json", seen.CaddyCertificates, strings.TrimSuffix(folder, "-"), s.Hostname, s.Hostname))
		}
	}
	return paths
}

// Reads lists what must be seen of a host.
func Reads(s *site.Site, h *site.Host) []remote.Query {
	if h.Role == site.Proxy {
		return append(Giving(s, nil).Reads(), remote.ReadFile(public))
	}
	t := taking(s, Receiver{})
	t.Things = append(t.Things, does.Keys{Path: mainCF}, does.Unit{Name: "postfix.service"}, does.Block{Path: dovecotConf}, does.File{Path: dovecotOwn}, does.Unit{Name: "dovecot.service"}, does.Block{Path: rootKeys})
	return slices.Concat(t.Reads(), seen.Postfix.Reads(s, h), seen.ReceivingOf.Reads(s, h), seen.SSH.Reads(s, h))
}
