package steps

import (
	"slices"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/wireguard"
)

// harakaVersion is the one that these texts were tried with.
const harakaVersion = "3.3.4"

func init() {
	register(Step{
		ID: "haraka", Chapter: 6, Title: "Haraka",
		Why: "Mail goes both ways with the right names on it. Either Haraka on the proxy takes it from the world and sends what the mail host hands it (mail.path = haraka); " +
			"or the proxy only sends its port on, and what the mail host sends leaves through the tunnel by the proxy's address (direct). Neither relays for strangers.",
		Guide:  "haraka, Email Flow",
		Fields: func(*site.Site) []string { return []string{"domain", "hostname", "mail.path", "mail.kind"} },
		Needs:  []string{"domain", "hostname"},
		Reads:  harakaReads,
		Plan:   planHaraka,
		Proof:  []string{"smtp.answers", "smtp.relay", "smtp.submission", "smtp.leaves", "smtp.server"},
	})
}

func harakaReads(s *site.Site, h *site.Host) []remote.Query {
	queries := seen.HostReads(s, h)
	if h.Role == site.Mail {
		queries = slices.Concat(queries, mailReads(s, h), wireguard.OutgoingReads(s, h))
	}
	return queries
}

// planHaraka sets both ends up for the path that mail takes.
func planHaraka(s *site.Site, look Look) Plan {
	p := Plan{Step: "haraka", Refused: unsupported(s, look)}
	if len(p.Refused) > 0 {
		return p
	}
	if p.Tasks = harakaTasks(s); s.Mail.Path == "direct" {
		p.Notes = append(p.Notes, Note{Text: "mail.path is direct, so the proxy needs no mail server: the firewall's chapter sends port " + strconv.Itoa(s.Ports.SMTP) +
			" on to the mail host, and lets what that sends to the world leave by the proxy's address"})
	}
	for _, h := range s.HostsOf(site.Mail) {
		changes, err := wireguard.See(s, h, look[h.Name]).Outgoing()
		if err != nil {
			p.Refused = append(p.Refused, err.Error())
		}
		p.add(h, changes)
		planMailServer(s, h, look[h.Name], &p)
	}
	return p
}

// harakaTasks are for a person, as long as this program does not set Haraka up.
func harakaTasks(s *site.Site) []Task {
	w, missing := work(s, Step{Needs: []string{"domain", "hostname"}})
	if missing != "" || s.Mail.Path != "haraka" {
		return nil
	}
	return []Task{
		w.task("haraka.install", "install Haraka on %PROXY%", harakaInstallText, harakaInstallCopy),
		w.task("haraka.in", "set up the instance that takes mail", harakaInText, harakaInCopy+"\n"+harakaPlugin+w.hostList()),
		w.task("haraka.out", "set up the instance that sends mail", harakaOutText, harakaOutCopy+w.routes()),
		w.task("haraka.units", "start both, now and at boot", harakaUnitsText, harakaUnitsCopy),
		w.task("haraka.relay", "see that it relays for nobody", harakaRelayText, harakaRelayCopy).measuredBy("smtp.relay"),
		w.task("haraka.clients", "see that the mail host knows who sent a mail", harakaClientsText, w.logCopy()),
	}
}

// hostList is the domains that mail is taken for, as the last file of the instance that takes it.
func (w handwork) hostList() string {
	return "cat > /opt/haraka-in/config/host_list <<'END'\n" + strings.Join(w.domains, "\n") + "\nEND\n" + harakaOwner("in")
}

// routes sends mail for our own domains, such as bounces, back to the mail host: they would go round in circles otherwise.
func (w handwork) routes() string {
	var b strings.Builder
	b.WriteString("cat > relay_dest_domains.ini <<'END'\n[domains]\n")
	for _, d := range w.domains {
		b.WriteString(d + ` = { "action": "continue", "nexthop": "%TM%:%SMTP%" }` + "\n")
	}
	b.WriteString("END\n" + harakaOwner("out"))
	return b.String()
}

