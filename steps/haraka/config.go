package haraka

import (
	_ "embed"
	"net"
	"net/netip"
	"strconv"

	"postern/seen"
	"postern/site"
	"postern/steps/does"
	"postern/zone"
)

var (
	// connection is the file of that name which Haraka brings: without all of its keys it dies of the first connection.
	//
	//go:embed connection.ini
	connection string
	// plugin has Haraka say who a sender is, and pass nothing on where that is not heard.
	//
	//go:embed xclient_full.js
	plugin string
	// whole has a mail go on with the header that it came with.
	//
	//go:embed as_it_came.js
	whole string
	// later has what cannot be queued be put off.
	//
	//go:embed put_off.js
	later string
	// dhparams is a well-known group (RFC 7919, ffdhe3072): Haraka would make one of its own for half a minute at each start.
	//
	//go:embed dhparams.pem
	dhparams string
)

// mailSize is the largest mail, as Mailcow has it.
const mailSize = 104857600

// taking is the instance that takes mail for our domains, and passes it on while the sender waits.
//
// guide: haraka, Haraka In Configuration
func taking(s *site.Site, h *site.Host) map[string]string {
	everywhere := netip.IPv4Unspecified()
	if h.Public6.IsValid() {
		everywhere = netip.IPv6Unspecified() // and IPv4
	}
	all := intake(s.Hostname, zone.Domains(s), address(everywhere, s.Ports.SMTP), s.Tunnel.Mail.String(), strconv.Itoa(s.Ports.SMTP))
	if all["config/xclient_own"] = ""; h.Public4.IsValid() {
		all["config/xclient_own"] = lines(h.Public4.String(), s.Hostname)
	}
	return all
}

// intake makes its files, for a site or for a probe.
func intake(me string, domains []string, listen, host, port string) map[string]string {
	return map[string]string{
		"config/me":               lines(me),
		"config/host_list":        lines(domains...),
		"config/plugins":          lines("tls", "as_it_came", "xclient_full", "rcpt_to.in_host_list", "queue/smtp_forward"),
		"config/smtp.ini":         lines("listen="+listen, "nodes=0"),
		"config/smtp_forward.ini": lines("host="+host, "port="+port, "enable_tls=false"),
		// The mail host may look for viruses first. Haraka lets a sender wait in silence for 300 seconds.
		"config/queue/smtp_forward.timeout": lines("290"),
		"config/tls.ini":                    lines("key=tls.pem", "cert=tls.pem", "dhparam=dhparams.pem"),
		"config/dhparams.pem":               dhparams,
		"config/connection.ini":             connections(),
		"config/log.ini":                    logging,
		"plugins/as_it_came.js":             whole,
		"plugins/xclient_full.js":           plugin,
	}
}

// sending is the instance that sends what the mail host hands it, and nobody else. Mail for our own domains, such as bounces, goes
// home by the other instance, which says whose it is: without that it goes round in circles, and no sender is ever told; and straight
// from here it would seem to come from the tunnel's address, which has no name, and is rejected as spam.
//
// guide: haraka, Haraka Out Configuration
func sending(s *site.Site, h *site.Host) map[string]string {
	smtp := []string{"listen=" + address(s.TunnelAddress(h), s.Ports.Relay), "nodes=0"}
	if h.Public4.IsValid() { // it would ask a stranger for it
		smtp = append(smtp, "public_ip="+h.Public4.String())
	}
	all := map[string]string{
		"config/me":                      lines(s.Hostname),
		"config/plugins":                 lines("relay", "as_it_came", "put_off"),
		"config/smtp.ini":                lines(smtp...),
		"config/relay.ini":               lines("[relay]", "acl=true", "force_routing=true", "dest_domains=false", "all=false"),
		"config/relay_acl_allow":         lines(s.Tunnel.Mail.String() + "/32"),
		"config/relay_dest_domains.ini":  home(s),
		"config/outbound.bounce_message": bounce,
		"config/outbound.ini":            lines("enable_tls=true", "inet_prefer=v4", "received_header=disabled"),
		"config/tls.ini":                 lines("key="+seen.HarakaPEM, "cert="+seen.HarakaPEM, "dhparam="+config+"dhparams.pem", "[outbound]", "key=", "cert="),
		"config/log.ini":                 logging,
		"plugins/as_it_came.js":          whole,
		"plugins/put_off.js":             later,
		// A line that says where a mail comes from would tell the world the mail host's address.
		"config/connection.ini": connections(does.Key{Section: "headers", Name: "add_received", Value: "false"}),
	}
	if s.Smarthost.Host != "" { // what relay sends home goes home
		all["config/plugins"], all[smarthostFile], all[smarthostPlugin] = lines("relay", "as_it_came", "put_off", "smarthost"), route(s.Smarthost), bySmarthost
	}
	return all
}

// home has mail for our own domains go by the other instance.
func home(s *site.Site) string {
	all := []string{"[domains]"}
	for _, d := range zone.Domains(s) {
		all = append(all, d+` = { "action": "continue", "nexthop": "`+address(netip.MustParseAddr("127.0.0.1"), s.Ports.SMTP)+`" }`)
	}
	return lines(all...)
}

// bounce is what who sent a mail is told when it cannot be delivered. Haraka has none but in its own folder, and then sends one without
// a subject or a sender.
const bounce = `Date: {date}
From: MAILER-DAEMON@{me}
To: {to}
Auto-Submitted: auto-replied
Subject: could not be delivered: {subject}
Message-Id: {msgid}

The mail server {me} could not deliver your message
    "{subject}"
to
    {recipients}

The reason: {reason}
{extended_reason}

It does not try again.
`

// logging is as much as it takes to tell what became of a mail.
const logging = "level=notice\ntimestamps=false\nformat=default\n"

// connections is Haraka's file with what we have otherwise.
func connections(more ...does.Key) string {
	text := connection
	for _, k := range append([]does.Key{
		{Section: "max", Name: "bytes", Value: strconv.Itoa(mailSize)},
		{Section: "max", Name: "data_line_length", Value: "65536"}, // it breaks longer lines in two, and so their signature: 992 is less than may be
		{Section: "headers", Name: "show_version", Value: "false"},
		{Section: "main", Name: "spool_dir", Value: "/var/tmp"}, // large mails; /tmp is memory on Debian 13
	}, more...) {
		text = does.Ini.Put(text, k)
	}
	return text
}

func address(a netip.Addr, port int) string { return net.JoinHostPort(a.String(), strconv.Itoa(port)) }
