//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"postern/lab/dns"
)

// resolverAddr is where inet answers for the hosts, whatever the name; and at the addresses of large resolvers of others.
const resolverAddr = "198.51.100.201"

var resolverAddrs = []string{resolverAddr, "1.1.1.1", "9.9.9.9"}

// nameservers are the servers of the lab, each with an address in inet and the zones it has from the start.
var nameservers = map[string]struct {
	addr  string
	zones map[string]string
}{
	"root": {"198.51.100.202", map[string]string{".": delegated("org.", "registrar.test.") + delegated("net.", "registrar.test.") + delegated("com.", "registrar.test.") +
		delegated("test.", "registrar.test.") + delegated("arpa.", "registrar.test.") + "registrar.test. A 198.51.100.203\n"}},
	"registrar": {"198.51.100.203", map[string]string{
		"org.": worldName("www.iana.org", "org", webByte) + namesOf(issuing, "org") + delegated("example.org.", "ns1.hoster.test.", "ns2.hoster.test.") + delegated("zen.spamhaus.org.", "ns.provider.test."),
		"net.": delegated("example.net.", "ns1.hoster.test.", "ns2.hoster.test."),
		"test.": "registrar A 198.51.100.203\n" + delegated("hoster", "ns1.hoster", "ns2.hoster") + hosters + delegated("external", "ns1.hoster", "ns2.hoster") +
			delegated("provider", "ns.provider") + "ns.provider A 198.51.100.206\n" + "relay.smarthost A " + exchangerAddr4 + "\nwrong.smarthost A " + exchangerAddr4 + "\n" +
			"spf.smarthost TXT \"v=spf1 ip4:" + exchangerAddr4 + " ~all\"\n",
		"com.": namesOf(refusing, "com") + delegated("origin.asn.cymru.com.", "ns.provider.test.") + bigNames() + worldName("www.google.com", "com", webByte) + "smtp.gmail A " + exchangerAddr4 + "\n", // greeted: mail servers that say whom they see
		"arpa.": delegated("113.0.203.in-addr", "ns.provider.test.") + delegated("100.51.198.in-addr", "ns.provider.test.") +
			delegated("8.b.d.0.1.0.0.2.ip6", "ns.provider.test."),
	}},
	"ns1": {"198.51.100.204", hosted},
	"ns2": {"198.51.100.205", hosted},
	"provider": {"198.51.100.206", map[string]string{"provider.test.": "ns A 198.51.100.206\n", "113.0.203.in-addr.arpa.": "", "100.51.198.in-addr.arpa.": "77 PTR mx.external.test.\n78 PTR sender.external.test.\n",
		"8.b.d.0.1.0.0.2.ip6.arpa.": "",
		"zen.spamhaus.org.":         "2.0.0.127 0 A 127.0.0.2\n", // a blocklist that names its test entry alone
		"origin.asn.cymru.com.":     "",
		// Apart from what sites publish.
		"7.7.0.0.8.b.d.0.1.0.0.2.ip6.arpa.": "7.7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR mx.external.test.\n"}},
}

const hosters = "ns1.hoster A 198.51.100.204\nns2.hoster A 198.51.100.205\n"

// hosted is what both servers of a domain hoster tell.
var hosted = map[string]string{
	"hoster.test.": "ns1 A 198.51.100.204\nns2 A 198.51.100.205\n", "example.org.": "", "example.net.": "",
	"external.test.": "@ MX 10 mx\nmx A " + exchangerAddr4 + "\nmx AAAA " + exchangerAddr6 + "\nsender A " + senderAddr + "\n@ TXT \"v=spf1 mx a:sender.external.test -all\"\n",
}

// bigNames are the records of the big operators' mail servers.
func bigNames() (records string) {
	for name, last := range bigServers {
		records += worldName(name, "com", last)
	}
	return records
}

// namesOf are records of the authorities' names in a zone that ends them.
func namesOf(names []string, zone string) (records string) {
	for _, name := range names {
		records += strings.TrimSuffix(name, "."+zone) + " A " + acmeAddr + "\n"
	}
	return records
}

func delegated(zone string, servers ...string) string {
	var b strings.Builder
	for _, s := range servers {
		fmt.Fprintf(&b, "%s NS %s\n", zone, s)
	}
	return b.String()
}

