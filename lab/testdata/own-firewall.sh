#!/bin/sh
# What a host has of its owner before Postern comes: rules of every kind, commands in ufw's start hook, and settings of the
# network. On a host with Docker, a container that publishes a port too.
set -e
export DEBIAN_FRONTEND=noninteractive
command -v ufw >/dev/null || { apt-get -q update && apt-get -q -y install ufw; } >/dev/null 2>&1

ufw limit 22/tcp comment 'my way in'
ufw deny 23/tcp
ufw reject from 192.0.2.66 comment 'scanner'
ufw allow proto tcp from 198.51.100.0/24 to any port 9100,9101 comment 'metrics'
ufw route allow in on eth0 out on eth1 to 198.51.100.9 port 8443 proto tcp comment 'own forward'
ufw logging medium

# A hook of its own: a chain, made at start and taken away at stop.
cat >/etc/ufw/before.init <<'HOOK'
#!/bin/sh
set -e
case "$1" in
start)
	iptables -w -N own-count 2>/dev/null || iptables -w -F own-count
	iptables -w -A own-count -p tcp --dport 9100 -j RETURN
	iptables -w -C INPUT -j own-count 2>/dev/null || iptables -w -I INPUT -j own-count
	;;
stop)
	iptables -w -D INPUT -j own-count 2>/dev/null || true
	iptables -w -F own-count 2>/dev/null || true
	iptables -w -X own-count 2>/dev/null || true
	;;
esac
HOOK
chmod 755 /etc/ufw/before.init
ufw --force enable

printf '# mine\nnet.core.somaxconn = 1234\nnet.ipv4.conf.all.log_martians = 1\n' >/etc/sysctl.d/50-own.conf
sysctl -q -p /etc/sysctl.d/50-own.conf

! command -v docker >/dev/null || docker run -d --restart always --name own -p 127.0.0.1:8081:8081 lab/base sleep infinity
