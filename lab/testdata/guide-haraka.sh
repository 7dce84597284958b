#!/bin/sh
# What the guide has a person type on the proxy for chapter 6, its errors included: no Haraka of it ever starts. Haraka itself comes
# from the lock file in $1, at another version than the guide's, because the lab has no other. Some who followed it then put files where
# Haraka wants them, too.
export DEBIAN_FRONTEND=noninteractive
typed() {
	"$@" || echo "FAILED: $*"
}

# guide: haraka, Installation
typed apt-get -q update
typed apt-get -q -y install nodejs npm
mkdir -p /usr/local/lib/guide-haraka && cd /usr/local/lib/guide-haraka || exit 1
printf '%s' "$1" >package-lock.json
echo '{"private":true,"dependencies":{"haraka":"'"$2"'"}}' >package.json
typed npm ci --ignore-scripts --omit=dev --omit=optional --no-audit --no-fund --replace-registry-host=always
ln -sf /usr/local/lib/guide-haraka/node_modules/haraka/bin/haraka /usr/local/bin/haraka

# guide: haraka, Haraka In Configuration
mkdir -p /opt/haraka/config/haraka-in/plugins /opt/haraka/config/haraka-out
cat >/opt/haraka/config/haraka-in/config <<'INI'
[server]
listen=0.0.0.0:25
daemonize=true
[plugins]
tls
xclient
rcpt_to.in_host_list
queue/smtp_forward
INI
printf 'example.org\n' >/opt/haraka/config/haraka-in/host_list
printf '[main]\nhost=10.0.0.2\nport=25\n' >/opt/haraka/config/haraka-in/plugins/smtp_forward.ini
printf 'enabled=true\nforward=true\ndestination=10.0.0.2\n' >/opt/haraka/config/haraka-in/plugins/xclient.ini

# guide: haraka, Haraka Out Configuration
printf '[server]\nlisten=10.0.0.1:2526\n[plugins]\nrelay\n' >/opt/haraka/config/haraka-out/config
printf '[relay]\nacl=true\nforce_routing=true\n' >/opt/haraka/config/haraka-out/relay.ini
printf '10.0.0.2/32\n' >/opt/haraka/config/haraka-out/relay_acl_allow

# guide: haraka, User Permissions
typed useradd -r -d /opt/haraka -s /usr/sbin/nologin -G mail haraka
chown -R haraka:haraka /opt/haraka

# guide: haraka, Systemd Service Files
for one in in out; do
	cat >/etc/systemd/system/haraka-$one.service <<-UNIT
		[Unit]
		Description=Haraka $one
		After=network.target

		[Service]
		Type=simple
		User=haraka
		ExecStart=/usr/local/bin/haraka -c /opt/haraka/config/haraka-$one
		Restart=on-failure

		[Install]
		WantedBy=multi-user.target
	UNIT
done
typed systemctl daemon-reload
typed systemctl enable haraka-in haraka-out
typed systemctl start haraka-in haraka-out

# and then where Haraka does look for it
mkdir -p /opt/haraka-in/config /opt/haraka-in/plugins
printf 'listen=0.0.0.0:25\nnodes=1\n' >/opt/haraka-in/config/smtp.ini
printf 'tls\nxclient\nrcpt_to.in_host_list\nqueue/smtp_forward\n' >/opt/haraka-in/config/plugins
printf 'example.org\nexample.com\n' >/opt/haraka-in/config/host_list
printf '.*\\.example\\.com\n' >/opt/haraka-in/config/host_list_regex
printf '10.0.0.0/8\n' >/opt/haraka-in/config/xclient.hosts
printf 'exports.register = function () {}\n' >/opt/haraka-in/plugins/own.js
exit 0
