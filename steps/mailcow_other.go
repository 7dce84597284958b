package steps

// otherMailServer is what any other mail server on the hidden host needs (mail.kind = plain) and only a person can do. Its place behind
// the tunnel is the chapter Haraka's.
func otherMailServer(w handwork) []Task {
	return []Task{w.task("mailcow.domains", "make mailboxes and a DKIM key", otherDomainsText, w.addresses())}
}

const otherDomainsText = `mail.kind is plain: install your mail server, if it is not there yet, with services for
mail on port %SMTP%, for mail programs on %SUBMISSIONS% (TLS) and %SUBMISSION%, and IMAPS on %IMAPS%.
Make the mailboxes, and sign outgoing mail with DKIM: selector %SELECTOR%, 2048 bits.
Make aliases for the addresses below: other servers and their reports write to them.`
