package smtp

import (
	"context"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/zone"
)

// The ways a message goes.
const (
	inward  = "in"
	outward = "out"
	bounced = "bounce"
)

// Letter is one message that smtp.message sends.
type Letter struct {
	way      string
	from, to string // of the envelope; a null sender is ""
	id       string // its Message-ID, without brackets
}

// Letters are the messages that go to addresses, tagged with a word. To an address of the site's own goes one from outside, and one in its name to a
// domain that there never is (RFC 2606), of which it must be told. To any other goes one from an own address, postmaster's where none is among them.
//
// What comes from outside has the null sender: no SPF record speaks of it, and nothing comes back to a stranger (RFC 5321, 4.5.5).
func Letters(s *site.Site, to []string, word string) (all []Letter) {
	sender := "postmaster@" + s.Domain
	if at := slices.IndexFunc(to, func(a string) bool { return own(s, a) }); at >= 0 {
		sender = to[at]
	}
	add := func(way, from, to, host string) {
		all = append(all, Letter{way, from, to, fmt.Sprintf("postern-%s.%d@%s", word, len(all)+1, host)})
	}
	for _, a := range to {
		if own(s, a) {
			add(inward, "", a, ownName)
			add(bounced, a, "nobody@postern-"+word+".invalid", s.Hostname)
		} else {
			add(outward, sender, a, s.Hostname)
		}
	}
	return all
}

// String says what is sent, before it is.
func (l Letter) String() string {
	switch l.way {
	case inward:
		return "to " + l.to + ", from here to each public address of the proxy, with the null sender"
	case bounced:
		return "from " + l.from + " to a domain that there never is, handed in at the mail host; it comes back to " + l.from
	}
	return "from " + l.from + " to " + l.to + ", handed in at the mail host"
}

func own(s *site.Site, address string) bool {
	_, domain, _ := strings.Cut(address, "@")
	return slices.ContainsFunc(zone.Domains(s), func(d string) bool { return strings.EqualFold(d, domain) })
}

var plainAddress = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+=-]{0,63}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}$`)

// Addressable says whether a message can be sent to an address: a plain one, as nearly all are.
func Addressable(address string) error {
	if a, err := mail.ParseAddress(address); err != nil || a.Address != address || len(address) > 254 || !plainAddress.MatchString(address) {
		return fmt.Errorf("%q is no plain address, such as ann@example.org", address)
	}
	return nil
}

// text is the message, as it goes over the wire. Nobody's holiday note answers it (RFC 3834).
func (l Letter) text(at time.Time) string {
	sender := l.from
	if sender == "" {
		sender = "postern@" + ownName
	}
	_, word, _ := strings.Cut(l.id, "-")
	word, _, _ = strings.Cut(word, ".")
	return strings.Join([]string{
		"Date: " + at.Format(time.RFC1123Z), "From: <" + sender + ">", "To: <" + l.to + ">", "Subject: a test of this mail system (postern " + word + ")",
		"Message-ID: <" + l.id + ">", "Auto-Submitted: auto-generated", "MIME-Version: 1.0", "Content-Type: text/plain; charset=us-ascii", "",
		"Whoever runs this mail system had postern send this, to see that mail goes", "its way. It can be deleted.", "",
	}, "\r\n")
}

// handIn has the mail host's own server send a message, as if a program on the host had written it.
func (l Letter) handIn(ctx context.Context, e *checks.Env, v *checks.Vantage) error {
	box, err := mailBox(e.Site, v)
	if err != nil {
		return err
	}
	send := "sendmail"
	if box != "" {
		send = "docker exec -i " + remote.Quote(box) + " sendmail"
	}
	a, err := v.Run(ctx, remote.ReadRun(strings.Join([]string{"send", l.id, l.from, l.to}, " "), "PATH=$PATH:/usr/sbin\nprintf %s "+remote.Quote(strings.ReplaceAll(l.text(e.Now), "\r", ""))+
		" | timeout 20 "+send+" -i -f "+remote.Quote(l.from)+" -- "+remote.Quote(l.to)+" 2>&1"))
	if err == nil && a.Code != 0 {
		err = fmt.Errorf("the mail host's server does not take it: %s", remote.Clean(a.Out).Line(160))
	}
	return err
}

// mailBox is the container that is the host's mail server, "" where its own Postfix is. An error says that there is none of which one knows.
func mailBox(s *site.Site, v *checks.Vantage) (string, error) {
	docker, err := seen.Docker.Of(v.Facts)
	if err != nil {
		return "", err
	}
	for _, p := range docker.Published {
		if p.Proto == "tcp" && p.First <= s.Ports.SMTP && s.Ports.SMTP <= p.Last {
			return p.Container, nil
		}
	}
	now, err := seen.Postfix.Of(v.Facts)
	if err == nil && (now.Absent || !now.Active) {
		err = fmt.Errorf("no Postfix runs on %s, and no container there publishes port %d", v.Name, s.Ports.SMTP)
	}
	return "", err
}
