#!/bin/sh
# What a person who knows how would script for chapters 2 and 3, with nothing guarded, looked at or proven: the yardstick
# that the guarded change is measured by. The packages are there already.
#   plain.sh proxy|mail         does it
#   plain.sh undo               brings the host back to where it was
set -e
umask 077
case $1 in
proxy)
	echo 'net.ipv4.ip_forward = 1' >/etc/sysctl.d/60-plain.conf
	sysctl -q -p /etc/sysctl.d/60-plain.conf
	ufw default deny incoming
	ufw default allow outgoing
	for port in 22/tcp 25/tcp 80/tcp 443/tcp 51820/udp; do
		ufw allow "$port"
	done
	ufw allow in on wg0 proto tcp from 10.0.0.2 to 10.0.0.1 port 2526
	{
		printf '*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n'
		for port in 465 587 993; do
			ufw route allow in on eth0 out on wg0 proto tcp to 10.0.0.2 port $port >&2
			echo "-A PREROUTING -i eth0 -d 203.0.113.10 -p tcp --dport $port -j DNAT --to-destination 10.0.0.2:$port"
		done
		printf 'COMMIT\n'
		cat /etc/ufw/before.rules
	} >/etc/ufw/before.rules.new
	mv /etc/ufw/before.rules.new /etc/ufw/before.rules
	here=10.0.0.1 listen='ListenPort = 51820' peer='AllowedIPs = 10.0.0.2/32'
	;;
mail)
	ufw default deny incoming
	ufw default allow outgoing
	ufw allow proto tcp from 192.168.50.0/24 to any port 22
	ufw allow in on wg0 proto tcp from 10.0.0.0/24 to any port 22
	ufw allow in on wg0 from 10.0.0.1
	for port in 465 587 993; do
		ufw allow in on wg0 proto tcp to 10.0.0.2 port $port
	done
	here=10.0.0.2 listen=
	peer='AllowedIPs = 0.0.0.0/0
Endpoint = 203.0.113.10:51820
PersistentKeepalive = 25'
	;;
undo)
	systemctl disable -q --now wg-quick@wg0
	ufw --force reset
	rm -f /etc/wireguard/wg0.conf /etc/wireguard/wg0.key /etc/sysctl.d/60-plain.conf /etc/ufw/*.rules.2*
	sysctl -q net.ipv4.ip_forward=0
	iptables -t nat -F PREROUTING
	exit
	;;
esac
ufw --force enable
wg genkey >/etc/wireguard/wg0.key
cat >/etc/wireguard/wg0.conf <<END
[Interface]
Address = $here/24
$listen
PrivateKey = $(cat /etc/wireguard/wg0.key)
Table = off

[Peer]
PublicKey = $(wg genkey | wg pubkey)
$peer
END
systemctl enable -q wg-quick@wg0
systemctl start wg-quick@wg0