func harakaOwner(which string) string {
	dir := "/opt/haraka-" + which
	return "mkdir -p " + dir + "/queue\nchown -R haraka:haraka " + dir + "\nchmod 0750 " + dir + " " + dir + "/config\n"
}

const harakaInstallText = `Haraka ` + harakaVersion + ` needs Node 22 LTS: Debian's own is too old. Install it as nodejs.org says for Debian.
The last command must find the relay plugin: npm leaves it out silently when it cannot have it.`

const harakaInstallCopy = `
# on %PROXY%, as root
node --version
npm install -g haraka@` + harakaVersion + `
useradd --system --home-dir /opt/haraka-in --no-create-home --shell /usr/sbin/nologin haraka
find "$(npm root -g)" -maxdepth 4 -type d -name haraka-plugin-relay`

// guide: haraka, Haraka In Configuration: the guide's files do not start it (no smtp.ini where it looks for one).
const harakaInText = `It takes mail for your domains only, and passes it on to %TM% port %SMTP% through the tunnel.
There is no relay plugin in it, so it cannot relay for anybody.
It listens over IPv4 only, as there is no AAAA record.
The plugin tells the mail host the sender's address AND verified name: Haraka alone tells no name,
and a mail from a sender without a name goes to Junk at Mailcow.
The certificate made here is a stand-in; the Caddy chapter replaces it.`

const harakaInCopy = `
# on %PROXY%, as root
haraka -i /opt/haraka-in
cd /opt/haraka-in/config
cp "$(npm root -g)/haraka/config/connection.ini" connection.ini
sed -i 's/^bytes=.*/bytes=104857600/' connection.ini
echo %HOST% > me
printf '%s\n' tls xclient_full rcpt_to.in_host_list queue/smtp_forward > plugins
printf '%s\n' 'listen=0.0.0.0:%SMTP%' 'nodes=1' > smtp.ini
printf '%s\n' 'host=%TM%' 'port=%SMTP%' 'enable_tls=false' > smtp_forward.ini
printf '%s\n' 'key=tls_key.pem' 'cert=tls_cert.pem' > tls.ini
openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=%HOST% \
  -keyout tls_key.pem -out tls_cert.pem
openssl rand -hex 32 > internalcmd_key
chmod 0640 internalcmd_key tls_key.pem
mkdir -p /opt/haraka-in/plugins`

// harakaPlugin is XCLIENT as Postfix wants it. Haraka gives the address only, and an IPv6 one without its prefix.
const harakaPlugin = `cat > /opt/haraka-in/plugins/xclient_full.js <<'END'
'use strict'
// Tells the mail host the sender's address and verified name by XCLIENT.
const dns = require('node:dns').promises
const net = require('node:net')

exports.register = function () {
    const client = this.haraka_require('smtp_client')
    const usual = client.onCapabilitiesOutbound
    client.onCapabilitiesOutbound = (to, secured, connection, config, on_secured) => {
        if (to.xclient || !to.response.some((line) => /^XCLIENT/.test(line)))
            return usual(to, secured, connection, config, on_secured)
        const ip = connection.remote.ip
        const name = connection.notes.verified_name || '[UNAVAILABLE]'
        to.send_command('XCLIENT', 'ADDR=' + (net.isIPv6(ip) ? 'IPV6:' : '') + ip + ' NAME=' + name)
    }
    this.register_hook('connect', 'verify')
}

// A name counts only when it leads back to the address.
exports.verify = function (next, connection) {
    const { ip, host } = connection.remote
    if (!host || !/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(host)) return next()
    const late = new Promise((done) => setTimeout(done, 5000, []))
    const asked = net.isIPv6(ip) ? dns.resolve6(host) : dns.resolve4(host)
    Promise.race([asked, late])
        .then((list) => { if (list.includes(ip)) connection.notes.verified_name = host })
        .catch(() => {})
        .finally(() => next())
}
END
`

