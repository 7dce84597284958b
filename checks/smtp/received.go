package smtp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"regexp"
	"slices"
	"strings"

	"blitiri.com.ar/go/spf"
	"github.com/emersion/go-msgauth/dkim"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/zone"
)

func init() {
	checks.Register(checks.Check{
		ID: "smtp.received", Step: "haraka", Title: "A message that somebody got has the right names on it", Beyond: true,
		Page: checks.Page{
			Asks: "What did a receiver see? Only where the operator gives a message as its receiver saved it (\"show original\"): postern check --received FILE. The file is read and names are looked up from here; no host is asked. " +
				"Which address handed it over is the receiver's word: Received-SPF, else the first Received from the top that names one.",
			OK:      "It came from the proxy; HELO, address and reverse name agree; SPF passes, a signature of the domain verifies, and no header tells of home.",
			Fail:    "One of these is not so; the result says which.",
			Unknown: "The file is no such message, the receiver does not say who handed it over, or a name cannot be looked up from here.",
			Skip:    "Nobody gave a message.",
			Mends:   "Ask the hosts with postern check: for names, SPF and DKIM it is mostly the records of chapter DNS, for an address of home the chapters Haraka and Mailcow.",
		},
		Guide: "RFC 5321, 4.4; RFC 7208; RFC 6376", Reads: checks.Files(), Ask: named(askReceived),
	})
}

// letterhead is a field of a message's head, in order.
type letterhead struct{ name, text string }

// head takes a message's head apart; what is no message has none.
func head(text []byte) (fields []letterhead, err error) {
	in := textproto.NewReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		line, err := in.ReadContinuedLine()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		name, rest, ok := strings.Cut(line, ":")
		switch {
		case line == "" || err != nil:
			if len(fields) == 0 {
				return nil, errors.New("it has no head")
			}
			return fields, nil
		case ok && !strings.ContainsAny(name, " \t"):
			fields = append(fields, letterhead{name, strings.TrimSpace(rest)})
		case len(fields) > 0 || !strings.HasPrefix(line, "From "): // the line of an mbox
			return nil, fmt.Errorf("this is no line of a head: %q", remote.Clean(line).Line(60))
		}
	}
}

// handover is who handed a message to its receiver, by the receiver's word, and what had been written into it by then.
type handover struct {
	by     netip.Addr
	helo   string
	sender string // of the envelope; "" for the null sender
	before []letterhead
}

var (
	clientIP = regexp.MustCompile(`(?i)\bclient-ip=["\[]?([0-9a-f.:]+)`)
	fromIP   = regexp.MustCompile(`(?i)^from\s+(\S+)\s.*?\[(?:IPv6:)?([0-9a-f.:]+)\]`)
	fromBare = regexp.MustCompile(`(?i)^from\s+(\S+)\s+\(([0-9a-f.:]+)\)`)
)

// handedOver finds it.
func handedOver(fields []letterhead) (h handover, err error) {
	for _, f := range fields {
		if m := clientIP.FindStringSubmatch(f.text); m != nil && strings.EqualFold(f.name, "Received-SPF") && !h.by.IsValid() {
			h.by, _ = netip.ParseAddr(m[1])
		}
		if strings.EqualFold(f.name, "Return-Path") && h.sender == "" {
			h.sender = strings.Trim(f.text, "<> ")
		}
	}
	for i, f := range fields {
		m := fromIP.FindStringSubmatch(f.text)
		if m == nil {
			m = fromBare.FindStringSubmatch(f.text)
		}
		if m == nil || !strings.EqualFold(f.name, "Received") {
			continue
		}
		at, err := netip.ParseAddr(m[2])
		if at = at.Unmap(); err != nil || at.IsPrivate() || at.IsLoopback() || h.by.IsValid() && h.by.Unmap() != at {
			continue // a hop of the receiver's own
		}
		h.by, h.helo, h.before = at, m[1], fields[i+1:]
		return h, nil
	}
	return h, errors.New("the receiver does not say who handed it over: save the message whole, with all of its head")
}

// askHosts is no step: which one mends it, and whether any does, is known only of hosts that were asked.
const askHosts = "'postern check' asks the hosts, and says what mends it there"

func askReceived(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{From: checks.Here, Fix: askHosts}
	if e.Saved == nil {
		return []checks.Result{q.Skip("a message is judged only where you give one: postern check --received FILE")}
	}
	q.Want = "a message as its receiver saved it"
	fields, err := head(e.Saved)
	if err != nil {
		return []checks.Result{q.Unknown("it cannot be read as a message: "+remote.Words(err), "the file is something else")}
	}
	h, err := handedOver(fields)
	if err != nil {
		return []checks.Result{q.Unknown(remote.Words(err), "only part of it was saved")}
	}
	return checks.Together([]func() checks.Result{
		func() checks.Result { return h.named(ctx, e, q) }, func() checks.Result { return h.allowed(ctx, e, q) },
		func() checks.Result { return signed(ctx, e, q) }, func() checks.Result { return h.discreet(e, q) },
	})
}

