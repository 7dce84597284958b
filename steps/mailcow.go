package steps

import "postern/site"

func init() {
	byHand(Step{
		ID: "mailcow", Chapter: 4, Title: "Mailcow",
		Why: "Mailcow keeps the mail on the hidden host: mailboxes, webmail, the spam filter. It listens on the tunnel's address only, " +
			"hands outgoing mail to the proxy, and believes the proxy about who really sent a mail.",
		Guide:  "mailcow, Starting Mailcow",
		Fields: func(*site.Site) []string { return []string{"domain", "hostname"} },
		Needs:  []string{"domain", "hostname"},
	}, func(w handwork) []Task {
		if !w.mailcow() {
			return otherMailServer(w)
		}
		tasks := []Task{
			w.task("mailcow.docker", "install Docker on %MAIL%", installDockerText, installDockerCopy),
			w.task("mailcow.download", "download Mailcow on %MAIL%, named %HOST%", downloadText, downloadCopy),
			w.task("mailcow.listen", "have Mailcow listen on %TM% only", listenText+w.atHome(), listenCopy),
		}
		if w.haraka() {
			tasks = append(tasks, w.task("mailcow.relay", "send outgoing mail through %PROXY%, and believe it about senders", relayText, relayCopy))
		}
		return append(tasks,
			w.task("mailcow.start", "start Mailcow", startText, startCopy),
			w.task("mailcow.admin", "change the password of Mailcow's administrator", adminText, "ssh -L %WEB%:%TM%:%WEB% "+sshTo(w.proxy)),
			w.task("mailcow.domains", "make domains, mailboxes and DKIM keys", domainsText, w.addresses()),
		)
	})
}

// atHome says what listening on the tunnel means for the clients of mail.lan.
func (w handwork) atHome() string {
	if len(w.s.Mail.LAN) == 0 {
		return ""
	}
	return "\nYour answers admit clients at home directly (mail.lan), but bound like this Mailcow answers none.\n" +
		"They reach it as everybody does, by the name %HOST%."
}

const installDockerText = `Mailcow runs in Docker, and wants 6 GiB of memory, 1 GiB of swap and 20 GB of disk.
It needs Docker Engine 24 or newer with Compose 2; Debian 12's own docker.io is too old.
Install both as Docker's own pages for Debian say (docs.docker.com, Install Docker Engine).
Then apply the WireGuard chapter once more: it makes Docker wait for the tunnel at boot.
Without that, no container can listen on the tunnel's address after a reboot.`

const installDockerCopy = `
# on %MAIL%, as root: both must answer
docker version --format '{{.Server.Version}}'
docker compose version
# here
postern apply wireguard`

const downloadText = `The script asks for the name of the mail server: answer %HOST%.
It also asks for the time zone and for the branch: take what it offers.
Do not start anything yet: with its usual ports Mailcow would open all of them at home.`

const downloadCopy = `
# on %MAIL%, as root
umask 022
apt-get install -y git curl jq openssl
git clone https://github.com/mailcow/mailcow-dockerized /opt/mailcow-dockerized
cd /opt/mailcow-dockerized
./generate_config.sh`

// guide: mailcow, Starting Mailcow: the guide leaves the usual ports, which Docker opens past ufw.
const listenText = `Docker opens published ports past ufw, so every port is bound to an address.
Those of the mail system listen on %TM%, where only the tunnel comes in.
The old unencrypted ones, and those without use here, listen on the host itself only.
Caddy on %PROXY% gets the certificates, so Mailcow does not ask for any.
Leave SNAT_TO_SOURCE unset: outgoing mail must come from %TM%.`

const listenCopy = `
# on %MAIL%, as root
cd /opt/mailcow-dockerized
say() { sed -i "/^$1=/d" mailcow.conf; echo "$1=$2" >> mailcow.conf; }
say HTTP_BIND %TM%
say HTTP_PORT %HTTP%
say HTTPS_BIND %TM%
say HTTPS_PORT %WEB%
say SMTP_PORT %TM%:%SMTP%
say SMTPS_PORT %TM%:%SUBMISSIONS%
say SUBMISSION_PORT %TM%:%SUBMISSION%
say IMAPS_PORT %TM%:%IMAPS%
say HTTP_REDIRECT n
say ENABLE_IPV6 false
say SKIP_LETS_ENCRYPT y
say AUTODISCOVER_SAN n
sed -i -E 's/^(IMAP|POP|POPS|SIEVE)_PORT=([0-9.]+:)?/\1_PORT=127.0.0.1:/' mailcow.conf
grep -E '_(PORT|BIND)=' mailcow.conf`

// guide: mailcow, Starting Mailcow: the guide never tells Postfix whom to believe, nor where outgoing mail goes.
const relayText = `XCLIENT: %PROXY% (%TP%) may say who really sent a mail, and nobody else may.
Without it every mail seems to come from %TP%, and spam filter and bans are blind.
Outgoing mail goes to %TP% port %RELAY%; the world must never see the address at home.
Do NOT add %TP% to mynetworks: that would make an open relay of whatever slips through.
The last file spares %PROXY% the wait that strangers get at the greeting.`

const relayCopy = `
# on %MAIL%, as root
cd /opt/mailcow-dockerized/data/conf/postfix
touch extra.cf custom_postscreen_whitelist.cidr
sed -i '/^smtpd_authorized_xclient_hosts/d; /^relayhost/d' extra.cf
cat >> extra.cf <<'END'
smtpd_authorized_xclient_hosts = %TP%
relayhost = [%TP%]:%RELAY%
END
grep -qF '%TP%/32' custom_postscreen_whitelist.cidr ||
  echo '%TP%/32 permit' >> custom_postscreen_whitelist.cidr`

const startText = `The first start takes minutes: it downloads all containers.
The last command lists ports that are open to everybody at home; it must print nothing.`

const startCopy = `
# on %MAIL%, as root
cd /opt/mailcow-dockerized
docker compose pull
docker compose up -d
docker compose ps --status running
docker ps --format '{{.Names}} {{.Ports}}' | grep -E '(0\.0\.0\.0|\[::\]):'`

const adminText = `A fresh Mailcow lets everybody in as admin with the word moohoo: change that before all else.
The web is not open to the world yet: the command brings it here, through %PROXY%.
While it runs, open https://localhost:%WEB%/admin and accept the certificate that is not known.
Then switch on the second factor for admin.`

const domainsText = `In Mailcow's web interface (Email, Configuration): add each domain, then its mailboxes.
Make a DKIM key for each domain: selector %SELECTOR%, 2048 bits. The DNS chapter publishes it.
Make aliases for the addresses below: other servers and their reports write to them.
Ignore Mailcow's own DNS page: it compares with the address at home, which is right to be nowhere.`

// addresses are those that every mail domain must have (RFC 2142), and those that the records name.
func (w handwork) addresses() string {
	text := ""
	for _, d := range w.domains {
		for _, name := range []string{"postmaster", "abuse", "dmarc", "tlsrpt"} {
			text += name + "@" + d + "\n"
		}
	}
	return text
}
