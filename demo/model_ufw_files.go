package demo

import "strings"

// layUfw puts ufw's files in place: what its own program and its framework read and write, with the rules that Debian ships.
func layUfw(h *Host) {
	for path, f := range map[string]struct {
		text string
		mode uint32
	}{
		"/etc/default/ufw":      {ufwDefaults, 0o644},
		"/etc/ufw/ufw.conf":     {ufwConf, 0o644},
		"/etc/ufw/sysctl.conf":  {ufwSysctl, 0o644},
		"/etc/ufw/before.init":  {ufwHook("before"), 0o640},
		"/etc/ufw/after.init":   {ufwHook("after"), 0o640},
		"/etc/ufw/before.rules": {ufwBefore, 0o640}, "/etc/ufw/before6.rules": {ufwBefore6(), 0o640},
		"/etc/ufw/after.rules": {ufwAfter, 0o640}, "/etc/ufw/after6.rules": {ufwAfter6(), 0o640},
		"/etc/ufw/user.rules": {ufwUser, 0o640}, "/etc/ufw/user6.rules": {ufwUser6, 0o640},
		"/usr/lib/systemd/system/ufw.service": {ufwUnit, 0o644},
	} {
		if !h.files.exists(path) || !strings.HasPrefix(path, "/etc") { // what a person has changed stays
			h.files.write(path, f.text, f.mode)
		}
	}
	h.files.mkdirAll("/etc/ufw/applications.d")
}

const ufwUnit = `[Unit]
Description=Uncomplicated firewall
Documentation=man:ufw(8)
DefaultDependencies=no
Before=network-pre.target
Wants=network-pre.target local-fs.target
After=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/lib/ufw/ufw-init start quiet
ExecStop=/lib/ufw/ufw-init stop

[Install]
WantedBy=multi-user.target
`

const ufwDefaults = `# /etc/default/ufw

# yes: rules for IPv6 too; no: IPv6 only on loopback
IPV6=yes

# ACCEPT, DROP or REJECT
DEFAULT_INPUT_POLICY="DROP"
DEFAULT_OUTPUT_POLICY="ACCEPT"
DEFAULT_FORWARD_POLICY="DROP"

# ACCEPT, DROP, REJECT or SKIP
DEFAULT_APPLICATION_POLICY="SKIP"

# yes: the built-in chains are emptied at every start
MANAGE_BUILTINS=no

IPT_SYSCTL=/etc/ufw/sysctl.conf
IPT_MODULES=""
`

const ufwConf = `# /etc/ufw/ufw.conf
#

# Set to yes to start on boot. If setting this remotely, be sure to add a rule
# to allow your remote connection before starting ufw. Eg: 'ufw allow 22/tcp'
ENABLED=no

# off, low, medium, high or full
LOGLEVEL=low
`

const ufwSysctl = `# what ufw sets when it starts
net/ipv4/conf/all/accept_redirects=0
net/ipv4/conf/default/accept_redirects=0
net/ipv6/conf/all/accept_redirects=0
net/ipv6/conf/default/accept_redirects=0
net/ipv4/icmp_echo_ignore_broadcasts=1
net/ipv4/icmp_ignore_bogus_error_responses=1
net/ipv4/icmp_echo_ignore_all=0
net/ipv4/conf/all/log_martians=0
net/ipv4/conf/default/log_martians=0
`

func ufwHook(name string) string {
	return strings.ReplaceAll(`#!/bin/sh
# NAME.init: run by ufw's start and stop when it is executable
set -e

case "$1" in
start)
    ;;
stop)
    ;;
status)
    ;;
flush-all)
    ;;
*)
    echo "Usage: NAME.init {start|stop|flush-all|status}"
    ;;
esac
`, "NAME", name)
}

const ufwUser = `*filter
:ufw-user-input - [0:0]
:ufw-user-output - [0:0]
:ufw-user-forward - [0:0]
:ufw-user-limit - [0:0]
:ufw-user-limit-accept - [0:0]
### RULES ###
-A ufw-user-limit -m limit --limit 3/minute -j LOG --log-prefix "[UFW LIMIT BLOCK] "
-A ufw-user-limit -j REJECT
-A ufw-user-limit-accept -j ACCEPT
COMMIT
`

const ufwUser6 = `*filter
:ufw6-user-input - [0:0]
:ufw6-user-output - [0:0]
:ufw6-user-forward - [0:0]
### RULES ###
COMMIT
`

const ufwBefore = `# rules that come before those of a person
*filter
:ufw-before-input - [0:0]
:ufw-before-output - [0:0]
:ufw-before-forward - [0:0]
:ufw-not-local - [0:0]

-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-output -o lo -j ACCEPT

-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-output -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT

-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP

-A ufw-before-input -p icmp --icmp-type destination-unreachable -j ACCEPT
-A ufw-before-input -p icmp --icmp-type time-exceeded -j ACCEPT
-A ufw-before-input -p icmp --icmp-type parameter-problem -j ACCEPT
-A ufw-before-input -p icmp --icmp-type echo-request -j ACCEPT

-A ufw-before-forward -p icmp --icmp-type destination-unreachable -j ACCEPT
-A ufw-before-forward -p icmp --icmp-type time-exceeded -j ACCEPT
-A ufw-before-forward -p icmp --icmp-type parameter-problem -j ACCEPT
-A ufw-before-forward -p icmp --icmp-type echo-request -j ACCEPT

-A ufw-before-input -p udp --sport 67 --dport 68 -j ACCEPT

-A ufw-before-input -j ufw-not-local
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN
-A ufw-not-local -m addrtype --dst-type BROADCAST -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny
-A ufw-not-local -j DROP

-A ufw-before-input -p udp -d 224.0.0.251 --dport 5353 -j ACCEPT
-A ufw-before-input -p udp -d 239.255.255.250 --dport 1900 -j ACCEPT

COMMIT
`

