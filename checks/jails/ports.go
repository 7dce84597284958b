package jails

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	seenpf "postern/seen/pf"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{ID: "jails.ports", Layout: "toaster", Rests: []string{"jails.rules", "host.ssh@"}, Step: "firewall", Title: "Each port of a jail answers from outside", Guide: "firewall, Opening Required Ports",
		Page: checks.Page{
			Asks: "Does who listens in each jail begin to speak, from here, at each public port and over each family of the host? And did pf count the connection at a rule of that jail: only then it came by that rule. From the host itself this is never asked: " +
				"what is sent on is not sent on from there.",
			OK:      "It speaks, and pf counted the connection.",
			Warn:    "It speaks, and no rule of the jail counted it: something else answers, or sends it on.",
			Fail:    "Nothing answers, or what answers does not speak as its port has it.",
			Unknown: "This place cannot ask. A silent port 25 is this too: many networks let nobody dial it.",
			Skip:    "The layout has no jails, the jail does not run, or the port is for sources that this place is not among.",
			Mends:   "First what jails.rules finds. Where the rules let it in: the service in the jail, and the provider's own firewall.",
		}, Reads: reads, Ask: ofToaster(askPorts)})
}

// speaks is how long one waits for the first words of a service.
const speaks = 20 * time.Second

// tried is one port of a jail that was dialled.
type tried struct {
	q      checks.Question
	jail   site.Jail
	to     netip.AddrPort
	answer checks.Reached
	said   string
	err    error
	skip   string
}

func askPorts(ctx context.Context, e *checks.Env) (all []checks.Result) {
	for _, h := range e.Site.Hosts {
		q := checks.Question{From: h.Name, Fix: "firewall", Want: "the ports of jails answer"}
		v, err := e.Look(h)
		if err != nil {
			all = append(all, q.Cannot(err))
			continue
		}
		s, err := look(h, v)
		if err != nil {
			all = append(all, q.Cannot(err))
			continue
		}
		from, err := e.Outside(h)
		if err != nil {
			all = append(all, q.Cannot(err))
			continue
		}
		list := s.doors(e.Site, from)
		if len(list) == 0 {
			q.From = from.Name
			all = append(all, q.Unknown(h.Name+"'s public address is not known", "it was neither answered nor detected"))
			continue
		}
		checks.AtOnce(len(list), func(i int) { list[i].dial(ctx, e, from) })
		after, err := checks.Ask(ctx, e.Site, v, seen.PFLoaded)
		for _, one := range list {
			all = append(all, one.judge(s.loaded, after, err))
		}
	}
	return all
}

// doors are the public ports of jails over each family of the host.
func (s scene) doors(of *site.Site, from *checks.Vantage) (all []*tried) {
	for _, j := range of.Jails {
		for _, at := range s.public() {
			inside := address(j, at.Is4())
			if !inside.IsValid() {
				continue
			}
			if site.Public(inside) {
				at = inside // it has an address of its own in the world
			}
			for _, port := range j.Ports {
				to := netip.AddrPortFrom(at, uint16(port))
				suffix := fmt.Sprintf(".%s-%d", j.Name, port)
				if at.Is6() {
					suffix += ".v6"
				}
				one := &tried{jail: j, to: to, q: checks.Question{Suffix: suffix, From: from.Name, Fix: "firewall", Want: j.Name + " answers at " + to.String(), Rests: []string{"jails.rules." + j.Name, "host.ssh@" + s.host.Name}}}
				switch {
				case !s.runs(j.Name):
					one.skip = "the jail does not run"
				case site.Insecure(port):
					one.skip = "it is for few sources only, and speaks without TLS"
				}
				all = append(all, one)
			}
		}
	}
	return all
}

// dial connects, and waits for the first words.
func (t *tried) dial(ctx context.Context, e *checks.Env, from *checks.Vantage) {
	if t.skip != "" {
		return
	}
	if why := e.Blind(from, t.to); why != "" {
		t.skip = why
		return
	}
	conn, reached := e.Dial(ctx, from, t.to)
	t.answer = reached
	if conn == nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	timer := time.AfterFunc(speaks, func() { conn.Close() })
	defer timer.Stop()
	t.said, t.err = firstWords(ctx, conn, site.Greeting(int(t.to.Port())), e.Site.Hostname)
}

func firstWords(ctx context.Context, conn net.Conn, how, name string) (string, error) {
	switch how {
	case site.SpeaksNot:
		return "it takes the connection", nil
	case site.SpeaksTLS:
		inside := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, ServerName: name, MinVersion: tls.VersionTLS12}) //nolint:gosec // that somebody speaks TLS is all that is asked
		if err := inside.HandshakeContext(ctx); err != nil {
			return "", err
		}
		return "it speaks TLS", nil
	}
	line, err := bufio.NewReader(io.LimitReader(conn, 1<<10)).ReadString('\n')
	if said := strings.TrimSpace(line); strings.HasPrefix(said, how) {
		return "it greets: " + remote.Clean(said).Line(60), nil
	} else if said != "" {
		return "", fmt.Errorf("it says %q", remote.Clean(said).Line(60))
	}
	return "", err
}

func (t *tried) judge(before, after seen.Anchors, err error) checks.Result {
	r := t.answer
	switch {
	case t.skip != "":
		return t.q.Skip("%s", t.skip)
	case r.Mute():
		return t.q.Unknown(r.Said(), "this place cannot ask: "+checks.Why(r.Err))
	case r.Answer == checks.Dropped && int(t.to.Port()) == site.WorldSMTP:
		return t.q.Unknown("no answer", "the host drops it, or its provider, or the network it was asked from, as most homes' do; jails.rules tells what the host's own rules do")
	case r.Answer != checks.Open:
		return t.q.Fail(r.Said(), "nothing listens in the jail, or a firewall on the way refuses it; jails.rules tells what the host's own rules do", checks.Why(r.Err))
	case t.err != nil:
		return t.q.Fail("it takes the connection, and does not speak: "+remote.Clean(remote.Words(t.err)).Line(120), "pf itself takes connections for a service that is down (synproxy), or another service listens there", "")
	case err != nil:
		return t.q.Unknown(t.said+"; what pf counted could not be read: "+remote.Words(err), "")
	}
	was, is := counted(before, t), counted(after, t)
	if is <= was {
		return t.q.Warn(t.said+", and no rule of the jail counted it", "something else answers at that address, or sends it on", fmt.Sprintf("packets counted by rdr/%s before and after: %d, %d", t.jail.Name, was, is))
	}
	return t.q.OK("%s; pf counted it", t.said)
}

// counted are the packets that the jail's rules for a port have translated so far.
func counted(a seen.Anchors, t *tried) (n uint64) {
	anchor := "rdr/" + t.jail.Name
	for _, st := range seenpf.Printed(a.Rules[anchor], anchor, seenpf.Host{}).Statements {
		for _, r := range st.Rules {
			if r.Counters == nil || r.Family != 0 && (r.Family == 4) != t.to.Addr().Is4() {
				continue
			}
			for _, p := range r.To.Ports {
				if p.Op == "=" && p.A == int(t.to.Port()) {
					n += r.Counters.Packets
				}
			}
		}
	}
	return n
}
