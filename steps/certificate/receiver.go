package certificate

import (
	"fmt"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// Receiver is who shows the certificate on a mail host.
type Receiver struct {
	had     string // sh that prints the key and the certificate that it shows now
	tell    string // sh that has it take up what lies in seen.MailPEM
	back    string // sh that has it as before
	Postfix seen.Mailer
	Dovecot string // its version
}

const (
	mainCF      = "/etc/postfix/main.cf"
	dovecotConf = "/etc/dovecot/dovecot.conf"
	dovecotOwn  = "/etc/dovecot/conf.d/99-postern.conf"
	rootKeys    = "/root/.ssh/authorized_keys"
)

// ReceiverOf is the one of a site: Mailcow, or the host's own Postfix and Dovecot, as far as it has them.
func ReceiverOf(s *site.Site, now seen.Mailer, host seen.Receiving) Receiver {
	if s.Mail.Kind == "mailcow" {
		const ssl = "/opt/mailcow-dockerized/data/assets/ssl"
		return Receiver{had: "cat " + ssl + "/key.pem " + ssl + "/cert.pem", tell: mailcow,
			back: "for f in key.pem cert.pem; do if [ -e " + state + "/$f ]; then mv -f " + state + "/$f " + ssl + "/$f; again=yes; fi; done\n" +
				"[ -z \"${again-}\" ] || for s in postfix-mailcow dovecot-mailcow nginx-mailcow; do docker ps -q --filter label=com.docker.compose.service=$s 2>/dev/null | xargs -r docker restart >/dev/null || :; done\n"}
	}
	r := Receiver{tell: plain}
	if !now.Absent && now.Active && now.Container == "" {
		r.Postfix = now
		r.had = "c=$(postconf -xh smtpd_tls_chain_files); if [ -n \"$c\" ]; then cat $c; else cat \"$(postconf -xh smtpd_tls_key_file)\" \"$(postconf -xh smtpd_tls_cert_file)\"; fi"
	}
	r.Dovecot, _, _ = strings.Cut(host.Dovecot, " ")
	return r
}

// Taking is what a mail host should have: what takes a certificate from the proxy with that public key, and mail servers that show it.
func Taking(s *site.Site, r Receiver, key string, f remote.Facts) does.Table {
	t := taking(s, r)
	if r.Postfix.Set != nil {
		t.Things = append(t.Things, does.Keys{Path: mainCF, Syntax: does.MainCF, Set: postfixKeys(r.Postfix), InTurn: true}, does.Unit{Name: "postfix.service", Config: []string{mainCF}, Reload: true})
	}
	if r.Dovecot != "" {
		text := fmt.Sprintf("ssl_cert = <%s\nssl_key = <%[1]s\n", seen.MailPEM)
		if !strings.HasPrefix(r.Dovecot, "2.3") {
			text = fmt.Sprintf("ssl_server_cert_file = %s\nssl_server_key_file = %[1]s\n", seen.MailPEM)
		}
		own, thing := dovecotConf, does.Thing(does.Block{Path: dovecotConf, Text: text, Title: "have Dovecot show the certificate that is handed over"})
		if main, _ := f.File(dovecotConf); main != nil && strings.Contains(main.Text, "\n!include conf.d/*.conf") {
			own, thing = dovecotOwn, does.File{Path: dovecotOwn, Text: "# postern: the certificate that is handed over\n" + text}
		}
		t.Things = append(t.Things, thing, does.Unit{Name: "dovecot.service", Config: []string{own}, Reload: true})
	}
	if keys, is := f.File(rootKeys); is && keys == nil {
		t.Things = append(t.Things, does.File{Path: rootKeys, Mode: 0o600, Text: does.PutBlock("", admitted(s, key), -1), Title: admits})
	} else {
		t.Things = append(t.Things, does.Block{Path: rootKeys, Text: admitted(s, key), Title: admits})
	}
	return t
}

// Before is what comes before the proxy's key can be read.
func Before(s *site.Site, r Receiver) does.Table {
	return does.Table{Step: step, Things: []does.Thing{standIn(s, r)}}
}

// Shared are the files of others in which we have lines.
var Shared = []string{rootKeys, dovecotConf, seen.Caddyfile}

const admits = "let the proxy's key in, to hand over a certificate and for nothing else"

// admitted is the line of the proxy's key.
func admitted(s *site.Site, key string) string {
	from := s.Tunnel.Proxy.String()
	if six := s.TunnelAddress6(s.HostsOf(site.Proxy)[0]); six.IsValid() {
		from += "," + six.String()
	}
	return `restrict,from="` + from + `",command="` + script + `" ` + strings.TrimSpace(key) + "\n"
}

// taking is what of it depends on nothing that was seen.
func taking(s *site.Site, r Receiver) does.Table {
	tell := r.tell
	if tell == "" {
		tell = plain
	}
	own, _ := s.OwnCertificate()
	text := strings.NewReplacer("@NAME@", remote.Quote(s.Hostname), "@STATE@", state, "@MINE@", seen.MailPEM, "@ANY@", remote.Quote(own), "@SOUND@", sound+printed, "@TELL@", strings.TrimSpace(tell)).Replace(take)
	return does.Table{Step: step, Things: []does.Thing{
		standIn(s, r),
		does.File{Path: script, Text: text, Mode: 0o755, Title: "write " + script + ", which takes a certificate from the proxy"},
	}}
}

// standIn is what the mail servers show now, in the one file that they will read, until something is handed over.
func standIn(s *site.Site, r Receiver) does.Command {
	had := r.had
	if had == "" {
		had = "false"
	}
	const file = seen.MailPEM
	return does.Command{ID: "certificate", First: true, Title: "put the certificate that the mail server shows into " + file + ", where a new one will take its place",
		Why:  "its key does not leave the host; where there is none that is whole, one stands in",
		Test: "[ -s " + file + " ]",
		Do: "umask 077\nmkdir -p /etc/postern\n{ " + had + "; } >" + file + ".new 2>/dev/null || :\n" +
			"a=$(openssl pkey -in " + file + ".new -passin pass: -pubout 2>/dev/null) || a=none\n" +
			"if [ \"$a\" != \"$(openssl x509 -in " + file + ".new -noout -pubkey 2>/dev/null)\" ]; then\n" +
			"\topenssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj " + remote.Quote("/CN="+s.Hostname) + " -keyout " + file + ".new -out " + file + ".crt 2>/dev/null\n" +
			"\tcat " + file + ".crt >>" + file + ".new\n\trm " + file + ".crt\nfi\nsync " + file + ".new\nmv " + file + ".new " + file + "\n",
		// what still reads it, because others edited its settings since, goes on to
		Undo: r.back + "rm -rf " + state + "\ngrep -rqs " + file + " " + mainCF + " /etc/dovecot || rm -f " + file + " " + file + ".*\nrmdir /etc/postern 2>/dev/null || :\n"}
}

// postfixKeys have Postfix read key and certificate from one file. The older settings are passed over then, with a word of warning for each
// connection; so they go.
func postfixKeys(now seen.Mailer) []does.Key {
	keys := []does.Key{{Name: "smtpd_tls_chain_files", Value: seen.MailPEM}}
	for _, old := range []string{"smtpd_tls_cert_file", "smtpd_tls_eccert_file", "smtpd_tls_dcert_file"} {
		if now.Set[old] != "" {
			keys = append(keys, does.Key{Name: old})
		}
	}
	return keys
}
