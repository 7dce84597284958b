#!/usr/bin/env bash
# What Mailcow's own does: it wants its tools, takes its answers from the environment or asks, switches IPv6 on wherever the host has it, and
# writes mailcow.conf with passwords of its making.
set -o pipefail
for bin in openssl curl docker git awk sha1sum grep cut jq; do
	command -v "$bin" >/dev/null || { echo "Cannot find ${bin}, exiting..."; exit 1; }
done
engine=$(docker version --format '{{.Server.Version}}' | cut -d '.' -f 1)
[ "${engine:-0}" -ge 24 ] || { echo "Cannot find Docker with a Version higher or equals 24.0.0"; exit 1; }
docker compose version --short | grep -q '^v\?[2-9]' || { echo "Cannot find Docker Compose with a Version higher or equals 2.0"; exit 1; }
if [ -f mailcow.conf ]; then
	read -r -p "A config file exists and will be overwritten, are you sure you want to continue? [y/N] " response || exit 1
	case $response in [yY]*) mv mailcow.conf mailcow.conf_backup ;; *) exit 1 ;; esac
fi
while [ -z "$MAILCOW_HOSTNAME" ]; do read -r -p "Mail server hostname (FQDN): " MAILCOW_HOSTNAME || exit 1; done
while [ -z "$MAILCOW_TZ" ]; do read -r -p "Timezone: " MAILCOW_TZ || exit 1; done
[ -n "$MAILCOW_BRANCH" ] || { read -r -p "Choose the Branch with it's number [1/2] " branch || exit 1; MAILCOW_BRANCH=master; }
git fetch --all && git checkout -f "$MAILCOW_BRANCH" || exit 1
ENABLE_IPV6=false
if ip -6 route show default | grep -q .; then
	ENABLE_IPV6=true
	if ! grep -qs '"ipv6": true' /etc/docker/daemon.json; then
		mkdir -p /etc/docker
		printf '{\n  "ipv6": true,\n  "fixed-cidr-v6": "fd00:dead:beef:c0::/80",\n  "ip6tables": true,\n  "experimental": true\n}\n' >/etc/docker/daemon.json
		echo "Restarting Docker..."
		systemctl restart docker
	fi
fi
while IFS= read -r line; do
	case $line in
	MAILCOW_HOSTNAME=*) line=MAILCOW_HOSTNAME=$MAILCOW_HOSTNAME ;;
	TZ=*) line=TZ=$MAILCOW_TZ ;;
	SKIP_CLAMD=*) line=SKIP_CLAMD=${SKIP_CLAMD:-n} ;;
	DOCKER_COMPOSE_VERSION=*) line=DOCKER_COMPOSE_VERSION= ;;
	ENABLE_IPV6=*) line=ENABLE_IPV6=$ENABLE_IPV6 ;;
	*=planted*) line=${line%%=*}=planted$(openssl rand -hex 14) ;;
	esac
	printf '%s\n' "$line"
done <data/mailcow.conf >mailcow.conf
chmod 600 mailcow.conf
mkdir -p data/assets/ssl
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj "/CN=$MAILCOW_HOSTNAME" -keyout data/assets/ssl/key.pem -out data/assets/ssl/cert.pem 2>/dev/null
