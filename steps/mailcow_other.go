package steps

// otherMailServer is what any other mail server on the hidden host needs (mail.kind = plain).
func otherMailServer(w handwork) []Task {
	tasks := []Task{w.task("mailcow.ports", "have the mail server listen on %TM% only", otherListenText, otherListenCopy)}
	if w.haraka() {
		tasks = append(tasks, w.task("mailcow.relay", "send outgoing mail through %PROXY%, and believe it about senders", otherRelayText, otherRelayCopy))
	} else {
		tasks = append(tasks, w.task("mailcow.smarthost", "find a way out for outgoing mail", otherSmartHostText, ""))
	}
	return append(tasks, w.task("mailcow.domains", "make mailboxes and a DKIM key", otherDomainsText, w.addresses()))
}

const otherListenText = `mail.kind is plain: what follows is for Postfix; others have the same under other names.
The mail server takes mail on %TM% port %SMTP%, submission on %SUBMISSIONS% (TLS) and
%SUBMISSION%, IMAPS on %IMAPS%.
Nothing of it needs to listen on the home network.
It must start after the tunnel, or it cannot listen on %TM%.`

const otherListenCopy = `
# on %MAIL%, as root
postconf -e 'inet_interfaces = 127.0.0.1, %TM%' 'myhostname = %HOST%'
mkdir -p /etc/systemd/system/postfix@.service.d
cat > /etc/systemd/system/postfix@.service.d/60-tunnel.conf <<'END'
[Unit]
Wants=%UNIT%
After=%UNIT%
END
systemctl daemon-reload
systemctl restart postfix`

const otherRelayText = `XCLIENT: %PROXY% (%TP%) may say who really sent a mail, and nobody else may.
Without it every mail seems to come from %TP%, and spam filter and bans are blind.
Outgoing mail goes to %TP% port %RELAY%; the world must never see the address at home.
Do NOT add %TP% to mynetworks: that would make an open relay of whatever slips through.
mynetworks is written out, because its usual value is every network of the host: the tunnel too.`

const otherRelayCopy = `
# on %MAIL%, as root
postconf -e 'mynetworks = 127.0.0.0/8 [::1]/128' 'inet_protocols = all'
postconf -e 'smtpd_authorized_xclient_hosts = %TP%' 'relayhost = [%TP%]:%RELAY%'
systemctl reload postfix
postconf mynetworks smtpd_authorized_xclient_hosts relayhost`

const otherSmartHostText = `mail.path is direct: nothing on %PROXY% takes outgoing mail, so it would leave from home.
That shows the address at home to the world, and most receivers refuse such mail.
Give the mail server a relay host of a provider, or answer mail.path with haraka.`

const otherDomainsText = `Make the mailboxes, and sign outgoing mail with DKIM: selector %SELECTOR%, 2048 bits.
Make aliases for the addresses below: other servers and their reports write to them.`
