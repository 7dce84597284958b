#!/bin/sh
# What the guide has a person type on the proxy, its errors included: every command runs whatever became of the one before,
# as at a prompt. One run per sitting, because keys are carried between the hosts:
#   guide-proxy.sh firewall | keys | tunnel PEERKEY
export DEBIAN_FRONTEND=noninteractive

# typed runs a command and says when it failed, as a person sees it.
typed() {
	"$@" || echo "FAILED: $*"
}

case $1 in
firewall)
	# guide: firewall, UFW Installation
	typed apt-get -q update
	typed apt-get -q -y install ufw

	# guide: firewall, Enable IP Forwarding
	sed -i 's/^#net.ipv4.ip_forward=1/net.ipv4.ip_forward=1/' /etc/sysctl.conf
	grep -q '^net.ipv4.ip_forward=1' /etc/sysctl.conf || echo 'net.ipv4.ip_forward=1' >>/etc/sysctl.conf
	typed sysctl -p
	typed cat /proc/sys/net/ipv4/ip_forward

	# guide: firewall, Configuring Default Policies
	typed ufw default deny incoming
	typed ufw default allow outgoing

	# guide: firewall, Configure UFW to Accept Forwarded Packets
	sed -i 's/^DEFAULT_FORWARD_POLICY=.*/DEFAULT_FORWARD_POLICY="ACCEPT"/' /etc/default/ufw

	# guide: firewall, Opening Required Ports
	for port in 22/tcp 25/tcp 80/tcp 443/tcp 587/tcp 993/tcp 51820/udp; do
		typed ufw allow "$port"
	done

	# guide: firewall, Restricting Access to Specific IPs; the guide's syntax is wrong, and ufw says so
	typed ufw allow from 10.0.0.2 to any port 2526/tcp

	# guide: firewall, Port Forwarding Configuration; Configuring NAT Rules in UFW
	{
		cat <<-'RULES'
			# NAT table rules
			*nat
			:PREROUTING ACCEPT [0:0]
			:POSTROUTING ACCEPT [0:0]

			# Forward mail client ports to the client server
			-A PREROUTING -p tcp --dport 587 -j DNAT --to-destination 10.0.0.2:587
			-A PREROUTING -p tcp --dport 993 -j DNAT --to-destination 10.0.0.2:993

			# Masquerade what goes there
			-A POSTROUTING -d 10.0.0.2 -p tcp --dport 587 -j MASQUERADE
			-A POSTROUTING -d 10.0.0.2 -p tcp --dport 993 -j MASQUERADE
			COMMIT

		RULES
		sed '$!b; /^COMMIT/i\
-A ufw-before-forward -p tcp -d 10.0.0.2 --dport 587 -j ACCEPT\
-A ufw-before-forward -p tcp -d 10.0.0.2 --dport 993 -j ACCEPT' /etc/ufw/before.rules
	} >/root/before.rules
	cat /root/before.rules >/etc/ufw/before.rules && rm /root/before.rules

	# guide: firewall, Enabling and Verifying the Firewall; a person reloads after every edit
	typed ufw reload
	typed ufw --force enable
	typed ufw reload
	typed ufw reload
	typed ufw reload
	typed ufw status verbose
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
		Address = 10.0.0.1/24
		ListenPort = 51820

		[Peer]
		PublicKey = $2
		AllowedIPs = 10.0.0.2/32
	CONF

	# guide: wireguard, Setting Up WireGuard; where the kernel has no WireGuard, wireguard-go stands in for it
	umask 022
	cat >/usr/local/bin/wireguard-setup <<-'SETUP'
		#!/bin/sh
		ip link add dev wg0 type wireguard || wireguard-go wg0
		ip address add dev wg0 10.0.0.1/24
		wg setconf wg0 /etc/wireguard/wg0.conf
		ip link set up dev wg0
	SETUP
	chmod +x /usr/local/bin/wireguard-setup

	# guide: wireguard, Making WireGuard Persistent
	cat >/etc/systemd/system/wireguard.service <<-'UNIT'
		[Unit]
		Description=WireGuard VPN
		After=network.target

		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/usr/local/bin/wireguard-setup

		[Install]
		WantedBy=multi-user.target
	UNIT
	typed systemctl daemon-reload
	typed systemctl enable wireguard.service
	typed systemctl start wireguard.service

	# guide: wireguard, Firewall Considerations
	typed ufw allow 51820/udp
	typed wg show
	;;
esac
exit 0
