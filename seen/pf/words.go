package pf

import "strings"

// keywords are the words that mean something by themselves, and so are no strings unless they stand in quotes.
var keywords = set(`all allow-opts altq anchor antispoof any bandwidth binat binat-anchor bitmask block block-policy buckets cbq code
	codelq debug divert-reply divert-to drop dup-to fail-policy fairq fastroute file fingerprints flags floating flush for fragment from
	global group hfsc hogs hostid icmp-type icmp6-type if-bound in include inet inet6 interval keep label limit linkshare load log
	loginterface max max-mss max-src-conn max-src-conn-rate max-src-nodes max-src-states min-ttl modulate nat nat-anchor no no-df
	no-route no-sync on optimization os out overload pass port prio priority priq probability proto qlimit queue quick random
	random-id rdr rdr-anchor realtime reassemble reply-to require-order return return-icmp return-icmp6 return-rst round-robin route
	route-to rtable rule ruleset-optimization scrub set set-tos skip sloppy source-hash source-track state state-defaults state-policy
	static-port sticky-address synproxy table tag tagged target tbrsize timeout to tos ttl upperlimit urpf-failed user`)

// newer are keywords that older releases do not know, with the first of ours that does.
var newer = map[string]Release{"match": R14, "ether": R14, "keepcounters": R13_2, "syncookies": R13_2,
	"nat-to": R15_0, "rdr-to": R15_0, "af-to": R15_0, "binat-to": R15_0, "received-on": R15_0, "max-pkt-rate": R15_0}

// doubtful are words that some release may know in some place, and of which we know too little to say that one does not.
var doubtful = set(`bridge-to dnpipe dnqueue l3 map-e-portset ridentifier pflow allow-related endpoint-independent limiter source least-states
	weight delay divert-packet divert-reply rdomain parent prefer-ipv6-nexthop max-pkt-size anchors eth-anchors tables minimum maximum`)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// protocols are the names of protocols as pfctl prints them, by number, and other names for the same below.
var protocols = map[string]int{"icmp": 1, "igmp": 2, "ipencap": 4, "tcp": 6, "udp": 17, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": 58,
	"ospf": 89, "carp": 112, "pfsync": 240, "sctp": 132}

var otherProtocols = map[string]string{"icmp6": "ipv6-icmp", "ipip": "ipencap", "ICMP": "icmp", "TCP": "tcp", "UDP": "udp"}

// services are the names that pfctl prints for ports where it is not asked for numbers, and takes for them. Where FreeBSD knows
// several names for a port, the first is the one it prints.
var services, ports = func() (map[string]int, map[int]string) {
	byName, byPort := map[string]int{}, map[int]string{}
	for _, s := range []struct {
		port  int
		names string
	}{{7, "echo"}, {9, "discard"}, {13, "daytime"}, {19, "chargen"}, {20, "ftp-data"}, {21, "ftp"}, {22, "ssh"}, {23, "telnet"}, {25, "smtp mail"},
		{37, "time"}, {43, "nicname whois"}, {49, "tacacs"}, {53, "domain"}, {67, "bootps"}, {68, "bootpc"}, {69, "tftp"}, {79, "finger"},
		{80, "http"}, {88, "kerberos-sec"}, {109, "pop2"}, {110, "pop3"}, {111, "sunrpc"}, {113, "auth ident"}, {119, "nntp"}, {123, "ntp"},
		{137, "netbios-ns"}, {138, "netbios-dgm"}, {139, "netbios-ssn"}, {143, "imap"}, {161, "snmp"}, {162, "snmptrap"}, {179, "bgp"},
		{389, "ldap"}, {443, "https"}, {445, "microsoft-ds"}, {465, "smtps submissions"}, {500, "isakmp"}, {514, "syslog"}, {546, "dhcpv6-client"},
		{547, "dhcpv6-server"}, {587, "submission"}, {631, "ipp"}, {636, "ldaps"}, {853, "domain-s"}, {873, "rsync"}, {989, "ftps-data"}, {990, "ftps"},
		{993, "imaps"}, {995, "pop3s"}, {4190, "sieve"}} {
		for i, name := range strings.Fields(s.names) {
			if byName[name] = s.port; i == 0 {
				byPort[s.port] = name
			}
		}
	}
	return byName, byPort
}()

// Port is the number of a port that pfctl printed by name ("imaps"). It is false for a name that is not known here.
func Port(name string) (int, bool) {
	n, ok := services[name]
	return n, ok
}
