package path

import (
	"cmp"
	"fmt"

	"postern/seen"
)

// blocked is the finding of a rule that keeps packets back at a host.
func (s Signals) blocked(host string, r Rule, evidence string) finding {
	f := finding{state: Broken, evidence: evidence, action: r.Undo, on: host}
	rule := cmp.Or(r.Doubt, r.Text)
	switch {
	case r.Whose == "fail2ban":
		f.words = fmt.Sprintf("fail2ban on %s has banned %s, from where this was asked: %s", host, s.came(), rule)
	case r.Whose != "":
		f.action = cmp.Or(r.Undo, "take this rule away: "+rule)
		f.words = fmt.Sprintf("%s keeps it back on %s: %s", r.Whose, host, rule)
	default:
		f.words, f.action, f.on = fmt.Sprintf("the firewall of %s does not let it pass: %s", host, rule), "postern apply firewall", ""
	}
	if r.File != "" {
		f.words += "; " + r.File + " brings it back at boot: take it out there too"
	}
	if r.Doubt != "" {
		f.sure, f.settles = Likely, "take it away for a moment, and ask again"
	}
	return f
}

// entry is the firewall of the proxy.
func (s Signals) entry() finding {
	side := s.Proxy
	on, back := s.sentOn(), s.answered("")
	switch {
	case side.Device == "":
		return unknown("%s could not be read", side.Host)
	case len(s.Sources) > 0 && s.Client.IsValid() && !seen.Inside(s.Sources, s.Client) && on+back == 0:
		return finding{state: Broken, evidence: "asked from " + s.Client.String(),
			words:  fmt.Sprintf("%s is open to %s only, as the answers say, and not to %s", s.Service, seen.Joined(s.Sources), s.Client),
			action: fmt.Sprintf("postern --set from.%s=%s,%s --save apply firewall", s.Service, seen.Joined(s.Sources), s.Client)}
	case s.Forwarded && on > 0, !s.Forwarded && back > 0:
		return passed("let on")
	case side.Begins.refuses():
		return s.blocked(side.Host, side.Begins, "a SYN came in, and none goes on")
	case s.Forwarded && side.Error == "":
		return stands("nothing stops it before it is sent on")
	case s.Forwarded:
		return side.unseen()
	case side.Sent.Verdict == "DNAT" && side.Docker != "" && s.Service == "smtp":
		return s.docker("a service of its own")
	case side.Sent.Verdict == "DNAT" && side.Docker != "":
		return side.mute()
	case side.Sent.Verdict == "DNAT":
		return finding{state: Broken, evidence: "sent to " + side.Sent.To, action: "postern apply firewall", sure: Likely, settles: "what listens at " + side.Sent.To,
			words: fmt.Sprintf("%s sends port %d on to %s, though it is for a service of its own: %s", side.Host, s.Public.Port(), side.Sent.To, side.Sent.Text)}
	case side.Lets.refuses(), side.Lets.Doubt != "" && !s.closed():
		return s.blocked(side.Host, side.Lets, "a SYN came in, and nothing answers")
	}
	return s.byRules(side)
}

// docker is the finding of a container on the proxy that a port is published for, in the place of what it is for.
func (s Signals) docker(instead string) finding {
	side := s.Proxy
	return finding{state: Broken, evidence: "sent to " + side.Sent.To, action: "docker stop " + side.Docker, on: side.Host,
		words: fmt.Sprintf("Docker on %s takes port %d for its container %s, and it is for %s", side.Host, s.Public.Port(), side.Docker, instead)}
}

// byRules is for a firewall whose rules let it on, though nothing was seen behind it.
func (s Signals) byRules(side Side) finding {
	if side.Error != "" {
		return side.unseen()
	}
	return stands("%s", cmp.Or(side.Lets.Text, "no rule stops it"))
}

// forwarding is what the proxy does with a port that is for the mail host.
func (s Signals) forwarding() finding {
	side, port := s.Proxy, s.Public.Port()
	astray := ""
	for _, p := range side.Captured.Packets {
		if p.Out && p.Kind == SYN && p.Src.Addr() == s.came() && p.Dst != s.Target && p.Dst.Addr() != s.Public.Addr() && p.Device != "lo" {
			astray = p.Dst.String() + " by " + p.Device
		}
	}
	wrong := func(to string) finding {
		f := finding{state: Broken, evidence: "sent to " + to, action: "postern apply firewall",
			words: fmt.Sprintf("%s sends port %d to %s, not to %s: %s", side.Host, port, to, s.Target, side.Sent.Text)}
		if side.Docker != "" {
			return s.docker(s.Target.String())
		} else if side.Sent.Undo != "" {
			f.action, f.on = side.Sent.Undo, side.Host
		}
		return f
	}
	switch {
	case side.Device == "":
		return unknown("%s could not be read", side.Host)
	case s.sentOn() > 0:
		return passed("sent to %s by %s", s.Target, s.Interface)
	case astray != "":
		return wrong(astray)
	case side.Sent.Verdict != "DNAT" && side.Sent.Doubt == "":
		return finding{state: Broken, evidence: "no rule of the proxy's translates it", action: "postern apply firewall",
			words: fmt.Sprintf("%s does not send port %d on to %s: its rule is not there", side.Host, port, s.Target)}
	case side.Sent.To != "" && side.Sent.To != s.Target.String():
		return wrong(side.Sent.To)
	case !side.End.Runs:
		return stands("it would go to %s", s.Target)
	case side.Stops != "":
		return finding{state: Broken, evidence: side.Stops + " = 0", action: "sysctl -w " + side.Stops + "=1", on: side.Host,
			words: fmt.Sprintf("%s forwards nothing: %s is 0", side.Host, side.Stops)}
	case side.Lets.refuses(), side.Lets.Doubt != "":
		return s.blocked(side.Host, side.Lets, "a SYN came in, and none goes on to the tunnel")
	}
	if side.Error != "" {
		return side.unseen()
	}
	return unknown("a SYN came in, the rules of %s would send it on, and none goes on: a rule that is not understood, or forwarding is off", side.Host)
}