// startNames makes the servers' folders and serves them from inet until the lab ends.
func (l *Lab) startNames(ctx context.Context) error {
	var lo strings.Builder
	args := []string{l.Name}
	for _, addr := range resolverAddrs {
		fmt.Fprintf(&lo, "address add %s/32 dev lo\n", addr)
	}
	for name, s := range nameservers {
		fmt.Fprintf(&lo, "address add %s/32 dev lo\n", s.addr)
		if err := os.MkdirAll(l.dir("dns", name), 0o755); err != nil {
			return err
		}
		for zone, records := range s.zones {
			if err := l.Publish(zone, records, name); err != nil {
				return err
			}
		}
		args = append(args, name, s.addr)
	}
	if err := l.ipBatch(ctx, "inet", lo.String()); err != nil {
		return err
	}
	_, err := l.background("names", "names", l.dir("names.log"), args...)
	return err
}

var serial = regexp.MustCompile(`SOA \S+ \S+ (\d+) `)

// Publish has servers tell the records of a zone, in master format, from now on, under the next serial number; the ones not named
// keep what they have.
func (l *Lab) Publish(zone, records string, servers ...string) error {
	n := 0 // the newest copy's
	for server := range nameservers {
		if was, err := os.ReadFile(l.dir("dns", server, dns.FileOf(zone))); err == nil {
			if m := serial.FindSubmatch(was); m != nil {
				is, _ := strconv.Atoi(string(m[1]))
				n = max(n, is)
			}
		}
	}
	for _, server := range servers {
		if _, is := nameservers[server]; !is {
			return fmt.Errorf("%q is not a name server of the lab", server)
		}
		path, ns := l.dir("dns", server, dns.FileOf(zone)), ""
		switch server {
		case "ns1", "ns2":
			ns = "@ 300 IN NS ns1.hoster.test.\n@ 300 IN NS ns2.hoster.test.\n"
		case "registrar":
			ns = "@ 300 IN NS registrar.test.\n"
		case "provider":
			ns = "@ 300 IN NS ns.provider.test.\n"
		}
		text := fmt.Sprintf("$TTL 300\n@ 300 IN SOA ns.%s.invalid. host.invalid. %d 3600 600 86400 60\n%s%s", server, n+1, ns, records)
		if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
	}
	return nil
}

// PublishLines has the lab's servers tell lines of a zone file with whole names, each in the zone that it is of, in the place of all they
// told of that zone: those named, or all that should hold it.
func (l *Lab) PublishLines(lines string, servers ...string) error {
	of := map[string]string{}
	for line := range strings.Lines(lines) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || name[0] == ';' {
			continue
		}
		origin := ""
		for _, s := range []string{"ns1", "provider"} {
			for zone := range nameservers[s].zones {
				if (name == zone || strings.HasSuffix(name, "."+zone)) && len(zone) > len(origin) {
					origin = zone
				}
			}
		}
		if origin == "" {
			return fmt.Errorf("%q is in no zone of the lab", name)
		}
		of[origin] += line
	}
	for origin, records := range of {
		to := servers
		if len(to) == 0 {
			for name, s := range nameservers {
				if _, holds := s.zones[origin]; holds {
					to = append(to, name)
				}
			}
		}
		if err := l.Publish(origin, records, to...); err != nil {
			return err
		}
	}
	return nil
}

// childNames serves every name server and the resolver.
func childNames(args []string) error {
	l := &Lab{Options{Name: args[0]}}
	ended := make(chan error)
	serve := func(addr string, handler dns.Handler) error {
		at := net.JoinHostPort(addr, "53")
		conns, err := l.Listen(context.Background(), "inet", "tcp", at)
		if err != nil {
			return err
		}
		var packets net.PacketConn
		if err := inNetns(l.netns("inet"), func() (err error) { packets, err = net.ListenPacket("udp", at); return err }); err != nil {
			return err
		}
		go func() { ended <- dns.Serve(packets, conns, handler) }()
		return nil
	}
	for i := 1; i+1 < len(args); i += 2 {
		if err := serve(args[i+1], dns.Server{Folder: filepath.Join(l.dir("dns"), args[i])}); err != nil {
			return err
		}
	}
	resolver := &dns.Resolver{Root: netip.MustParseAddr(nameservers["root"].addr), Clock: time.Now,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return l.Dial(ctx, "inet", network, address)
		}}
	for _, addr := range resolverAddrs {
		if err := serve(addr, resolver); err != nil {
			return err
		}
	}
	return <-ended
}
