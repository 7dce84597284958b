package demo

import (
	"fmt"
	"net/mail"
	"net/netip"
	"strings"
)

// The mail that goes its way in the demo, and what the servers log of it: Postfix in a container on the mail host, Haraka on the proxy.

// queueID is what Postfix calls the next message.
func (w *World) queueID() string {
	w.mailed++
	return fmt.Sprintf("4DE%05X", w.mailed)
}

// log writes a line of a host's mail server.
func (h *Host) log(format string, args ...any) {
	h.mailLog = append(h.mailLog, fmt.Sprintf(format, args...))
}

// maillog is the lines that hold one of some words.
func (h *Host) maillog(words []string) string {
	text := ""
	for _, line := range h.mailLog {
		for _, word := range words {
			if strings.Contains(line, word) {
				text += "|" + line + "\n"
				break
			}
		}
	}
	return section("lines", text)
}

// mailqueue is empty: in the demo mail goes at once.
func (h *Host) mailqueue([]string) string {
	switch {
	case h == h.w.Mail && h.mailcowRuns():
		return section("now", h.seconds()) + section("postfix", "0 0")
	case h.kernel.started["haraka-out"]:
		return section("now", h.seconds()) + section("haraka", "0 0")
	}
	return section("absent", "")
}

// take is what the mail host makes of a message that came from somebody.
func (w *World) take(from netip.Addr, text string) {
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keep("unknown["+from.String()+"]", strings.Trim(m.Header.Get("Message-ID"), "<>"), strings.Trim(m.Header.Get("To"), "<>"))
}

// keep has a mailbox take a message with the null sender.
func (w *World) keep(client, id, to string) {
	q := w.queueID()
	if w.faulty("junk") {
		client = "unknown[" + w.Proxy.up()[0].addresses[0].Addr().String() + "]"
	}
	w.Mail.log("postfix/smtpd[701]: %s: client=%s", q, client)
	w.Mail.log("postfix/cleanup[702]: %s: message-id=<%s>", q, id)
	w.Mail.log("postfix/qmgr[703]: %s: from=<>, size=1024, nrcpt=1 (queue active)", q)
	w.Mail.log("postfix/lmtp[704]: %s: to=<%s>, relay=dovecot[172.22.1.250]:24, delay=0.1, delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 <%[2]s> Saved)", q, to)
}

// sendmail has the mail host's server send a message; what goes to nobody comes back.
func (h *Host) sendmail(args []string) string {
	id, from, to := args[0], args[1], args[2]
	_, domain, _ := strings.Cut(to, "@")
	q, lost := h.w.queueID(), strings.HasSuffix(domain, ".invalid")
	h.log("postfix/cleanup[702]: %s: message-id=<%s>", q, id)
	h.log("postfix/qmgr[703]: %s: from=<%s>, size=1024, nrcpt=1 (queue active)", q, from)
	const went = "postfix/smtp[705]: %s: to=<%s>, relay=%s, delay=0.1, delays=0/0/0/0, dsn=2.0.0, status=%s (%s)"
	haraka, name := h.w.Proxy.kernel.started["haraka-out"] && !h.w.faulty("homeip"), id[strings.LastIndexByte(id, '@')+1:]
	switch relay := fmt.Sprintf("%s[192.0.2.25]:25", "mx."+domain); {
	case haraka:
		at := h.w.Proxy.up()[0].addresses[0].Addr()
		uuid := fmt.Sprintf("3E111C93-FE86-4E11-AF1F-%012X.1", h.w.mailed)
		h.log(went, q, to, fmt.Sprintf("%s[%s]:%d", at, at, relayPort), "sent", "250 Message Queued ("+uuid+")")
		h.w.Proxy.log(`env[801]: [NOTICE] [%s] [core] message mid=<%s> size=1024 rcpts=1/0/0 delay=0 code=CONT msg=""`, uuid, id)
		if !lost {
			h.w.Proxy.log(`env[801]: [NOTICE] [%s.1] [outbound]  delivered file=1_1_0_1_x_1_proxy domain=%s host=mx.%s ip=192.0.2.25 port=25 mode=SMTP tls=Y auth=N response="OK: queued" delay=0.1 fails=0 rcpts=1/0/0`, uuid, domain, domain)
		}
	case lost:
		h.log(went, q, to, "none", "bounced", "Host or domain name not found. Name service error for name="+domain)
	default:
		h.log(went, q, to, relay, "sent", "250 2.0.0 Ok: queued")
	}
	if lost {
		h.w.keep(name+"["+ProxyAddress+"]", "notice-"+q+"@"+name, from)
	}
	return ""
}