const ufwAfter = `# rules that come after those of a person
*filter
:ufw-after-input - [0:0]
:ufw-after-output - [0:0]
:ufw-after-forward - [0:0]

-A ufw-after-input -p udp --dport 137 -j ufw-skip-to-policy-input
-A ufw-after-input -p udp --dport 138 -j ufw-skip-to-policy-input
-A ufw-after-input -p tcp --dport 139 -j ufw-skip-to-policy-input
-A ufw-after-input -p tcp --dport 445 -j ufw-skip-to-policy-input
-A ufw-after-input -p udp --dport 67 -j ufw-skip-to-policy-input
-A ufw-after-input -p udp --dport 68 -j ufw-skip-to-policy-input
-A ufw-after-input -m addrtype --dst-type BROADCAST -j ufw-skip-to-policy-input

COMMIT
`

func ufwAfter6() string {
	text := strings.NewReplacer("ufw-", "ufw6-", "--dport 67 ", "--dport 546 ", "--dport 68 ", "--dport 547 ").Replace(ufwAfter)
	return strings.Replace(text, "-A ufw6-after-input -m addrtype --dst-type BROADCAST -j ufw6-skip-to-policy-input\n", "", 1)
}

// ufwBefore6 are the same for IPv6, which cannot do without more kinds of ICMP (RFC 4890).
func ufwBefore6() string {
	var b strings.Builder
	b.WriteString("# rules that come before those of a person\n*filter\n:ufw6-before-input - [0:0]\n:ufw6-before-output - [0:0]\n:ufw6-before-forward - [0:0]\n\n")
	add := func(chain, rest string) { b.WriteString("-A ufw6-before-" + chain + " " + rest + "\n") }
	icmp := func(chain string, kinds ...string) {
		for _, kind := range kinds {
			name, more, _ := strings.Cut(kind, " ")
			add(chain, strings.TrimSuffix("-p icmpv6 --icmpv6-type "+name+" "+more, " ")+" -j ACCEPT")
		}
	}
	errors := []string{"destination-unreachable", "packet-too-big", "time-exceeded", "parameter-problem", "echo-request"}
	near := []string{"router-solicitation -m hl --hl-eq 255", "router-advertisement -m hl --hl-eq 255", "neighbor-solicitation -m hl --hl-eq 255",
		"neighbor-advertisement -m hl --hl-eq 255", "141 -m hl --hl-eq 255", "142 -m hl --hl-eq 255", "130 -s fe80::/10", "131 -s fe80::/10", "132 -s fe80::/10",
		"143 -s fe80::/10", "148 -m hl --hl-eq 255", "149 -m hl --hl-eq 255", "151 -s fe80::/10 -m hl --hl-eq 1", "152 -s fe80::/10 -m hl --hl-eq 1",
		"153 -s fe80::/10 -m hl --hl-eq 1"}
	add("input", "-i lo -j ACCEPT")
	add("output", "-o lo -j ACCEPT")
	for _, chain := range []string{"input", "forward", "output"} {
		add(chain, "-m rt --rt-type 0 -j DROP")
	}
	for _, chain := range []string{"input", "output", "forward"} {
		add(chain, "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT")
	}
	icmp("input", "echo-reply")
	add("input", "-m conntrack --ctstate INVALID -j ufw6-logging-deny")
	add("input", "-m conntrack --ctstate INVALID -j DROP")
	icmp("input", errors...)
	icmp("input", near...)
	icmp("output", errors...)
	icmp("output", "echo-reply")
	out := append([]string(nil), near...)
	out[1], out[3] = near[3], near[1] // as the package has them
	icmp("output", out...)
	icmp("forward", errors...)
	icmp("forward", "echo-reply")
	icmp("input", "144", "145", "146", "147")
	add("input", "-p udp -s fe80::/10 --sport 547 -d fe80::/10 --dport 546 -j ACCEPT")
	add("input", "-p udp -d ff02::fb --dport 5353 -j ACCEPT")
	add("input", "-p udp -d ff02::f --dport 1900 -j ACCEPT")
	b.WriteString("\nCOMMIT\n")
	return b.String()
}

// layWireguard puts the unit of wireguard-tools in place, and the folder for its configurations.
func layWireguard(h *Host) {
	h.files.write("/usr/lib/systemd/system/wg-quick@.service", `[Unit]
Description=WireGuard via wg-quick(8) for %I
After=network-online.target nss-lookup.target
Wants=network-online.target nss-lookup.target
PartOf=wg-quick.target
Documentation=man:wg-quick(8)

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/wg-quick up %i
ExecStop=/usr/bin/wg-quick down %i
Environment=WG_ENDPOINT_RESOLUTION_RETRIES=infinity

[Install]
WantedBy=multi-user.target
`, 0o644)
	h.files.mkdir("/etc/wireguard", 0o700)
}
