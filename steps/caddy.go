package steps

import (
	"fmt"
	"strings"

	"postern/site"
	"postern/zone"
)

func init() {
	byHand(Step{
		ID: "caddy", Chapter: 7, Title: "Caddy",
		Why: "Caddy is the web server on the proxy: it gets the certificates, shows Mailcow's webmail to the world through the tunnel, " +
			"and tells mail programs their settings. Its certificate serves the mail ports too.",
		Guide:  "caddy, Configuration",
		Fields: func(*site.Site) []string { return []string{"domain", "hostname"} },
		Needs:  []string{"domain", "hostname"},
	}, func(w handwork) []Task {
		tasks := []Task{w.task("caddy.setup", "set up Caddy on %PROXY%", caddyText, caddyCopyHead+w.caddyfile()+caddyCopyTail)}
		if w.s.Web.Kind == "existing" {
			tasks = []Task{w.task("caddy.existing", "have the web server on %PROXY% pass the mail names on", existingText, strings.Join(w.webNames(), "\n"))}
		}
		if w.mailcow() {
			tasks = append(tasks, w.task("caddy.receive", "let %MAIL% take certificates from %PROXY%", receiveText, receiveCopy))
		}
		if w.s.Web.Kind != "existing" {
			tasks = append(tasks, w.handOver())
		}
		return append(tasks, w.task("caddy.look", "see that it works as a user does", lookWebText, w.lookWeb()))
	})
}

// webNames are the names that the web server answers to: the mail host's, and those that mail programs ask.
func (w handwork) webNames() []string {
	names := []string{w.s.Hostname}
	if w.mailcow() {
		for _, d := range w.domains {
			names = append(names, zone.AutoNames(d)...)
		}
	}
	return names
}

// caddyfile passes every name on to the mail host. It sets no headers: Mailcow sets its own, and two of each are wrong.
//
// guide: caddy, Configuration
func (w handwork) caddyfile() string {
	var b strings.Builder
	b.WriteString("{\n\tservers {\n\t\tprotocols h1 h2\n\t}\n")
	if usual := site.Default().Ports; w.s.Ports.HTTP != usual.HTTP || w.s.Ports.HTTPS != usual.HTTPS {
		b.WriteString("\thttp_port %HTTP%\n\thttps_port %HTTPS%\n")
	}
	b.WriteString("}\n(mail) {\n\treverse_proxy https://%TM%:%WEB% {\n\t\ttransport http {\n\t\t\ttls_insecure_skip_verify\n\t\t}\n\t}\n}\n")
	for _, name := range w.webNames() {
		fmt.Fprintf(&b, "%s {\n", name)
		if name == w.s.Hostname {
			b.WriteString("\tencode zstd gzip\n")
		}
		b.WriteString("\timport mail\n}\n")
	}
	return b.String()
}

const caddyText = `Debian's own package will do. It asks Let's Encrypt for a certificate of each name by itself,
so the names must be in the DNS already (chapter 5), and port %HTTP% open to everybody.
Between %PROXY% and %TM% the certificate is not verified: the tunnel has proven who is there.
HTTP/3 is off, because the firewall lets no UDP in but the tunnel's.
An old Caddyfile is kept beside the new one.`

const caddyCopyHead = `
# on %PROXY%, as root
apt-get install -y caddy
cp -n /etc/caddy/Caddyfile /etc/caddy/Caddyfile.before
cat > /etc/caddy/Caddyfile <<'END'
`

const caddyCopyTail = `END
caddy validate --config /etc/caddy/Caddyfile --adapter caddyfile
systemctl enable --now caddy
systemctl reload caddy`

const existingText = `web.kind is existing: your web server stays, and gets these names beside what it has.
Pass each on to https://%TM%:%WEB% with the Host header as it came, and X-Forwarded-For.
The certificate there is the mail server's own and need not be verified, inside the tunnel.
Get a certificate for each name, and renew it. The mail ports need that of %HOST% too,
each time: Haraka (config/tls_cert.pem and tls_key.pem; restart it), and %MAIL%.`

const receiveText = `Mail programs must see a real certificate on ports %SUBMISSIONS%, %SUBMISSION% and %IMAPS% too.
A key of its own lets %PROXY% hand one over, through the tunnel, and do nothing else on %MAIL%.
What is taken must be a certificate that is valid now, with the key that belongs to it.`

