#!/bin/sh
# What the guide has a person type on the mail server, its errors included: every command runs whatever became of the one
# before, as at a prompt. One run per sitting, because keys are carried between the hosts:
#   guide-mail.sh firewall | rescue | keys | tunnel PEERKEY
export DEBIAN_FRONTEND=noninteractive

# typed runs a command and says when it failed, as a person sees it.
typed() {
	"$@" || echo "FAILED: $*"
}

case $1 in
firewall)
	# guide: firewall, Client Server Firewall Configuration; nothing in it admits SSH
	typed apt-get -q update
	typed apt-get -q -y install ufw
	typed ufw default deny incoming
	typed ufw default allow outgoing
	typed ufw allow 51820/udp
	typed ufw --force enable
	typed ufw status verbose
	;;
rescue)
	# what the person then types at the console, because no login works any more
	typed ufw allow ssh
	;;
keys)
	# guide: wireguard, Key Generation
	typed apt-get -q -y install wireguard-tools wireguard-go
	cd /etc/wireguard || exit 1
	umask 077
	wg genkey | tee privatekey | wg pubkey >publickey
	;;
tunnel)
	# guide: wireguard, Configuration Files
	umask 077
	cat >/etc/wireguard/wg0.conf <<-CONF
		[Interface]
		PrivateKey = $(cat /etc/wireguard/privatekey)
		Address = 10.0.0.2/24

		[Peer]
		PublicKey = $2
		Endpoint = 203.0.113.10:51820
		AllowedIPs = 10.0.0.1/32
		PersistentKeepalive = 25
	CONF

	# guide: wireguard, Setting Up WireGuard; here the interface does not even come to be where the kernel has no WireGuard
	umask 022
	cat >/etc/init.d/wireguard-setup <<-'SETUP'
		#!/bin/sh
		### BEGIN INIT INFO
		# Provides:          wireguard-setup
		# Required-Start:    $network
		# Required-Stop:     $network
		# Default-Start:     2 3 4 5
		# Default-Stop:      0 1 6
		# Short-Description: WireGuard
		### END INIT INFO
		case "$1" in
		start)
			ip link add dev wg0 type wireguard
			ip address add dev wg0 10.0.0.2 peer 10.0.0.1
			wg setconf wg0 /etc/wireguard/wg0.conf
			ip link set up dev wg0
			;;
		stop)
			ip link delete dev wg0
			;;
		esac
		exit 0
	SETUP
	chmod +x /etc/init.d/wireguard-setup
	typed update-rc.d wireguard-setup defaults

	# guide: wireguard, Making WireGuard Persistent
	cat >/etc/systemd/system/wireguard.service <<-'UNIT'
		[Unit]
		Description=WireGuard VPN
		After=network.target

		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/etc/init.d/wireguard-setup start
		ExecStop=/etc/init.d/wireguard-setup stop

		[Install]
		WantedBy=multi-user.target
	UNIT
	typed systemctl daemon-reload
	typed systemctl enable wireguard.service
	typed systemctl start wireguard.service
	journalctl --sync # what the status shows of it
	typed systemctl status --no-pager wireguard.service
	;;
esac
exit 0
