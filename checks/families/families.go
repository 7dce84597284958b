// Package families lists the families of checks, one folder each, which register their own. It knows no check.
package families

import (
	_ "postern/checks/cert"     // which certificates the mail ports show
	_ "postern/checks/dns"      // what the world is told of the names
	_ "postern/checks/firewall" // what the firewalls let in and send on
	_ "postern/checks/host"     // each host by itself
	_ "postern/checks/jails"    // what is let in to jails
	_ "postern/checks/mailcow"  // the Mailcow of the mail host by itself
	_ "postern/checks/smtp"     // what the mail servers do
	_ "postern/checks/tunnel"   // the way between the hosts
	_ "postern/checks/web"      // what the web server does
)