const receiveCopy = `
# on %PROXY%, as root: make the key, and show its public half
[ -e /root/.ssh/certificate ] || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/certificate
cat /root/.ssh/certificate.pub

# on %MAIL%, as root: put that line in place of LINE
mkdir -p -m 0700 /root/.ssh
echo 'restrict,from="%TP%",command="/usr/local/sbin/take-certificate" LINE' \
  >> /root/.ssh/authorized_keys
cat > /usr/local/sbin/take-certificate <<'END'
#!/bin/sh
set -eu
umask 077
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
head -c 100000 > "$new/all"
sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' "$new/all" > "$new/cert.pem"
sed -n '/BEGIN .*PRIVATE KEY/,/END .*PRIVATE KEY/p' "$new/all" > "$new/key.pem"
openssl x509 -in "$new/cert.pem" -noout -checkend 0 >/dev/null
of_cert=$(openssl x509 -in "$new/cert.pem" -noout -pubkey)
[ "$of_cert" = "$(openssl pkey -in "$new/key.pem" -pubout)" ]
cd /opt/mailcow-dockerized
cp "$new/cert.pem" "$new/key.pem" data/assets/ssl/
docker compose restart postfix-mailcow dovecot-mailcow nginx-mailcow
END
chmod 0755 /usr/local/sbin/take-certificate`

// handOver is the task that brings Caddy's certificate to the mail ports, now and at each renewal.
func (w handwork) handOver() Task {
	var b strings.Builder
	b.WriteString(handOverHead)
	if w.haraka() {
		b.WriteString(handOverHaraka)
	}
	if w.mailcow() {
		b.WriteString(handOverMail)
	}
	b.WriteString(handOverTail)
	text := handOverText
	if !w.mailcow() {
		text += "\nBring it to the mail server on %MAIL% too, in its own way."
	}
	return w.task("caddy.certificates", "hand the certificate of %HOST% over to the mail ports", text, b.String())
}

const handOverText = `Caddy renews its certificate every two months; the mail ports need each new one as well.
The script runs daily, does nothing while the certificate is the same, and tries again what failed.
Haraka reads a certificate only when it starts, so it is restarted.
If SSH on %MAIL% has another port than usual, add -p PORT behind BatchMode=yes.`

const handOverHead = `
# on %PROXY%, as root
cat > /etc/cron.daily/mail-certificate <<'END'
#!/bin/sh
set -eu
umask 077
cd "$(ls -dt /var/lib/caddy/.local/share/caddy/certificates/*/%HOST% | head -n 1)"
done=/var/lib/mail-certificate
if cmp -s %HOST%.crt "$done"; then exit 0; fi
`

const handOverHaraka = `for to in in out; do
  cd_to=/opt/haraka-$to/config
  install -o haraka -g haraka -m 0640 %HOST%.crt "$cd_to/tls_cert.pem"
  install -o haraka -g haraka -m 0640 %HOST%.key "$cd_to/tls_key.pem"
done
systemctl restart haraka-in haraka-out
`

const handOverMail = `cat %HOST%.crt %HOST%.key |
  ssh -i /root/.ssh/certificate -o BatchMode=yes -o StrictHostKeyChecking=accept-new root@%TM%
`

const handOverTail = `cp %HOST%.crt "$done"
END
chmod 0755 /etc/cron.daily/mail-certificate
/etc/cron.daily/mail-certificate && echo handed over`

const lookWebText = `Open https://%HOST% in a browser: the mail server's login, without a warning.
Set a mail program up with an address of yours: it should find %HOST% by itself.
All four ports must show the same certificate, from a known authority.
Then take the /admin path out of the world's reach, or keep its second factor on.`

// lookWeb asks each mail port for its certificate.
func (w handwork) lookWeb() string {
	return `
# on a machine elsewhere
curl -sSI https://%HOST%/ | head -n 1
show() { openssl s_client -connect "%HOST%:$1" $2 </dev/null 2>/dev/null |
  openssl x509 -noout -issuer -enddate -fingerprint; }
show %SMTP% '-starttls smtp'
show %SUBMISSIONS%
show %SUBMISSION% '-starttls smtp'
show %IMAPS%`
}