// guide: haraka, Haraka Out Configuration
const harakaOutText = `It sends what %MAIL% hands it, from %TM% alone: it listens inside the tunnel only.
Its own name (the file me) is the one that the reverse name of %P4% gives.
The last file brings mail for your own domains, such as bounces, back home.
Without it they go round in circles, and no sender is ever told that a mail was refused.`

const harakaOutCopy = `
# on %PROXY%, as root
haraka -i /opt/haraka-out
cd /opt/haraka-out/config
cp "$(npm root -g)/haraka/config/connection.ini" connection.ini
sed -i 's/^bytes=.*/bytes=104857600/' connection.ini
echo %HOST% > me
echo relay > plugins
printf '%s\n' 'listen=%TP%:%RELAY%' 'nodes=1' > smtp.ini
printf '%s\n' '[relay]' 'acl=true' 'force_routing=true' 'dest_domains=false' 'all=false' > relay.ini
echo %TM%/32 > relay_acl_allow
printf '%s\n' 'enable_tls=true' 'inet_prefer=v4' 'received_header=disabled' > outbound.ini
cp /opt/haraka-in/config/tls_key.pem /opt/haraka-in/config/tls_cert.pem .
openssl rand -hex 32 > internalcmd_key
chmod 0640 internalcmd_key tls_key.pem
`

// guide: haraka, Systemd Service Files; User Permissions; Port 25 Binding
const harakaUnitsText = `Neither runs as root: the one that takes mail has the right to its low port, and no other.
The one that sends waits for the tunnel, whose address it listens on.
A unit that is active proves nothing: the next task looks at what it answers.`

const harakaUnitsCopy = `
# on %PROXY%, as root
for which in in out; do
  right=''
  [ $which = out ] || right=CAP_NET_BIND_SERVICE
  cat > /etc/systemd/system/haraka-$which.service <<END
[Unit]
Description=Haraka ($which)
Wants=network-online.target %UNIT%
After=network-online.target %UNIT%

[Service]
Type=simple
User=haraka
Group=haraka
WorkingDirectory=/opt/haraka-$which
ExecStart=/usr/bin/env haraka -c /opt/haraka-$which
AmbientCapabilities=$right
CapabilityBoundingSet=$right
NoNewPrivileges=true
ProtectSystem=full
ProtectHome=true
PrivateTmp=true
KillSignal=SIGINT
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
END
done
systemctl daemon-reload
systemctl enable --now haraka-in haraka-out
sleep 5
ss -ltn | grep -E ':(%SMTP%|%RELAY%) '`

const harakaRelayText = `Ask from a machine elsewhere, such as another server: most lines at home block the port.
The answer to MAIL FROM begins with 250, the one to RCPT TO must begin with 550.
If it begins with 250, stop haraka-in at once: it is an open relay.
The second command must not connect: port %RELAY% is for the tunnel alone.`

const harakaRelayCopy = `
# on a machine elsewhere
(for line in 'EHLO probe.invalid' 'MAIL FROM:<a@probe.invalid>' 'RCPT TO:<b@probe.invalid>' QUIT
do sleep 3; printf '%s\r\n' "$line"; done; sleep 3) | nc -w 40 %HOST% %SMTP%
nc -w 5 %P4% %RELAY% </dev/null
# the certificate: a real one after the Caddy chapter
openssl s_client -connect %HOST%:%SMTP% -starttls smtp -brief </dev/null`

const harakaClientsText = `Send a mail from a mailbox elsewhere to one of yours, then look at the mail host's log.
client= must name the sender's server and its address. Is it %TP%, XCLIENT does not work.
Then bans and the spam filter see only %PROXY%: go through the tasks of the Mailcow chapter again.
Then answer that mail: it must arrive, and its headers name %P4%, but no address at home.`

// logCopy looks at the mail host's log for who sent the last mails.
func (w handwork) logCopy() string {
	if !w.mailcow() {
		return "# on %MAIL%, as root\njournalctl --since -10min | grep 'client='"
	}
	return "# on %MAIL%, as root\ncd /opt/mailcow-dockerized\ndocker compose logs --since 10m postfix-mailcow | grep 'client='"
}