// named asks whether the address that handed it over is the proxy's, and whether all its names agree.
func (h handover) named(ctx context.Context, e *checks.Env, q checks.Question) checks.Result {
	q.Suffix, q.Want = ".names", "an address that is the proxy's, and leads to "+e.Site.Hostname+" and back"
	saw := fmt.Sprintf("%s handed it over, as %s", h.by, remote.Clean(h.helo).Line(80))
	at, err := e.Names.LookupNetIP(ctx, "ip", e.Site.Hostname)
	if err != nil {
		return q.Unknown(saw+"; "+remote.Words(err), "names cannot be looked up from here")
	}
	back, err := e.Names.LookupAddr(ctx, h.by.String())
	var none *net.DNSError
	if err != nil && !(errors.As(err, &none) && none.IsNotFound) {
		return q.Unknown(saw+"; "+remote.Words(err), "names cannot be looked up from here")
	}
	if !slices.ContainsFunc(at, func(a netip.Addr) bool { return a.Unmap() == h.by }) {
		return q.Fail(fmt.Sprintf("%s; %s leads to %s", saw, e.Site.Hostname, remote.Clean(fmt.Sprint(at)).Line(100)), "mail leaves by another line, such as the one at home", "")
	}
	if !strings.EqualFold(strings.Trim(h.helo, "[]"), e.Site.Hostname) {
		return q.Fail(saw, "the server that sends calls itself otherwise", "")
	}
	if !slices.ContainsFunc(back, func(name string) bool { return strings.EqualFold(strings.TrimSuffix(name, "."), e.Site.Hostname) }) {
		return q.Fail(fmt.Sprintf("%s; the address leads back to %s", saw, remote.Clean(checks.Few(append(back, "nothing else"))).Line(100)), "the reverse name is not set: the provider's panel does that", "")
	}
	return q.OK("%s, and the names agree", saw)
}

// allowed evaluates SPF for it.
func (h handover) allowed(ctx context.Context, e *checks.Env, q checks.Question) checks.Result {
	q.Suffix, q.Want, q.Likely = ".spf", "SPF passes for who handed it over", "the record does not name that address"
	sender := h.sender
	if sender == "" {
		sender = "postmaster@" + h.helo // RFC 7208, 2.4
	}
	r, err := spf.CheckHostWithSender(net.IP(h.by.AsSlice()), h.helo, sender, spf.WithContext(ctx), spf.WithResolver(e.Names))
	saw := fmt.Sprintf("%s for %s from %s", r, remote.Clean(sender).Line(80), h.by)
	switch {
	case r == spf.Pass:
		return q.OK("%s", saw)
	case r == spf.TempError:
		return q.Unknown(saw+": "+remote.Words(err), "names cannot be looked up from here")
	}
	return q.Fail(saw, "", "")
}

// mostSignatures is how many signatures of one message are looked at.
const mostSignatures = 8

// signed verifies the DKIM signatures on the very message.
func signed(ctx context.Context, e *checks.Env, q checks.Question) checks.Result {
	q.Suffix, q.Want, q.Likely = ".dkim", "a signature of "+e.Site.Domain+" that verifies", "the mail server signs with another key than the DNS tells, or something on the way changed the message"
	text := bytes.ReplaceAll(bytes.ReplaceAll(e.Saved, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	all, err := dkim.VerifyWithOptions(bytes.NewReader(text), &dkim.VerifyOptions{MaxVerifications: mostSignatures,
		LookupTXT: func(name string) ([]string, error) { return e.Names.LookupTXT(ctx, name) }})
	if err != nil && !errors.Is(err, dkim.ErrTooManySignatures) {
		return q.Unknown("it cannot be verified: "+remote.Words(err), "the file was changed when it was saved")
	}
	var why []string
	for _, v := range all {
		switch mine := own(e.Site, "@"+v.Domain); {
		case mine && v.Err == nil:
			return q.OK("the signature of %s verifies", remote.Clean(v.Domain).Line(80))
		case mine && dkim.IsTempFail(v.Err):
			return q.Unknown(remote.Words(v.Err), "names cannot be looked up from here")
		case mine:
			why = append(why, remote.Clean(v.Domain+": "+v.Err.Error()).Line(120))
		}
	}
	if len(why) == 0 {
		return q.Fail("no domain of the site has signed it", "the mail server does not sign", "")
	}
	return q.Fail(checks.Few(why), "", "")
}

// judged are fields in which a receiver notes what it found of who handed the message over; some write them below the Received.
var judged = map[string]bool{"received-spf": true, "authentication-results": true, "arc-authentication-results": true}

var anyAddress = regexp.MustCompile(`[0-9A-Fa-f]*[.:][0-9A-Fa-f:.]{2,}`)

// discreet looks for addresses of home in what the message had on it when it was handed over.
func (h handover) discreet(e *checks.Env, q checks.Question) checks.Result {
	q.Suffix, q.Want = ".home", "no header that tells of home"
	home := map[netip.Addr]bool{}
	for _, m := range e.Site.HostsOf(site.Mail) {
		home[m.Public4], home[m.Public6] = true, true
	}
	for _, p := range e.Site.HostsOf(site.Proxy) { // those that may be told
		for _, a := range zone.Senders(e.Site, p) {
			delete(home, a)
		}
	}
	var told []string
	for _, f := range h.before {
		if judged[strings.ToLower(f.name)] {
			continue
		}
		for _, word := range anyAddress.FindAllString(f.text, -1) {
			a, err := netip.ParseAddr(strings.Trim(word, "."))
			if err == nil && (home[a] || a.IsPrivate() || e.Site.Tunnel.Network.Contains(a)) && !a.IsLoopback() {
				told = append(told, fmt.Sprintf("%s in %s", a, remote.Clean(f.name).Line(40)))
			}
		}
	}
	q.Likely = "the proxy or the mail host writes down where it got the message"
	return q.None(told, "none of %d headers tells of home", len(h.before))
}
