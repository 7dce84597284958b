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

// services are the names of ports that pfctl prints where it is not asked for numbers, and takes for them.
var services = names(`echo=7 discard=9 daytime=13 chargen=19 ftp-data=20 ftp=21 ssh=22 telnet=23 smtp=25 mail=25 time=37 nicname=43 whois=43 tacacs=49
	domain=53 bootps=67 bootpc=68 tftp=69 finger=79 http=80 kerberos-sec=88 pop2=109 pop3=110 sunrpc=111 auth=113 ident=113 nntp=119 ntp=123
	netbios-ns=137 netbios-dgm=138 netbios-ssn=139 imap=143 snmp=161 snmptrap=162 bgp=179 ldap=389 https=443 microsoft-ds=445 smtps=465
	submissions=465 isakmp=500 syslog=514 dhcpv6-client=546 dhcpv6-server=547 submission=587 ipp=631 ldaps=636 rsync=873 ftps-data=989 ftps=990
	imaps=993 pop3s=995 sieve=4190`)

// newerServices are names for ports that the services file of older releases may lack.
var newerServices = map[string]Release{"submissions": R14}

// Port is the number of a port that pfctl printed by name ("imaps"). It is false for a name that is not known here.
func Port(name string) (int, bool) {
	n, ok := services[name]
	return n, ok
}
